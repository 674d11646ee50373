"""Pictures: the same bytes each time, inside the frame, related things near each other."""

import numpy as np
import pytest
from hypothesis import given

from graphs import BipartiteGraph, bipartite_layout
from tests.graphs.shapes import bipartite_graphs, few


@given(bipartite_graphs())
@few
def test_the_same_picture_whatever_the_order_and_inside_the_frame(graph):
    types = np.arange(graph.n_entities) % 2
    first = bipartite_layout(graph, types)
    order = np.random.default_rng(0).permutation(graph.n_edges)
    again = BipartiteGraph.from_arrays(
        graph.account[order],
        graph.entity[order],
        graph.bits[order],
        n_accounts=graph.n_accounts,
        n_entities=graph.n_entities,
    )
    second = bipartite_layout(again, types)
    assert first.accounts.tobytes() == second.accounts.tobytes()
    assert first.entities.tobytes() == second.entities.tobytes()
    for points in (first.accounts, first.entities):
        assert np.isfinite(points).all() and (np.abs(points) <= 1).all()
    assert np.unique(first.entities, axis=0).shape[0] == graph.n_entities
    assert np.unique(first.accounts, axis=0).shape[0] == graph.n_accounts


def test_accounts_with_the_same_things_stand_together():
    rows = [(a, e) for a in range(6) for e in (0, 1, 2)] + [(a, e) for a in range(6, 12) for e in (3, 4, 5)]
    account, entity = zip(*rows, strict=True)
    mixed = np.random.default_rng(0).permutation(12)
    found = bipartite_layout(BipartiteGraph.from_arrays(mixed[list(account)], entity), [0, 1, 2, 0, 1, 2]).accounts
    around = np.argsort(np.arctan2(found[:, 1], found[:, 0]))
    group = np.isin(around, mixed[:6])
    assert (group != np.roll(group, 1)).sum() == 2


def test_one_long_chain_is_laid_out_in_its_order():
    mixed = np.random.default_rng(1).permutation(10)
    account, entity = np.concatenate((mixed[:-1], mixed[1:])), np.tile(np.arange(9), 2)
    found = bipartite_layout(BipartiteGraph.from_arrays(account, entity), np.zeros(9, dtype=int)).accounts
    around = np.argsort(np.mod(np.arctan2(found[:, 1], found[:, 0]), 2 * np.pi))
    place = np.argsort(mixed)[around]
    assert (np.abs(np.diff(place)) == 1).mean() > 0.8


def test_types_stand_on_circles_of_their_own_and_the_common_in_the_middle():
    generator = np.random.default_rng(0)
    key = np.unique(np.concatenate((generator.integers(0, 20 * 30, 100), np.arange(20) * 30 + 7)))
    graph = BipartiteGraph.from_arrays(key // 30, key % 30, n_entities=30)
    types = np.arange(30) % 3
    distance = np.linalg.norm(bipartite_layout(graph, types).entities, axis=1)
    assert distance[7] == 0
    outside = np.arange(30) != 7
    assert distance[outside] == pytest.approx(np.array([0.7, 0.85, 1.0])[types[outside]], abs=1e-5)


def test_an_entity_stands_near_its_accounts():
    rows = [(a, a // 5) for a in range(40)]
    account, entity = zip(*rows, strict=True)
    found = bipartite_layout(BipartiteGraph.from_arrays(account, entity), np.zeros(8, dtype=int))
    for one in range(8):
        near = np.linalg.norm(found.accounts - found.entities[one], axis=1).argsort()[:5]
        assert set(near.tolist()) == set(range(5 * one, 5 * one + 5))


def test_wrong_types_are_refused():
    with pytest.raises(ValueError, match="length"):
        bipartite_layout(BipartiteGraph.from_arrays([0], [0]), [0, 1])
