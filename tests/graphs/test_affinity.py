"""Pairs by family, groups by affinity and bonds within groups, against counts by hand and a plain loop."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs import BipartiteGraph
from graphs.affinity import Affinity, affinity_partitions, bonds, family_pairs
from graphs.ties import Groups


def test_pairs_by_family() -> None:
    """Accounts 0 and 1 share two addresses and a card, 1 and 2 a weak card only, 3 shares nothing."""
    account = [0, 1, 0, 1, 0, 1, 1, 2, 3]
    entity = [0, 0, 1, 1, 2, 2, 3, 3, 4]
    bits = [5.0, 4.0, 7.0, 8.0, 3.0, 3.0, 1.5, 1.5, 9.0]
    graph = BipartiteGraph.from_arrays(account, entity, bits, n_accounts=4, n_entities=5)
    rules = {"family": [0, 0, 1, 1, 0], "n_families": 3, "max_degree": 10, "min_bits": 2.0, "most": 9}
    found = family_pairs(graph, **rules, min_together=10.0)
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == [(0, 1)]
    assert found.bits.tolist() == [[7.0, 3.0, 0.0]]
    assert found.shared.tolist() == [[2.0, 1.0, 0.0]]
    assert family_pairs(graph, **rules, min_together=10.5).a.size == 0


def test_of_too_many_pairs_the_weakest_go() -> None:
    """Three pairs of 4, 5 and 5 bits: with room for two the weakest goes, with room for one all of 5 as well."""
    account, entity = [0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 2]
    graph = BipartiteGraph.from_arrays(account, entity, [4.0, 4, 5, 5, 5, 5], n_accounts=6, n_entities=3)
    sizes = [
        family_pairs(
            graph, family=[0, 0, 0], n_families=1, max_degree=9, min_bits=2.0, min_together=2.0, most=most
        ).a.size
        for most in (3, 2, 1)
    ]
    assert sizes == [3, 2, 0]


@pytest.mark.parametrize("most", [5, 40, 10_000])
def test_blocks_of_accounts_and_early_pruning_change_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs looked for in many small blocks, and weak ones left out on the way, are those of a single look."""
    dice = np.random.default_rng(most)
    edges = np.unique(np.column_stack((dice.integers(0, 60, 500), dice.integers(0, 40, 500))), axis=0)
    bits = dice.integers(1, 9, 40).astype(float)
    graph = BipartiteGraph.from_arrays(edges[:, 0], edges[:, 1], bits[edges[:, 1]], n_accounts=60, n_entities=40)
    rules = {"family": np.arange(40) % 3, "n_families": 3, "max_degree": 30, "min_bits": 2.0, "min_together": 4.0}
    whole = family_pairs(graph, **rules, most=10_000)
    together = whole.bits.sum(axis=1)
    strongest = np.sort(together)[::-1]
    expected = whole if together.size <= most else whole.where(together > strongest[most])
    monkeypatch.setattr("graphs.projection._TRIPLES_PER_BLOCK", 7)
    found = family_pairs(graph, **rules, most=most)
    for name in ("a", "b", "bits", "shared"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_partitions_go_from_loose_to_tight() -> None:
    """Two triangles of strong pairs, one weak pair between them."""
    ends = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)]
    affinity = Affinity.from_arrays(*np.array(ends).T, [6.0] * 6 + [-2.0], n_accounts=7)
    loose, tight, cpm = affinity_partitions(affinity, cuts=(-3.0, 0.0), resolutions=(0.3,), seed=1)
    assert len(set(loose[:6].tolist())) == 1 and loose[6] not in loose[:6]
    for labels in (tight, cpm):
        assert len(set(labels[:3].tolist())) == 1 and len(set(labels[3:6].tolist())) == 1
        assert labels[0] != labels[3]


def test_no_pairs_make_no_groups() -> None:
    assert affinity_partitions(Affinity.none(5), cuts=(0.0,), resolutions=(0.1,), seed=1) == []
    held = bonds(Affinity.none(5), Groups.from_arrays([0, 0], [1, 2]))
    assert held.best.tolist() == held.inside.tolist() == held.anywhere.tolist() == [0.0, 0.0]


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda p: p[0] < p[1]), st.floats(-6, 6), max_size=25
    ),
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=20),
)
def test_bonds_are_what_a_plain_loop_counts(pairs: dict[tuple[int, int], float], rows: set[tuple[int, int]]) -> None:
    ends = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    affinity = Affinity.from_arrays(ends[:, 0], ends[:, 1], list(pairs.values()), n_accounts=9)
    groups = Groups.from_arrays(*np.array(sorted(rows)).T, n=4)
    plain = nx.Graph()
    plain.add_nodes_from(range(9))
    plain.add_weighted_edges_from((a, b, 1 / (1 + 2.0**-bits)) for (a, b), bits in pairs.items())
    held = bonds(affinity, groups)
    for row, (group, account) in enumerate(zip(groups.group.tolist(), groups.account.tolist(), strict=True)):
        members = {a for g, a in rows if g == group}
        inside = [d["weight"] for _, other, d in plain.edges(account, data=True) if other in members]
        assert held.best[row] == pytest.approx(max(inside, default=0.0))
        assert held.inside[row] == pytest.approx(sum(inside))
        assert held.anywhere[row] == pytest.approx(plain.degree(account, weight="weight"))
