"""Pairs inside a ring: exact where the bound allows, bounded and still exact in bits where it does not."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs import BipartiteGraph, pairs_within, rare_pairs
from tests.graphs.shapes import bipartite_graphs


def pair_bits(graph, a, b, types, family, n_types):
    """What a pair shares, by a plain loop."""
    edges = {(int(x), int(e)): w for x, e, w in zip(graph.account, graph.entity, graph.bits, strict=True)}
    best = {}
    for entity in range(graph.n_entities):
        tie = min(edges.get((a, entity), 0.0), edges.get((b, entity), 0.0))
        key = int(family[entity])
        rank = (-tie, int(types[entity]))
        if tie > 0 and (key not in best or rank < best[key]):
            best[key] = rank
    by_type = np.zeros(n_types)
    for minus_bits, one in best.values():
        by_type[one] -= minus_bits
    return by_type


@given(bipartite_graphs(max_accounts=9, max_entities=8), st.sampled_from([1, 10, 10_000]), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_bits_are_exact_and_limits_hold(graph, most_candidates, most_per_account):
    types = np.arange(graph.n_entities) % 3
    family = np.arange(graph.n_entities) % 2
    found = pairs_within(
        graph,
        np.arange(graph.n_accounts),
        entity_type=types,
        n_types=3,
        family=family,
        most_per_account=most_per_account,
        most_candidates=most_candidates,
    )
    for a, b, bits, by_type in zip(found.a, found.b, found.bits, found.bits_by_type, strict=True):
        assert by_type == pytest.approx(pair_bits(graph, int(a), int(b), types, family, 3))
        assert bits == pytest.approx(by_type.sum()) and bits > 0
    used = np.bincount(np.concatenate((found.a, found.b)), minlength=1)
    assert used.max() <= most_per_account
    if most_candidates == 10_000 and most_per_account == 4 and graph.n_accounts <= 5:
        shared = {
            (a, b)
            for a, b in combinations(range(graph.n_accounts), 2)
            if pair_bits(graph, a, b, types, family, 3).sum() > 0
        }
        assert set(zip(found.a.tolist(), found.b.tolist(), strict=True)) == shared


def test_only_accounts_of_the_ring_are_paired():
    graph = BipartiteGraph.from_arrays([0, 1, 2, 3], [0, 0, 0, 0])
    found = pairs_within(graph, [1, 3], entity_type=[0], n_types=1)
    assert (found.a.tolist(), found.b.tolist()) == ([1], [3])


def test_strong_pairs_are_taken_first():
    # 0-1 share a rare card (9 bits), all of 0..3 an address (1 bit)
    graph = BipartiteGraph.from_arrays([0, 1, 2, 3, 0, 1], [0, 0, 0, 0, 1, 1], [1, 1, 1, 1, 9, 9])
    found = pairs_within(graph, range(4), entity_type=[0, 1], n_types=2, most_per_account=1)
    assert (found.a.tolist(), found.b.tolist(), found.bits.tolist()) == ([0, 2], [1, 3], [10.0, 1.0])
    assert found.bits_by_type.tolist() == [[1.0, 9.0], [1.0, 0.0]]


def test_a_hub_ring_stays_bounded_and_joined():
    n = 3000
    graph = BipartiteGraph.from_arrays(np.arange(n), np.zeros(n, dtype=int))
    found = pairs_within(graph, np.arange(n), entity_type=[0], n_types=1, most_candidates=10_000)
    assert found.a.size <= 20 * n / 2
    used = np.bincount(np.concatenate((found.a, found.b)), minlength=n)
    assert used.min() >= 1


def test_agrees_with_rare_pairs_without_limits():
    generator = np.random.default_rng(0)
    key = np.unique(generator.integers(0, 40 * 30, 200))
    graph = BipartiteGraph.from_arrays(key // 30, key % 30, generator.random(key.size) + 0.1, n_entities=30)
    types = np.arange(30) % 3
    found = pairs_within(graph, np.arange(40), entity_type=types, n_types=3, most_per_account=1000)
    expected = rare_pairs(graph, family=types, max_degree=40)
    assert (found.a == expected.a).all() and (found.b == expected.b).all()
    assert found.bits == pytest.approx(expected.bits)
