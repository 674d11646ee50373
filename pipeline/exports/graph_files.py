"""GEXF and GraphML of the flagged rings: accounts and shared things with places, colours, sizes and kinds."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.exports.figures.choose import flagged_rings
from pipeline.exports.figures.ring_picture import CORE
from pipeline.exports.figures.sheet import slots
from pipeline.exports.figures.style import LIGHT, colour
from pipeline.exports.frames import rows_of
from pipeline.exports.tables import Tables, frame_of
from pipeline.exports.trace import safe

if TYPE_CHECKING:
    import networkx as nx

REACH = 100.0  # half the width of a ring's picture in the file's units
MOST_RINGS = 200


def graph_of(tables: Tables, most: int = MOST_RINGS) -> nx.Graph:
    """The bipartite graph of the flagged rings, strongest first, as far as their pictures hold it.

    Vertices: `kind` (account or a link type), `ring_id`, `score`, `label`, `x`, `y`, `size`, `color`. Edges: `bits`,
    `n_events`.
    What a picture leaves out is counted in the graph's `left_out_accounts`.
    """
    import networkx as nx

    rings = flagged_rings(tables).head(most)
    ids = rings["ring_id"].tolist()
    graph = nx.Graph(run_id=tables.manifest["run_id"])
    if not ids:
        graph.graph["left_out_accounts"] = 0
        return graph
    layout, incidence, members = (tables.table(t, ids) for t in ("layout", "incidence", "members"))
    places = _places(rings, layout)
    slot_of = slots(frame_of(tables).types)
    score = dict(zip(rings["ring_id"], rings["score"], strict=True))
    for row in rows_of(members):
        spot = places.get((row.ring_id, "account", row.account_id))
        if spot is None:
            continue
        key = f"account:{safe(row.account_id, longest=200)}"
        graph.add_node(
            key,
            **_vertex("account", row.account_id, row.ring_id, score[row.ring_id], spot, 0, 6.0, float(row.membership)),
        )
    left_out = len(members) - graph.number_of_nodes()
    for row in rows_of(incidence.sort_values(["ring_id", "entity_type", "entity", "account_id"])):
        account = f"account:{safe(row.account_id, longest=200)}"
        spot = places.get((row.ring_id, row.entity_type, row.entity))
        if account not in graph or spot is None:
            continue
        key = f"{safe(row.entity_type)}:{safe(row.entity, longest=200)}"
        if key not in graph:
            slot = slot_of.get(row.entity_type, 9)
            graph.add_node(
                key, **_vertex(str(row.entity_type), row.entity, row.ring_id, score[row.ring_id], spot, slot, 10.0, 1.0)
            )
        graph.add_edge(
            account, key, bits=round(float(row.bits), 4), n_events=int(row.n_events), weight=round(float(row.bits), 4)
        )
    graph.graph["left_out_accounts"] = left_out
    return graph


def _vertex(
    kind: str,
    name: Any,
    ring_id: str,
    score: float,
    spot: tuple[float, float],
    slot: int,
    size: float,
    membership: float,
) -> dict[str, Any]:
    return {
        "label": safe(name, longest=200),
        "kind": safe(kind),
        "ring_id": str(ring_id),
        "score": round(float(score), 6),
        "membership": round(membership, 6),
        "core": bool(membership >= CORE),
        "x": round(spot[0], 3),
        "y": round(spot[1], 3),
        "size": size,
        "color": colour(LIGHT, slot),
    }


def _places(rings: pd.DataFrame, layout: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Places of all vertices: each ring's picture in a cell of a square grid, strongest rings first."""
    wide = max(1, math.ceil(math.sqrt(len(rings))))
    corner = {r: (2.4 * REACH * (i % wide), -2.4 * REACH * (i // wide)) for i, r in enumerate(rings["ring_id"])}
    return {
        (r.ring_id, r.vertex_type, r.vertex): (corner[r.ring_id][0] + REACH * r.x, corner[r.ring_id][1] + REACH * r.y)
        for r in rows_of(layout)
    }


def gexf(graph: nx.Graph, day: str = "") -> bytes:
    """GEXF 1.2 with places, colours and sizes as Gephi reads them; no date of writing."""
    import networkx as nx

    made = nx.Graph()
    for key, about in graph.nodes(data=True):
        red, green, blue = (int(about["color"][i : i + 2], 16) for i in (1, 3, 5))
        viz = {
            "color": {"r": red, "g": green, "b": blue, "a": 1.0},
            "position": {"x": about["x"], "y": about["y"], "z": 0.0},
            "size": about["size"],
        }
        kept = {k: v for k, v in about.items() if k not in ("color", "size", "x", "y")}
        made.add_node(key, **kept, viz=viz)
    made.add_edges_from(graph.edges(data=True))
    out = io.BytesIO()
    nx.write_gexf(made, out, version="1.2draft")
    return re.sub(rb' lastmodifieddate="[^"]*"', b"", out.getvalue()) + b"\n"


def graphml(graph: nx.Graph) -> bytes:
    """GraphML with places and colours as plain attributes."""
    import networkx as nx

    out = io.BytesIO()
    nx.write_graphml_xml(graph, out)
    return out.getvalue() + b"\n"
