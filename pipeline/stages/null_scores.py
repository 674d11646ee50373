"""Search rewired graphs in the same way and judge what is found, to know what chance alone makes.

Rows in: the incidence, traits and hours of accounts, conversations. Rows out: every group that stands in each rewired
graph, with size, bits of its links and score in bits, in the light of all that stand there; the members of those that
reach the report floor (lower ones stand against no ring that is reported). Rewiring keeps how many entities of each
type an account has and how many accounts an entity has, how many conversations it takes over, and what each account
does by itself; only who shares with whom, and who hands on to whom, is left to chance. The templates of a circle are
left out: chance makes no circle, and would only mix accounts of large operators with one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import BipartiteGraph, rewire
from graphs.search import search
from pipeline.affinity import affinity_of
from pipeline.chance import rewirings_of
from pipeline.graph_tables import GraphTables, all_types, graph_tables, groups_table, search_rules
from pipeline.judging import choose_groups
from pipeline.measures import Records, measure, read_records
from pipeline.scoring_model import ScoringModel, read_model
from pipeline.settings import Settings
from pipeline.stages._entity_classes import CIRCLE
from pipeline.workbench import Workbench

_COLUMNS = ["rewiring", "community", "size", "link_bits", "trees_bits", "first_bits"]
_MEMBERS = ["rewiring", "community", "account_id"]
_ALL_UPHELD = 0.95  # few runs uphold more; members are kept of what may reach the report floor in such a run


@dataclass(frozen=True)
class NullScores:
    """What the stage writes."""

    null_scores: pd.DataFrame
    null_members: pd.DataFrame


def make(
    incidence_bits: pd.DataFrame,
    entities: pd.DataFrame,
    account_traits: pd.DataFrame,
    account_hours: list[str],
    conversations: pd.DataFrame,
    *,
    settings: Settings,
    bench: Workbench,
) -> NullScores:
    """Groups of rewired graphs, as many of these as the settings ask for a graph of this size."""
    if incidence_bits.empty:
        return _nothing()
    tables = graph_tables(incidence_bits, entities, all_types(settings), account_traits)
    records = read_records(tables, account_traits, account_hours, conversations, bench)
    tables = _without_circles(tables)
    model = read_model(settings.scores.model)
    given = (tables, records, model, settings)  # one object, which a worker elsewhere reads once
    rewirings = range(rewirings_of(settings.null, tables.graph.n_accounts))
    frames = bench.map(_one, [(n, given) for n in rewirings], what="search rewired graphs")
    return NullScores(
        pd.concat([f.null_scores for f in frames], ignore_index=True)[_COLUMNS],
        pd.concat([f.null_members for f in frames], ignore_index=True)[_MEMBERS],
    )


def _without_circles(tables: GraphTables) -> GraphTables:
    """The graph without the templates of circles; accounts and entities keep their numbers."""
    kept = (tables.entities["class"] != CIRCLE).to_numpy(bool)
    edges = kept[tables.graph.entity]
    return replace(tables, graph=tables.graph.restrict(entities=kept), n_events=tables.n_events[edges])


def _nothing() -> NullScores:
    return NullScores(pd.DataFrame({c: [] for c in _COLUMNS}), pd.DataFrame({c: [] for c in _MEMBERS}))


def _one(task: tuple[int, tuple[GraphTables, Records, ScoringModel, Settings]]) -> NullScores:
    """The groups that stand in one rewired graph."""
    number, (tables, records, model, settings) = task
    kind = np.unique(tables.entities["entity_type"].to_numpy(object).astype(str), return_inverse=True)[1]
    seed = settings.run.seed + 1000 + number
    graph = rewire(tables.graph, kind.astype(np.int64), seed=seed)
    chance = replace(tables, graph=graph, n_events=_spread(tables, graph, kind.astype(np.int64)))
    rules = search_rules(settings)
    affinity = affinity_of(chance, records.traits, model.affinity, settings.communities)
    found = search(graph, tables.about, tables.star, replace(rules, seeds=rules.seeds[:1]), affinity)
    table = groups_table(found)
    if table.empty:
        return _nothing()
    values = measure(chance, found.groups, records.by_chance(tables.accounts, seed=seed), affinity)
    missing = np.full(found.groups.n, np.nan)  # a measure that is not taken adds nothing, as in the scores stage
    x = np.column_stack([values.get(name, missing) for name in model.measures])
    bits = model.score_bits(x)
    whole = model.whole_among(found.groups, x, bits, model.wholeness(x))
    chosen = choose_groups(found.groups, whole, bits)
    trees = np.round(bits[chosen.group] + model.context.place(found.groups, chosen.group, x, bits, whole).total(), 9)
    first = model.leanings.first(trees, x[chosen.group])
    size = found.groups.sizes[chosen.group].astype(np.float64)
    highest = model.leanings.total_of(trees, first, np.full(trees.size, _ALL_UPHELD), size)
    high = np.flatnonzero(model.calibrated(highest) >= settings.scores.report_floor).tolist()
    members = [(int(chosen.group[i]), found.groups.account[chosen.rows[i]]) for i in high]
    return NullScores(
        table.iloc[chosen.group].assign(rewiring=number, trees_bits=trees, first_bits=first).sort_values("community"),
        pd.DataFrame(
            [(number, group, account) for group, rows in members for account in tables.accounts[rows].tolist()],
            columns=_MEMBERS,
        ),
    )


def _spread(tables: GraphTables, graph: BipartiteGraph, kind: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sightings of each rewired edge: what the account has on average with entities of that type."""
    n_kinds = int(kind.max()) + 1
    old = tables.graph.account * n_kinds + kind[tables.graph.entity]
    size = tables.graph.n_accounts * n_kinds
    total = np.bincount(old, weights=tables.n_events.astype(float), minlength=size)
    count = np.bincount(old, minlength=size)
    mean = total / np.maximum(count, 1)
    return np.asarray(np.rint(mean[graph.account * n_kinds + kind[graph.entity]]), dtype=np.int64)
