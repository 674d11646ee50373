"""Null models keep every degree and nothing else; false discovery rates are honest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
from graphs import BipartiteGraph, empirical_q, gumbel_p, rewire, shuffle_hours
from tests.graphs.shapes import bipartite_graphs, few


@given(bipartite_graphs(), st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_every_degree_stays_within_each_type(graph, seed):
    types = np.arange(graph.n_entities) % 2
    mixed = rewire(graph, types, seed=seed)
    assert (mixed.entity_degrees() == graph.entity_degrees()).all()
    assert mixed.entity_strengths() == pytest.approx(graph.entity_strengths())
    for one in (0, 1):
        before, after = (g.restrict(entities=types == one).account_degrees() for g in (graph, mixed))
        assert (before == after).all()


def test_the_same_seed_gives_the_same_graph_and_another_seed_another():
    graph = graphs.planted_rings(n_rings=5, ring_size=8, n_others=100, seed=1).graph
    types = np.zeros(graph.n_entities, dtype=int)
    one, same, other = (rewire(graph, types, seed=s) for s in (1, 1, 2))
    assert (one.entity == same.entity).all()
    assert not (one.entity == other.entity).all()


def test_rewiring_mixes():
    """Over many rewirings every graph with these degrees comes up about equally often: here six, of three pairs."""
    graph = BipartiteGraph.from_arrays([0, 1, 2], [0, 1, 2])
    seen = {}
    for seed in range(1200):
        entity = tuple(rewire(graph, [0, 0, 0], seed=seed).entity.tolist())
        seen[entity] = seen.get(entity, 0) + 1
    assert len(seen) == 6
    counts = np.array(list(seen.values()))
    # chi-square with 5 degrees of freedom, 1 in 10,000
    assert ((counts - 200) ** 2 / 200).sum() < 25.7


def test_rewiring_forgets_the_planted_rings():
    planted = graphs.planted_rings(n_rings=20, ring_size=10, n_others=300, seed=1)
    mixed = rewire(planted.graph, planted.entity_type, seed=3)
    edge = planted.graph.account * planted.graph.n_entities + planted.graph.entity
    again = mixed.account * planted.graph.n_entities + mixed.entity
    shared_edges = np.isin(edge, again)
    rare = planted.graph.entity_degrees()[planted.graph.entity] <= 10
    assert shared_edges[rare].mean() < 0.03

    def strongest(graph):
        pairs = graphs.rare_pairs(graph, family=planted.entity_type, max_degree=20, min_entities=2)
        return pairs.n_pairs

    assert strongest(planted.graph) > 300
    assert strongest(mixed) < 0.1 * strongest(planted.graph)


def test_a_full_graph_cannot_be_mixed_and_stays():
    graph = BipartiteGraph.from_arrays(np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4))
    mixed = rewire(graph, [0, 0, 0], seed=1)
    assert (mixed.entity == graph.entity).all() and (mixed.account == graph.account).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 47)), max_size=40), st.integers(0, 99))
@few
def test_turning_keeps_distances_and_the_hour_of_day(rows, seed):
    account = np.array([a for a, _ in rows], dtype=np.int64)
    hour = np.array([h for _, h in rows], dtype=np.int64)
    turned = shuffle_hours(account, hour, n_hours=48, seed=seed)
    by_day = shuffle_hours(account, hour, n_hours=48, seed=seed, step=24)
    assert ((by_day - hour) % 24 == 0).all()
    for one in set(account.tolist()):
        steps = (turned[account == one] - hour[account == one]) % 48
        assert (steps == steps[0]).all()


def test_turning_does_not_depend_on_the_order_of_rows():
    account, hour = np.array([3, 1, 3, 2]), np.array([0, 5, 7, 9])
    order = np.array([2, 0, 3, 1])
    one = shuffle_hours(account, hour, n_hours=24, seed=4)
    other = shuffle_hours(account[order], hour[order], n_hours=24, seed=4)
    assert (one[order] == other).all()


def test_q_by_hand():
    # two searches on random graphs: scores 4 and 1
    found = empirical_q([5.0, 3.0, 0.5], [[4.0], [1.0]])
    # at 5: (0 + 1) / 2 / 1; at 3: (1 + 1) / 2 / 2; at 0.5: (2 + 1) / 2 / 3
    assert found == pytest.approx([0.5, 0.5, 0.5])
    found = empirical_q([5.0, 4.9, 4.8, 0.5], [[4.0, 0.7], [1.0, 0.6]])
    assert found == pytest.approx([1 / 6, 1 / 6, 1 / 6, 5 / 8])


scores = st.lists(st.floats(-10, 10, allow_nan=False), max_size=20)


@given(scores, st.lists(scores, max_size=4))
@few
def test_q_values_lie_between_0_and_1_and_never_rise_with_the_score(found, null):
    q = empirical_q(found, null)
    assert ((q >= 0) & (q <= 1)).all()
    order = np.argsort(found)
    assert (np.diff(q[order]) <= 1e-12).all()
    for score in set(found):
        assert len({round(v, 12) for v, s in zip(q, found, strict=True) if s == score}) == 1


def test_no_discovery_in_a_world_of_chance():
    """Where candidates come from the null itself, hardly any world has a candidate below 0.05."""
    generator = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        found = generator.exponential(size=50)
        q = empirical_q(found, [generator.exponential(size=50) for _ in range(20)])
        wrong += bool((q <= 0.05).any())
    assert wrong / 300 < 0.08


def test_gumbel_tail_is_a_chance_and_falls():
    generator = np.random.default_rng(1)
    maxima = generator.gumbel(loc=5.0, scale=0.7, size=4000)
    p = gumbel_p([3.0, 5.0, 8.0], maxima)
    expected = 1 - np.exp(-np.exp(-(np.array([3.0, 5.0, 8.0]) - 5.0) / 0.7))
    assert p == pytest.approx(expected, abs=0.01)
    assert (gumbel_p([0.0, 1e9], [2.0, 2.0, 2.0]) == [1.0, 0.0]).all()
    drawn = generator.gumbel(size=(2000, 7))
    fresh = generator.gumbel(size=2000)
    exceeded = [gumbel_p([one], seven)[0] <= 0.05 for one, seven in zip(fresh, drawn, strict=True)]
    assert 0.04 < np.mean(exceeded) < 0.08, "few searches must not make the tail look thin"
    with pytest.raises(ValueError, match="three"):
        gumbel_p([1.0], [1.0, 2.0])
