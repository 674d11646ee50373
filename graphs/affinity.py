"""Affinity: how likely two accounts have one operator, pair by pair, and what groups it makes.

A pair is first described by what it shares in each family of evidence (`family_pairs`); a model elsewhere turns this,
with what the two accounts did, into bits of log odds. Here are the pairs, the groups they make at several strengths,
and how a group hangs together by them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, IntArray, as_index, as_values, connected, ranges, require, run_starts
from graphs.bipartite import BipartiteGraph
from graphs.leiden import sweep_pairs
from graphs.projection import PairGraph, PairRule, Sharing, account_blocks
from graphs.ties import Groups

_ROWS_PER_BLOCK = 4_000_000  # neighbours looked at in one go


@dataclass(frozen=True, eq=False)
class FamilyPairs:
    """Pairs of accounts a < b, sorted, and what they share by family.

    `bits`: shape (pairs, families), the strongest tie of each family, 0 where none; `shared`: the number of shared
    entities, same shape.
    """

    n_accounts: int
    a: IntArray
    b: IntArray
    bits: FloatArray
    shared: FloatArray

    def where(self, keep: npt.NDArray[np.bool_]) -> FamilyPairs:
        """Some of the pairs."""
        return FamilyPairs(self.n_accounts, self.a[keep], self.b[keep], self.bits[keep], self.shared[keep])


def family_pairs(
    graph: BipartiteGraph,
    *,
    family: npt.ArrayLike,
    n_families: int,
    max_degree: int,
    min_bits: float,
    min_together: float,
    most: int,
) -> FamilyPairs:
    """Pairs with at least `min_together` bits in all families, by entities of degree 2 to `max_degree`.

    Of more than `most` pairs those of the fewest bits are left out, with all that have as few.

    `family`: one number an entity. A pair below `min_bits` in a family counts there as sharing nothing.
    """
    families = as_index(family, "family")
    rule = PairRule(min_bits=min_bits)
    by_family = [
        Sharing.of(graph.restrict(entities=families == number), family=families, max_degree=max_degree)
        for number in range(n_families)
    ]
    kept: list[FamilyPairs] = []
    held = 0
    for low, high in account_blocks(np.sum([sharing.triples for sharing in by_family], axis=0)):
        found = _together([sharing.pairs(low, high, rule) for sharing in by_family], graph.n_accounts)
        kept.append(found.where(found.bits.sum(axis=1) >= min_together))
        held += kept[-1].a.size
        if held > most + most // 2:  # what is left out here would be left out in the end
            kept = [_strongest(kept, most)]
            held = kept[0].a.size
    if not kept:
        return _together([PairGraph.none(graph.n_accounts)] * n_families, graph.n_accounts)
    return _strongest(kept, most)


def _together(parts: list[PairGraph], n_accounts: int) -> FamilyPairs:
    """The pairs of each family in one table."""
    n = max(n_accounts, 1)
    keys = [part.a * n + part.b for part in parts]
    every = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *keys]), kind="stable")
    every = every[run_starts(every)]  # np.unique hashes whole numbers, which takes several times as long here
    bits, shared = np.zeros((every.size, len(parts))), np.zeros((every.size, len(parts)))
    for number, (part, key) in enumerate(zip(parts, keys, strict=True)):
        place = np.searchsorted(every, key)
        bits[place, number] = part.bits
        shared[place, number] = part.n_shared
    return FamilyPairs(n_accounts, every // n, every % n, bits, shared)


def _strongest(blocks: list[FamilyPairs], most: int) -> FamilyPairs:
    """Blocks of pairs, which follow each other, as one table; of more than `most` those of the fewest bits go, with
    all that have as few."""
    names = ("a", "b", "bits", "shared")
    every = FamilyPairs(blocks[0].n_accounts, *(np.concatenate([getattr(b, name) for b in blocks]) for name in names))
    if every.a.size <= most:
        return every
    together = every.bits.sum(axis=1)
    return every.where(together > np.partition(together, together.size - most - 1)[together.size - most - 1])


@dataclass(frozen=True, eq=False)
class Affinity:
    """Pairs of accounts a < b, sorted, each once, with the log odds in bits that one operator has both."""

    n_accounts: int
    a: IntArray
    b: IntArray
    bits: FloatArray

    @classmethod
    def from_arrays(cls, a: npt.ArrayLike, b: npt.ArrayLike, bits: npt.ArrayLike, *, n_accounts: int) -> Affinity:
        """Pairs in any order and direction."""
        first, second = as_index(a, "a", n_accounts), as_index(b, "b", n_accounts)
        require(first.size == second.size, f"b must have length {first.size}, found {second.size}")
        low, high = np.minimum(first, second), np.maximum(first, second)
        order = np.lexsort((high, low))
        return cls(n_accounts, low[order], high[order], as_values(bits, "bits", low.size)[order])

    @classmethod
    def none(cls, n_accounts: int) -> Affinity:
        """No pairs."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(n_accounts, empty, empty, np.zeros(0))

    @property
    def probability(self) -> FloatArray:
        """One value a pair, in (0, 1)."""
        return np.asarray(1.0 / (1.0 + np.exp2(-np.clip(self.bits, -60.0, 60.0))), dtype=np.float64)


