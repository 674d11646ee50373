"""The search finds what was planted, in every order, and settles overlaps."""

import numpy as np
import pytest

from graphs import BipartiteGraph
from graphs.planted import Planted, planted_rings
from graphs.search import Found, SearchRules, search
from graphs.selection import choose, pools
from graphs.ties import Entities, Groups

RULES = SearchRules(
    pair_min_bits=6.0, max_degree=400, cpm_resolutions=(0.3,), barber_resolutions=(1.0, 16.0), seeds=(1, 2), min_size=3,
    even_bits=3.5,
)  # fmt: skip


def _search(planted: Planted, graph: BipartiteGraph | None = None) -> Found:
    graph = graph or planted.graph
    about = Entities(planted.entity_type, np.ones(graph.n_entities), np.full(graph.n_entities, 12.0))
    return search(graph, about, np.ones(graph.n_entities, dtype=bool), RULES)


@pytest.fixture(scope="module")
def planted() -> Planted:
    return planted_rings(n_rings=12, ring_size=15, n_others=600, seed=3)


def test_every_planted_ring_is_a_candidate(planted: Planted) -> None:
    found = _search(planted)
    candidates = {frozenset(found.groups.account[found.groups.group == g].tolist()) for g in range(found.groups.n)}
    for ring in range(12):
        members = frozenset(np.flatnonzero(planted.ring == ring).tolist())
        assert max(len(members & c) / len(members | c) for c in candidates) >= 0.7


def test_candidates_stand_once_and_are_large_enough(planted: Planted) -> None:
    found = _search(planted)
    sets = [tuple(found.groups.account[found.groups.group == g].tolist()) for g in range(found.groups.n)]
    assert len(sets) == len(set(sets))
    assert found.groups.sizes.min() >= 3
    assert ((found.stability >= 0) & (found.stability <= 1)).all()
    assert len(found.source) == found.groups.n == found.ties.coverage.shape[0]


def test_an_account_that_shares_nothing_changes_nothing(planted: Planted) -> None:
    graph = planted.graph
    more = BipartiteGraph(graph.n_accounts + 1, graph.n_entities, graph.account, graph.entity, graph.bits)
    before, after = _search(planted), _search(planted, more)
    np.testing.assert_array_equal(before.groups.account, after.groups.account)
    np.testing.assert_array_equal(before.groups.group, after.groups.group)


def test_choice_takes_the_worthier_and_leaves_no_account_in_two() -> None:
    groups = Groups.from_arrays([0, 0, 0, 1, 1, 1, 1, 2, 2, 2], [0, 1, 2, 2, 3, 4, 5, 3, 4, 5])
    chosen = choose(groups, [1.0, 3.0, 2.0], min_size=3, min_left=0.7)
    assert chosen.group.tolist() == [1]
    accounts = np.concatenate([groups.account[r] for r in chosen.rows])
    assert accounts.tolist() == [2, 3, 4, 5]
    kept = choose(groups, [1.0, 3.0, 2.0], min_size=2, min_left=0.6)
    assert kept.group.tolist() == [1, 0]
    assert [groups.account[r].tolist() for r in kept.rows] == [[2, 3, 4, 5], [0, 1]]


def test_a_pool_keeps_what_is_in_no_ring_and_holds_each_ring_once() -> None:
    groups = Groups.from_arrays([0] * 3 + [1] * 8 + [2] * 7, [0, 1, 2, *range(8), *range(1, 8)])
    chosen = choose(groups, [5.0, 0.1, 0.1], min_size=3, min_left=0.9)
    assert chosen.group.tolist() == [0]
    found = pools(groups, chosen, np.array([1, 2]), min_size=3, inside=0.8)
    assert [(p.group, groups.account[p.rows].tolist(), p.inner) for p in found] == [(1, [3, 4, 5, 6, 7], (0,))]
    assert pools(groups, chosen, np.array([1]), min_size=6, inside=0.8) == []
