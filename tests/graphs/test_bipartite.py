"""The bipartite graph: one canonical form, refused faults, sums that agree with the edges."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs import BipartiteGraph
from tests.graphs.shapes import bipartite_graphs, few


@given(bipartite_graphs(), st.randoms(use_true_random=False))
@few
def test_the_order_of_edges_does_not_matter(graph, chance):
    order = list(range(graph.n_edges))
    chance.shuffle(order)
    again = BipartiteGraph.from_arrays(
        graph.account[order],
        graph.entity[order],
        graph.bits[order],
        n_accounts=graph.n_accounts,
        n_entities=graph.n_entities,
    )
    for name in ("account", "entity", "bits"):
        assert getattr(again, name).tobytes() == getattr(graph, name).tobytes()


@given(bipartite_graphs())
@few
def test_degrees_and_strengths_are_the_sums_of_the_matrix(graph):
    matrix = graph.incidence().toarray()
    assert graph.account_strengths() == pytest.approx(matrix.sum(axis=1))
    assert graph.entity_strengths() == pytest.approx(matrix.sum(axis=0))
    assert graph.account_degrees().sum() == graph.entity_degrees().sum() == graph.n_edges
    assert (np.diff(graph.account_starts()) == graph.account_degrees()).all()
    assert graph.total_bits == pytest.approx(matrix.sum())


@given(bipartite_graphs())
@few
def test_components_agree_with_networkx(graph):
    found = graph.components()
    referee = nx.Graph()
    referee.add_nodes_from(range(graph.n_accounts + graph.n_entities))
    referee.add_edges_from(zip(graph.account.tolist(), (graph.entity + graph.n_accounts).tolist(), strict=True))
    expected = sorted(nx.connected_components(referee), key=min)
    labels = np.concatenate((found.accounts, found.entities))
    assert found.n == len(expected)
    for number, members in enumerate(expected):
        assert set(np.flatnonzero(labels == number).tolist()) == members


@given(bipartite_graphs(), st.data())
@few
def test_restrict_keeps_exactly_what_passes_all_masks(graph, data):
    def mask(size):
        return np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)

    accounts, entities, edges = mask(graph.n_accounts), mask(graph.n_entities), mask(graph.n_edges)
    small = graph.restrict(accounts=accounts, entities=entities, edges=edges)
    expected = [
        (a, e)
        for a, e, kept in zip(graph.account.tolist(), graph.entity.tolist(), edges, strict=True)
        if kept and accounts[a] and entities[e]
    ]
    assert list(zip(small.account.tolist(), small.entity.tolist(), strict=True)) == expected
    dense, of_account, of_entity = small.compact()
    assert (of_account[dense.account] == small.account).all() and (of_entity[dense.entity] == small.entity).all()
    assert (dense.account_degrees() > 0).all() and (dense.entity_degrees() > 0).all()


@pytest.mark.parametrize(
    ("account", "entity", "bits", "message"),
    [
        ([0, 0], [1, 1], [1.0, 1.0], "each once"),
        ([0], [1], [-1.0], "at least 0"),
        ([0], [1], [np.nan], "finite"),
        ([0], [1, 2], None, "length"),
        ([-1], [1], None, "at least 0"),
        ([0.5], [1], None, "integers"),
        ([[0]], [1], None, "one-dimensional"),
        ([5], [0], None, "below 3"),
    ],
)
def test_faulty_edges_are_refused(account, entity, bits, message):
    with pytest.raises(ValueError, match=message):
        BipartiteGraph.from_arrays(account, entity, bits, n_accounts=3)


def test_unsorted_edges_are_refused_and_arrays_are_read_only():
    with pytest.raises(ValueError, match="sorted"):
        BipartiteGraph(2, 2, np.array([1, 0]), np.array([0, 0]), np.ones(2))
    graph = BipartiteGraph.from_arrays([0], [0])
    with pytest.raises(ValueError, match="read-only"):
        graph.bits[0] = 5.0
    with pytest.raises(ValueError, match="truth values"):
        graph.restrict(accounts=[1])


def test_a_callers_array_stays_writable():
    bits = np.ones(2)
    BipartiteGraph(2, 1, np.array([0, 1]), np.array([0, 0]), bits)
    bits[0] = 2.0
    assert bits[0] == 2.0