def affinity_partitions(
    affinity: Affinity, *, cuts: tuple[float, ...], resolutions: tuple[float, ...], seed: int
) -> list[IntArray]:
    """Labels of all accounts, a partition each: connected by pairs from each cut in bits on, and CPM communities.

    A resolution is the probability that a pair inside a community must have on average.
    """
    if affinity.a.size == 0:
        return []
    out = []
    for cut in cuts:
        strong = affinity.bits >= cut
        out.append(connected(affinity.a[strong], affinity.b[strong], affinity.n_accounts))
    pairs = PairGraph.from_arrays(affinity.a, affinity.b, affinity.probability, n_accounts=affinity.n_accounts)
    return out + [part.accounts for part in sweep_pairs(pairs, resolutions, objective="cpm", seed=seed)]


@dataclass(frozen=True, eq=False)
class Bonds:
    """How each account of a group is bound to the rest of it: one value a row of the groups.

    `best`: the highest probability of a pair inside; `inside` and `anywhere`: sums of probabilities, of pairs within
    the group and of all pairs of the account.
    """

    best: FloatArray
    inside: FloatArray
    anywhere: FloatArray


def bonds(affinity: Affinity, groups: Groups) -> Bonds:
    """Bonds of every row of `groups`. Time follows the pairs of all members."""
    n, p = affinity.n_accounts, affinity.probability
    here = np.concatenate((affinity.a, affinity.b))
    there = np.concatenate((affinity.b, affinity.a))
    order = np.argsort(here, kind="stable")
    there, weight = there[order], np.concatenate((p, p))[order]
    degree = np.bincount(here, minlength=n)
    first = np.cumsum(degree) - degree
    anywhere = np.bincount(here, weights=np.concatenate((p, p)), minlength=n)
    best, inside = np.zeros(groups.account.size), np.zeros(groups.account.size)
    member = groups.group * np.int64(max(n, 1)) + groups.account  # sorted, as groups are
    length = degree[groups.account]
    block = np.cumsum(length) // _ROWS_PER_BLOCK
    for start, stop in _runs(block):
        rows = np.repeat(np.arange(start, stop), length[start:stop])
        edge = ranges(first[groups.account[start:stop]], length[start:stop])
        key = groups.group[rows] * np.int64(max(n, 1)) + there[edge]
        place = np.minimum(np.searchsorted(member, key), member.size - 1)
        within = member[place] == key
        np.maximum.at(best, rows[within], weight[edge[within]])
        inside += np.bincount(rows[within], weights=weight[edge[within]], minlength=inside.size)
    return Bonds(best, inside, np.asarray(anywhere[groups.account], dtype=np.float64))


def _runs(block: IntArray) -> list[tuple[int, int]]:
    """Begin and end of each run of equal numbers."""
    if block.size == 0:
        return []
    cuts = np.flatnonzero(np.diff(block)) + 1
    return list(zip([0, *cuts.tolist()], [*cuts.tolist(), int(block.size)], strict=True))
