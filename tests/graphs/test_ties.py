"""Ties of accounts to their group: by hand, by brute force, and by laws."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs import BipartiteGraph
from graphs.ties import Entities, Groups, group_entities, in_blocks, membership, outside_bits, ties, trim


def _three_sharers() -> tuple[BipartiteGraph, Entities]:
    # Accounts 0, 1, 2 share entity 0 (family 0); 0 and 1 share entity 1 (family 1); 3 stands alone with entity 2.
    graph = BipartiteGraph.from_arrays([0, 1, 2, 0, 1, 3], [0, 0, 0, 1, 1, 2], [4.0, 4.0, 4.0, 6.0, 6.0, 2.0])
    return graph, Entities(np.array([0, 1, 0]), np.ones(3), np.full(3, 50.0))


def test_bits_by_hand() -> None:
    graph, about = _three_sharers()
    groups = Groups.from_arrays([0, 0, 0, 0], [0, 1, 2, 3])
    found = ties(graph, groups, about)
    first = 4.0 + np.log2(2.5 / 0.5)
    second = 6.0 + np.log2(1.5 / 0.5)
    np.testing.assert_allclose(found.bits, [[first, second], [first, second], [first, 0], [0, 0]])
    np.testing.assert_allclose(found.coverage, [[0.75, 0.5]])
    assert found.total[0] == pytest.approx(first + second)
    # what most others share and account 3 lacks speaks against it
    assert found.total[3] < 0


def test_rarity_is_measured_outside_the_group() -> None:
    one = np.ones(1)
    alone = outside_bits(one * 3, one, one * 99, np.array([40]), np.array([40]))
    half = outside_bits(one * 3, one, one * 99, np.array([40]), np.array([20]))
    few = outside_bits(one * 3, one, one * 99, np.array([40]), np.array([2]))
    assert alone[0] > half[0] > few[0] > 3.0
    assert outside_bits(one * 3, one, one * 5, np.array([40]), np.array([40]))[0] == 5.0


def test_trim_drops_who_does_not_belong() -> None:
    graph, about = _three_sharers()
    groups, _ = trim(graph, Groups.from_arrays([0] * 4, [0, 1, 2, 3]), about, even_bits=3.5)
    assert groups.account.tolist() == [0, 1, 2]


def test_membership_is_half_at_even_bits() -> None:
    np.testing.assert_allclose(membership([3.5, 4.5, 2.5], even_bits=3.5), [1 / 2, 2 / 3, 1 / 3])


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[BipartiteGraph, Groups]:
    n_accounts, n_entities = draw(st.integers(2, 12)), draw(st.integers(1, 8))
    cells = draw(st.sets(st.tuples(st.integers(0, n_accounts - 1), st.integers(0, n_entities - 1)), min_size=1))
    rows = draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, n_accounts - 1)), min_size=1))
    account, entity = zip(*sorted(cells), strict=True)
    group, member = zip(*sorted(rows), strict=True)
    graph = BipartiteGraph.from_arrays(
        account, entity, np.ones(len(account)), n_accounts=n_accounts, n_entities=n_entities
    )
    return graph, Groups.from_arrays(group, member)


@given(_graphs())
def test_group_entities_against_counting_by_hand(given_: tuple[BipartiteGraph, Groups]) -> None:
    graph, groups = given_
    row, entity, edge, inside = group_entities(graph, groups)
    has = {(int(a), int(e)) for a, e in zip(graph.account, graph.entity, strict=True)}
    members = [set(groups.account[groups.group == g].tolist()) for g in range(groups.n)]
    expected = sorted(
        (int(groups.group[r]), int(groups.account[r]), e, sum((m, e) in has for m in members[groups.group[r]]))
        for r in range(groups.account.size)
        for a, e in has
        if a == groups.account[r]
    )
    got = sorted(
        zip(groups.group[row].tolist(), groups.account[row].tolist(), entity.tolist(), inside.tolist(), strict=True)
    )
    assert got == expected
    assert (graph.entity[edge] == entity).all()


@given(_graphs(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(given_: tuple[BipartiteGraph, Groups], random) -> None:  # type: ignore[no-untyped-def]
    graph, groups = given_
    about = Entities(
        np.zeros(graph.n_entities, dtype=np.int64), np.ones(graph.n_entities), np.full(graph.n_entities, 9.0)
    )
    order = list(range(groups.account.size))
    random.shuffle(order)
    shuffled = Groups.from_arrays(groups.group[order], groups.account[order])
    np.testing.assert_array_equal(ties(graph, groups, about).total, ties(graph, shuffled, about).total)


@given(_graphs())
def test_trimming_looks_anew_only_where_something_changed(drawn: tuple[BipartiteGraph, Groups]) -> None:
    graph, groups = drawn
    about = Entities(np.arange(graph.n_entities) % 2, np.ones(graph.n_entities), np.full(graph.n_entities, 20.0))
    left, found = trim(graph, groups, about, even_bits=3.5)
    plain = groups
    for _ in range(3):
        plain = plain.keep(ties(graph, plain, about).total >= 3.5)
    expected = ties(graph, plain, about)
    assert (left.group.tolist(), left.account.tolist()) == (plain.group.tolist(), plain.account.tolist())
    for name in ("bits", "coverage", "total"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@given(_graphs())
def test_groups_may_be_looked_at_in_blocks(drawn: tuple[BipartiteGraph, Groups]) -> None:
    graph, groups = drawn
    about = Entities(np.arange(graph.n_entities) % 2, np.ones(graph.n_entities), np.full(graph.n_entities, 20.0))
    whole = ties(graph, groups, about)
    with mock.patch("graphs.ties._EDGES_PER_BLOCK", 2):
        blocks = list(in_blocks(graph, groups))
        found = ties(graph, groups, about)
    assert sum(block.n for block in blocks) == groups.n
    for name in ("bits", "coverage", "total"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
