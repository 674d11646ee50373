"""What pictures of a ring need: pairs of accounts, groups of accounts with the same shared things, places."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from graphs import BipartiteGraph
from graphs.layout import bipartite_layout
from pipeline.accused import MEMBERSHIP
from pipeline.stages.evidence.ties import ENTITY

STRONGEST = 12  # shared things that ring_groups tells apart
MOST_GROUPS = 12
# the surest accounts of a ring, and of each of its groups, that pictures have a place for: beyond, lines show nothing
DRAWN_ACCOUNTS, DRAWN_ENTITIES = 1500, 60


def ring_groups(ties: pd.DataFrame, of_accounts: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Accounts of each ring by which of its 12 strongest shared things they have; the 12 largest groups and the rest.

    `ties` is ordered, strongest first in each ring. A ring without members of its own (a pool of rings) has one row
    with no accounts.
    """
    marked, names = _marked(ties, of_accounts, members)
    rows: list[tuple[str, int, list[str], int, int]] = []
    by_ring = _by_ring(marked)
    for ring in ties["ring_id"].drop_duplicates().tolist():
        rows += _groups_of_ring(ring, by_ring.get(ring), names.get(ring, []))
    return pd.DataFrame(rows, columns=["ring_id", "rank", "entities", "n_accounts", "n_core"])


def _marked(
    ties: pd.DataFrame, of_accounts: pd.DataFrame, members: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Members with a bit for each of the ring's 12 strongest things that they have, and the names of these things."""
    keys = ["ring_id", *ENTITY]
    strongest = ties[ties["n_accounts_in_ring"] >= 2].groupby("ring_id", sort=False).head(STRONGEST)[keys]
    strongest = strongest.assign(place=strongest.groupby("ring_id").cumcount())
    strongest["shown"] = strongest["entity_type"] + ":" + strongest["entity"]
    names = {str(ring): part["shown"].tolist() for ring, part in strongest.groupby("ring_id")}
    has = of_accounts[[*keys, "account_id"]].merge(strongest, on=keys)
    mask = has.assign(bit=np.left_shift(1, has["place"])).groupby(["ring_id", "account_id"])["bit"].sum()
    marked = members.merge(mask.rename("mask").reset_index(), on=["ring_id", "account_id"], how="left")
    marked["mask"] = marked["mask"].fillna(0).astype("int64")
    return marked, names


def _groups_of_ring(
    ring: str, members: pd.DataFrame | None, names: list[str]
) -> list[tuple[str, int, list[str], int, int]]:
    if members is None:
        return [(ring, 1, [], 0, 0)]
    masks = members["mask"].tolist()
    core = Counter(m for m, sure in zip(masks, (members["membership"] >= MEMBERSHIP).tolist(), strict=True) if sure)
    largest = sorted(Counter(masks).items(), key=lambda item: (-item[1], item[0]))
    shown, rest = largest[:MOST_GROUPS], largest[MOST_GROUPS:]
    rows = [
        (ring, rank, [name for place, name in enumerate(names) if mask >> place & 1], n, core[mask])
        for rank, (mask, n) in enumerate(shown, start=1)
    ]
    if rest:
        rows.append((ring, len(rows) + 1, [], sum(n for _, n in rest), sum(core[mask] for mask, _ in rest)))
    return rows


def layout(ties: pd.DataFrame, of_accounts: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Places of the vertices of each ring's picture, -1 to 1: its strongest entities, its surest accounts and those of
    each of its groups.
    """
    keys = ["ring_id", *ENTITY]
    entities = ties.groupby("ring_id", sort=False).head(DRAWN_ENTITIES)[keys]
    accounts = _drawn(_marked(ties, of_accounts, members)[0])
    edges = of_accounts[[*keys, "account_id", "bits"]].merge(entities, on=keys)
    edges = edges.merge(accounts, on=["ring_id", "account_id"])
    things_of, accounts_of, edges_of = (_by_ring(table) for table in (entities, accounts, edges))
    made = [
        _layout_of_ring(
            ring, things_of.get(ring, entities.iloc[:0]), accounts_of.get(ring, accounts.iloc[:0]),
            edges_of.get(ring, edges.iloc[:0]),
        )
        for ring in sorted(set(things_of) | set(accounts_of))
    ]  # fmt: skip
    columns = ["ring_id", "vertex_type", "vertex", "x", "y"]
    return pd.concat(made, ignore_index=True)[columns] if made else pd.DataFrame({c: [] for c in columns})


def _drawn(marked: pd.DataFrame) -> pd.DataFrame:
    """Accounts that get a place: the surest of each ring, and the surest of each of its groups as `ring_groups` rows.

    Groups beyond the largest 12 are one row together, and so are they here.
    """
    surest = marked.sort_values(["ring_id", "membership", "account_id"], ascending=[True, False, True])
    sizes = surest.groupby(["ring_id", "mask"], as_index=False).size()
    sizes = sizes.sort_values(["ring_id", "size", "mask"], ascending=[True, False, True])
    sizes["row"] = sizes.groupby("ring_id").cumcount().clip(upper=MOST_GROUPS)
    surest = surest.merge(sizes[["ring_id", "mask", "row"]], on=["ring_id", "mask"])
    held = (surest.groupby("ring_id").cumcount() < DRAWN_ACCOUNTS) | (
        surest.groupby(["ring_id", "row"]).cumcount() < DRAWN_ACCOUNTS
    )
    return surest.loc[held, ["ring_id", "account_id"]]


def _layout_of_ring(ring: str, things: pd.DataFrame, accounts: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    names = np.sort(accounts["account_id"].to_numpy(object).astype(str))
    vertices = pd.MultiIndex.from_frame(things[ENTITY].astype(str)).sort_values()
    graph = BipartiteGraph.from_arrays(
        np.searchsorted(names, edges["account_id"].to_numpy(object).astype(str)),
        vertices.get_indexer(pd.MultiIndex.from_frame(edges[ENTITY].astype(str))).astype(np.int64),
        edges["bits"].to_numpy(float), n_accounts=names.size, n_entities=len(vertices),
    )  # fmt: skip
    kinds = vertices.get_level_values(0)
    places = bipartite_layout(graph, np.unique(kinds, return_inverse=True)[1].astype(np.int64))
    xy = np.concatenate([places.accounts, places.entities])
    return pd.DataFrame(
        {
            "ring_id": ring, "vertex_type": ["account"] * names.size + kinds.tolist(),
            "vertex": names.tolist() + vertices.get_level_values(1).tolist(), "x": xy[:, 0], "y": xy[:, 1],
        }
    )  # fmt: skip


def _by_ring(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(ring): part for ring, part in table.groupby("ring_id")}
