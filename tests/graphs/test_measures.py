"""Measures of communities against plain loops and igraph's cuts."""

import igraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
from graphs import PairGraph, community_measures, smallest_cuts
from tests.graphs.shapes import bipartite_graphs, few


@given(bipartite_graphs(), st.data())
@few
def test_bits_inside_and_leaving_are_counted_edge_by_edge(graph, data):
    def labels(size):
        return np.array(data.draw(st.lists(st.integers(-1, 2), min_size=size, max_size=size)), dtype=np.int64)

    of_account, of_entity = labels(graph.n_accounts), labels(graph.n_entities)
    found = community_measures(graph, of_account, of_entity, n_communities=3)
    for one in range(3):
        inside = leaving = 0.0
        for a, e, bits in zip(graph.account, graph.entity, graph.bits, strict=True):
            ends = int(of_account[a] == one) + int(of_entity[e] == one)
            inside += bits * (ends == 2)
            leaving += bits * (ends == 1)
        assert (found.inside[one], found.leaving[one]) == pytest.approx((inside, leaving))
        volume, total = 2 * inside + leaving, 2 * graph.total_bits
        smaller = min(volume, total - volume)
        if smaller > 1e-9:
            assert found.conductance[one] == pytest.approx(leaving / smaller)
        cells = found.n_accounts[one] * found.n_entities[one]
        assert found.density[one] == pytest.approx(inside / cells if cells else np.nan, nan_ok=True)


def test_a_planted_ring_is_denser_than_the_rest():
    planted = graphs.planted_rings(n_rings=5, ring_size=10, n_others=200, seed=0)
    ring_entities = np.full(planted.graph.n_entities, -1)
    ring_entities[:30] = np.repeat(np.arange(5), 6)
    found = community_measures(planted.graph, planted.ring, ring_entities)
    assert (found.n_accounts == 10).all() and (found.n_entities == 6).all()
    assert (found.conductance < 0.6).all()


@given(st.integers(0, 100_000), st.floats(0.1, 1.0))
@settings(max_examples=60, deadline=None)
def test_cuts_agree_with_igraph_on_the_whole_graph(seed, share):
    generator = np.random.default_rng(seed)
    n = int(generator.integers(2, 16))
    upper = np.argwhere(np.triu(generator.random((2 * n, 2 * n)) < share, k=1))
    label = np.repeat([0, 1], n)
    pairs = PairGraph.from_arrays(upper[:, 0], upper[:, 1], np.ones(len(upper)), n_accounts=2 * n)
    found = smallest_cuts(pairs, label)
    for one in range(found.size.size):
        inside = upper[(label[upper[:, 0]] == one) & (label[upper[:, 1]] == one)] - one * n
        referee = igraph.Graph(n, edges=inside.tolist())
        cut = int(referee.mincut().value)
        assert found.at_least[one] == min(cut, 10)
        assert found.at_least[one] <= cut <= found.at_most[one]
        assert found.well_connected[one] == (cut > np.log10(n))


def test_large_communities_get_bounds(monkeypatch):
    monkeypatch.setattr("graphs.measures._EXACT_CUT", 5)
    ring = [(i, (i + 1) % 10) for i in range(10)]
    path = [(i, i + 1) for i in range(10, 19)]
    parted = [(20, 21), (21, 22), (20, 22), (23, 24), (24, 25), (23, 25)]
    a, b = zip(*(ring + path + parted), strict=True)
    pairs = PairGraph.from_arrays(a, b, np.ones(len(a)), n_accounts=28)
    label = np.repeat([0, 1, 2, 3, -1], [10, 10, 6, 1, 1])
    found = smallest_cuts(pairs, label)
    assert found.at_least.tolist() == [2, 1, 0, 0] and found.at_most.tolist() == [2, 1, 0, 0]
    assert found.well_connected.tolist() == [True, False, False, False]


def test_wrong_labels_are_refused():
    pairs = PairGraph.from_arrays([0], [1], [1.0], n_accounts=2)
    with pytest.raises(ValueError, match="length"):
        smallest_cuts(pairs, [0])
    with pytest.raises(ValueError, match="integers"):
        smallest_cuts(pairs, [0.5, 0.5])
