"""Overlaps and the assignment, against a second library and against counting."""

from __future__ import annotations

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.registry.overlap import Groups, assign, overlaps

PAIRS = st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), st.integers(1, 1_000), min_size=1, max_size=20)


@settings(max_examples=15)
@given(PAIRS)
def test_the_assignment_is_the_best_there_is(gains: dict[tuple[int, int], int]) -> None:
    table = pd.DataFrame([(f"R-{o}", n, g / 1_000) for (o, n), g in gains.items()], columns=["old", "new", "gain"])
    chosen = assign(table)
    assert len(set(chosen.values())) == len(chosen)
    total = sum(gains[int(o[2:]), n] for o, n in chosen.items())
    graph = nx.Graph()
    graph.add_weighted_edges_from((f"old{o}", f"new{n}", g) for (o, n), g in gains.items())
    best = nx.max_weight_matching(graph)
    assert total == sum(graph[a][b]["weight"] for a, b in best)
    assert assign(table.iloc[::-1]) == chosen


def groups(held: dict[str, set[str]], weight: float = 1.0) -> pd.DataFrame:
    rows = [(g, item, weight) for g, items in held.items() for item in sorted(items)]
    return pd.DataFrame(rows, columns=["group", "item", "weight"])


SETS = st.sets(st.sampled_from("abcdefgh"), min_size=1)


@settings(max_examples=15)
@given(SETS, SETS)
def test_jaccard_and_shares_are_those_of_sets(old: set[str], new: set[str]) -> None:
    nothing = groups({}).astype({"group": "str", "item": "str", "weight": "float64"})
    found = overlaps(Groups(groups({"R": old}), nothing), Groups(groups({"x": new}).assign(group=0), nothing), 0.0)
    if not old & new:
        assert found.empty
        return
    row = found.iloc[0]
    assert row["jaccard"] == pytest.approx(len(old & new) / len(old | new))
    assert row["overlap"] == pytest.approx(row["jaccard"])
    assert row["share_old"] == pytest.approx(len(old & new) / len(old))
    assert row["share_new"] == pytest.approx(len(old & new) / len(new))


@settings(max_examples=15)
@given(SETS, SETS, st.floats(0.01, 1))
def test_faded_members_weigh_less_against_a_ring(old: set[str], new: set[str], weight: float) -> None:
    nothing = groups({}).astype({"group": "str", "item": "str", "weight": "float64"})
    today = Groups(groups({"x": new}).assign(group=0), nothing)

    def overlap(w: float) -> float:
        found = overlaps(Groups(groups({"R": old}, w), nothing), today, 0.0)
        return float(found["overlap"].iloc[0]) if len(found) else 0.0

    assert overlap(weight) >= overlap(1.0) - 1e-12
