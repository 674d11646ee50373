"""Pairs over the whole graph agree with the plain double loop, whatever the block size."""

from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
from graphs import PairGraph, rare_pairs
from tests.graphs.shapes import bipartite_graphs


def by_hand(graph, family, max_degree, min_bits, min_entities, damping):
    """Every pair of every entity, one after the other."""
    members = defaultdict(list)
    for account, entity, bits in zip(graph.account, graph.entity, graph.bits, strict=True):
        if bits > 0:
            members[int(entity)].append((int(account), float(bits)))
    ties = defaultdict(lambda: defaultdict(list))
    for entity, accounts in members.items():
        if len(accounts) <= max_degree:
            for (a, x), (b, y) in combinations(sorted(accounts), 2):
                ties[a, b][int(family[entity])].append(min(x, y))
    found = {}
    for pair, families in ties.items():
        bits = sum(
            sum(v * damping**k for k, v in enumerate(sorted(values, reverse=True))) for values in families.values()
        )
        n_shared = sum(len(values) for values in families.values())
        if bits >= min_bits and n_shared >= min_entities:
            found[pair] = (bits, n_shared, len(families))
    return found


@given(
    bipartite_graphs(max_accounts=9, max_entities=8),
    st.integers(2, 9),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([1, 7, 4_000_000]),
)
@settings(max_examples=80, deadline=None)
def test_pairs_agree_with_the_double_loop(graph, max_degree, min_bits, min_entities, damping, block):
    family = np.arange(graph.n_entities) % 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphs.projection._TRIPLES_PER_BLOCK", block)
        found = rare_pairs(
            graph,
            family=family,
            max_degree=max_degree,
            min_bits=min_bits,
            min_entities=min_entities,
            damping=damping,
        )
    expected = by_hand(graph, family, max_degree, min_bits, min_entities, damping)
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == sorted(expected)
    for a, b, bits, n_shared, n_families in zip(
        found.a, found.b, found.bits, found.n_shared, found.n_families, strict=True
    ):
        assert (pytest.approx(bits), n_shared, n_families) == expected[int(a), int(b)]


def test_a_hub_makes_no_pairs():
    account = np.concatenate((np.arange(5000), [1, 2]))
    entity = np.concatenate((np.zeros(5000, dtype=int), [1, 1]))
    graph = graphs.BipartiteGraph.from_arrays(account, entity)
    found = rare_pairs(graph, family=[0, 1], max_degree=100)
    assert (found.a.tolist(), found.b.tolist()) == ([1], [2])


def test_exactly_as_much_as_asked_for_is_enough():
    graph = graphs.BipartiteGraph.from_arrays([0, 1, 0, 1, 0, 2], [0, 0, 1, 1, 2, 2], [2.0, 2.0, 3.0, 3.0, 4.9, 4.9])
    found = rare_pairs(graph, family=[0, 1, 2], max_degree=2, min_bits=5.0, min_entities=2)
    assert (found.a.tolist(), found.b.tolist(), found.bits.tolist()) == ([0], [1], [5.0])


def test_more_pairs_than_numbers_are_refused():
    one = np.array([1])
    with pytest.raises(ValueError, match="too many"):
        graphs.combine_ties(2**31, one, one + 1, one, np.ones(1), graphs.PairRule())


def test_pairs_can_be_given_in_any_direction_and_thinned():
    pairs = PairGraph.from_arrays([3, 0], [1, 2], [5.0, 1.0], n_accounts=4)
    assert (pairs.a.tolist(), pairs.b.tolist(), pairs.bits.tolist()) == ([0, 1], [2, 3], [1.0, 5.0])
    assert pairs.restrict(pairs.bits > 2).a.tolist() == [1]
    with pytest.raises(ValueError, match="each once"):
        PairGraph.from_arrays([0, 1], [1, 0], [1.0, 1.0], n_accounts=2)
    with pytest.raises(ValueError, match="a < b"):
        PairGraph.from_arrays([1], [1], [1.0], n_accounts=2)


@pytest.mark.parametrize("wrong", [{"max_degree": 1}, {"min_entities": 0}, {"damping": 1.5}, {"family": [0]}])
def test_wrong_parameters_are_refused(wrong):
    graph = graphs.BipartiteGraph.from_arrays([0, 1], [0, 1])
    given_parameters = {"family": [0, 0], "max_degree": 10} | wrong
    with pytest.raises(ValueError, match="must"):
        rare_pairs(graph, **given_parameters)
