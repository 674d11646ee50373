"""From the tables of incidence and entities to index arrays, the same way for every stage that needs the graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import BipartiteGraph
from graphs.search import Found, SearchRules
from graphs.ties import Entities
from pipeline.link_types import LinkType, link_types
from pipeline.settings import Settings

# An account belongs to a group from this many bits on (one half at this level).
EVEN_BITS = 3.5


@dataclass(frozen=True, eq=False)
class GraphTables:
    """The graph with the names of its vertices; both are sorted, so that numbers do not depend on order."""

    graph: BipartiteGraph
    accounts: npt.NDArray[np.object_]
    entities: pd.DataFrame  # one row an entity, in the order of their numbers
    about: Entities
    families: tuple[str, ...]
    star: npt.NDArray[np.bool_]
    n_events: npt.NDArray[np.int64]  # sightings of each edge
    account_events: npt.NDArray[np.int64]  # requests of each account, all of them where traits are given


def graph_tables(
    incidence: pd.DataFrame,
    entities: pd.DataFrame,
    types: tuple[LinkType, ...],
    traits: pd.DataFrame | None = None,
) -> GraphTables:
    """Arrays of the bipartite graph from `incidence_bits` and `entities`; `traits` gives the requests of accounts."""
    incidence = incidence.sort_values(["account_id", "entity_type", "entity"], ignore_index=True)
    accounts, account = np.unique(incidence["account_id"].to_numpy(object).astype(str), return_inverse=True)
    by_type = {t.name: t for t in types}
    keys = pd.MultiIndex.from_frame(entities[["entity_type", "entity"]].astype(str))
    wanted = pd.MultiIndex.from_frame(incidence[["entity_type", "entity"]].astype(str))
    place = keys.get_indexer(wanted)
    if (place < 0).any():
        raise ValueError("incidence names an entity that entities does not have")
    used, entity = np.unique(place, return_inverse=True)
    kept = entities.iloc[used].reset_index(drop=True)
    order = np.lexsort((kept["entity"].astype(str), kept["entity_type"].astype(str)))
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    kept = kept.iloc[order].reset_index(drop=True)
    families = tuple(sorted({t.family for t in types}))
    about = Entities(
        family=kept["family"].map({f: i for i, f in enumerate(families)}).to_numpy().astype(np.int64),
        counts=kept["counts"].to_numpy(float),
        cap=kept["entity_type"].map({n: t.cap_bits for n, t in by_type.items()}).to_numpy().astype(np.float64),
    )
    graph = BipartiteGraph.from_arrays(
        account.astype(np.int64), rank[entity], incidence["bits"].to_numpy(float),
        n_accounts=accounts.size, n_entities=len(kept),
    )  # fmt: skip
    is_address = kept["entity_type"].map({n: t.form == "address" for n, t in by_type.items()}).to_numpy(bool)
    events = np.zeros(accounts.size, dtype=np.int64)
    if traits is not None:
        known = traits.set_index("account_id")["n_events"].reindex(accounts).fillna(0)
        events = known.to_numpy(np.int64)
    # Edges of the graph stand by account and entity number, which is the order of the sorted incidence.
    n_events = incidence["n_events"].to_numpy(np.int64)
    return GraphTables(graph, accounts.astype(object), kept, about, families, ~is_address, n_events, events)


def search_rules(settings: Settings) -> SearchRules:
    """Rules of the search from the settings; the seeds follow from the run's seed."""
    c = settings.communities
    return SearchRules(
        pair_min_bits=c.pair_min_bits,
        max_degree=c.pair_max_degree,
        cpm_resolutions=c.cpm_resolutions,
        barber_resolutions=c.barber_resolutions,
        seeds=tuple(settings.run.seed + i for i in range(c.seeds)),
        min_size=c.min_size,
        even_bits=EVEN_BITS,
    )


def all_types(settings: Settings) -> tuple[LinkType, ...]:
    """Every link type of a run."""
    return link_types(settings.link_types)


def groups_table(found: Found) -> pd.DataFrame:
    """One row a candidate group: size, stability, mean bits of links an account."""
    sizes = found.groups.sizes
    bits = np.bincount(found.groups.group, weights=found.ties.bits.sum(axis=1), minlength=found.groups.n)
    return pd.DataFrame(
        {
            "community": np.arange(found.groups.n),
            "size": sizes,
            "stability": np.round(found.stability, 9),
            "link_bits": np.round(bits / np.maximum(sizes, 1), 9),
            "source": list(found.source),
        }
    )
