"""Pairs of accounts that share rare entities: over the whole graph, pruned; and inside one ring, the strongest.

Over the whole graph (`rare_pairs`) entities above a degree are passed over, and weak pairs are dropped block by block,
so memory follows the pairs that survive and not the square of a hub. Inside one ring (`pairs_within`) the number of
pairs looked at has a bound of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    FloatArray,
    IntArray,
    as_index,
    as_values,
    frozen,
    ranges,
    rank_in_run,
    require,
    run_lengths,
    run_starts,
)
from graphs.bipartite import BipartiteGraph

_COLUMNS = ("a", "b", "bits", "n_shared", "n_families")
# few enough for the tables of `_may_stay` to stay near the processor
_TRIPLES_PER_BLOCK = 500_000
# odd, and near 2**64 over the golden ratio: neighbours fall far apart
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class PairGraph:
    """Pairs of accounts a < b, sorted, each once, with what they share.

    `bits`: float64, at least 0; `n_shared`: entities shared; `n_families`: families of entities among these. The
    arrays are read-only and have one value a pair.
    """

    n_accounts: int
    a: IntArray
    b: IntArray
    bits: FloatArray
    n_shared: IntArray
    n_families: IntArray

    def __post_init__(self) -> None:
        a, b = as_index(self.a, "a", self.n_accounts), as_index(self.b, "b", self.n_accounts)
        require(a.size == b.size and bool((a < b).all()), "pairs must have a < b")
        bits = as_values(self.bits, "bits", a.size)
        require(bool((bits >= 0).all()), "bits must be at least 0")
        n_shared, n_families = as_index(self.n_shared, "n_shared"), as_index(self.n_families, "n_families")
        require(n_shared.size == n_families.size == a.size, "n_shared and n_families must have one value a pair")
        step = np.diff(a)
        require(bool(((step > 0) | ((step == 0) & (np.diff(b) > 0))).all()), "pairs must be sorted, each once")
        columns = {"a": a, "b": b, "bits": bits, "n_shared": n_shared, "n_families": n_families}
        for name, column in columns.items():
            kept = column.view()
            frozen(kept)
            object.__setattr__(self, name, kept)

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return int(self.a.size)

    @classmethod
    def from_arrays(cls, a: npt.ArrayLike, b: npt.ArrayLike, bits: npt.ArrayLike, *, n_accounts: int) -> PairGraph:
        """Make a pair graph from pairs in any order and direction; each counts as one shared entity of one family."""
        first, second = as_index(a, "a", n_accounts), as_index(b, "b", n_accounts)
        require(first.size == second.size, f"b must have length {first.size}, found {second.size}")
        low, high = np.minimum(first, second), np.maximum(first, second)
        order = np.lexsort((high, low))
        ones = np.ones(low.size, dtype=np.int64)
        weights = as_values(bits, "bits", low.size)[order]
        return cls(n_accounts, low[order], high[order], weights, n_shared=ones, n_families=ones)

    @classmethod
    def none(cls, n_accounts: int) -> PairGraph:
        """No pairs."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(n_accounts, empty, empty, np.zeros(0), empty, empty)

    def restrict(self, keep: npt.NDArray[np.bool_]) -> PairGraph:
        """Keep the pairs of a mask (one truth value a pair); numbering stays."""
        columns = (self.a, self.b, self.bits, self.n_shared, self.n_families)
        return PairGraph(self.n_accounts, *(column[keep] for column in columns))  # type: ignore[arg-type]


@dataclass(frozen=True)
class PairRule:
    """How ties add up to a pair, and which pairs stay.

    `damping` in [0, 1]: within a family the k-th strongest tie, from 0, counts damping ** k. Pairs stay with at least
    `min_bits` bits and `min_entities` shared entities.
    """

    min_bits: float = 0.0
    min_entities: int = 1
    damping: float = 0.0

    def __post_init__(self) -> None:
        require(self.min_entities >= 1, "min_entities must be at least 1")
        require(0.0 <= self.damping <= 1.0, "damping must lie in [0, 1]")


def rare_pairs(
    graph: BipartiteGraph,
    *,
    family: npt.ArrayLike,
    max_degree: int,
    min_bits: float = 0.0,
    min_entities: int = 1,
    damping: float = 0.0,
) -> PairGraph:
    """Pairs of accounts that share entities of degree 2 to `max_degree`, with the bits of what they share.

    A shared entity counts with the smaller bits of its two edges. Within a family (`family`: one number an entity)
    the k-th strongest, from 0, counts `damping` ** k: 0 gives the maximum, 1 the sum. Families are added up.
    Kept are pairs of at least `min_bits` bits that share at least `min_entities` entities. Edges of 0 bits tie
    nobody. Time follows the sum of squared degrees up to `max_degree`, memory the pairs kept.
    """
    rule = PairRule(min_bits=min_bits, min_entities=min_entities, damping=damping)
    sharing = Sharing.of(graph, family=family, max_degree=max_degree)
    blocks = [sharing.pairs(low, high, rule) for low, high in account_blocks(sharing.triples)]
    return _join(graph.n_accounts, blocks)


def account_blocks(triples: FloatArray) -> list[tuple[int, int]]:
    """Runs of accounts, as (first, one after the last), between which so many triples fall that they fit one block.

    `triples`: one value an account, the triples (account, entity, later member) that begin with it.
    """
    starts = run_starts(np.cumsum(triples) // _TRIPLES_PER_BLOCK)
    return list(itertools.pairwise([*starts.tolist(), triples.size]))


@dataclass(frozen=True, eq=False)
class Sharing:
    """Who shares rare entities, ready to be asked for the pairs of some accounts: edges, and once more by entity."""

    graph: BipartiteGraph  # edges above 0 bits of the rare entities
    family: IntArray  # one number an entity
    one_family: bool  # all edges are of one family
    member: IntArray  # accounts by (entity, account)
    member_bits: FloatArray
    next_place: IntArray  # for each edge of the graph: where the members after its account begin
    later: IntArray  # and how many they are

    @classmethod
    def of(cls, graph: BipartiteGraph, *, family: npt.ArrayLike, max_degree: int) -> Sharing:
        """From a graph; entities of degree 2 to `max_degree` are rare. Raises ValueError where lengths differ."""
        families = as_index(family, "family")
        require(families.size == graph.n_entities, f"family must have length {graph.n_entities}, found {families.size}")
        require(max_degree >= 2, "max_degree must be at least 2")
        strong = graph.restrict(edges=graph.bits > 0)
        degree = strong.entity_degrees()
        rare = strong.restrict(entities=(degree >= 2) & (degree <= max_degree))
        order = np.argsort(rare.entity, kind="stable")
        place = np.empty(order.size, dtype=np.int64)
        place[order] = np.arange(order.size, dtype=np.int64)
        later = np.cumsum(rare.entity_degrees())[rare.entity] - place - 1
        one_family = np.unique(families[rare.entity_degrees() > 0]).size <= 1
        return cls(rare, families, one_family, rare.account[order], rare.bits[order], place + 1, later)

    @property
    def triples(self) -> FloatArray:
        """Triples (account, entity, later member) by account."""
        counted = np.bincount(self.graph.account, weights=self.later, minlength=self.graph.n_accounts)
        return np.asarray(counted, dtype=np.float64)

    def pairs(self, low: int, high: int, rule: PairRule) -> PairGraph:
        """All pairs whose smaller account is one from `low` to `high - 1`, pruned."""
        starts = self.graph.account_starts()
        edges = slice(int(starts[low]), int(starts[high]))
        later = self.later[edges]
        place = ranges(self.next_place[edges], later)
        pair = np.repeat(self.graph.account[edges] * self.graph.n_accounts, later) + self.member[place]
        bits = np.minimum(np.repeat(self.graph.bits[edges], later), self.member_bits[place])
        hopeful = _may_stay(pair, bits, rule, one_family=self.one_family)
        family = None if self.one_family else np.repeat(self.family[self.graph.entity[edges]], later)[hopeful]
        return _combined(self.graph.n_accounts, pair[hopeful], family, bits[hopeful], rule)


def _may_stay(
    pair: IntArray, bits: FloatArray, rule: PairRule, *, one_family: bool
) -> npt.NDArray[np.bool_] | slice:
    """Ties whose pair may pass the rule, found without sorting.

    Ties fall into buckets by a hash of their pair. What all ties of a bucket have together no single pair in it can
    exceed; most pairs, which are weak, go this way. Where a pair counts no more than its strongest tie, being all in
    one family, a bucket without any tie that is strong enough goes.
    """
    if rule.min_entities == 1 and rule.min_bits <= 0:
        return slice(None)
    size_bits = max(10, int(2 * pair.size).bit_length())
    bucket = (pair.astype(np.uint64) * _HASH_FACTOR) >> np.uint64(64 - size_bits)
    place = bucket.view(np.int64)
    enough = np.ones(place.size, dtype=bool)
    if rule.min_entities > 1:
        enough &= np.bincount(place, minlength=2**size_bits)[place] >= rule.min_entities
    if rule.min_bits > 0 and one_family and rule.damping == 0.0:
        strong = np.zeros(2**size_bits, dtype=bool)
        strong[place[bits >= rule.min_bits]] = True
        enough &= strong[place]
    elif rule.min_bits > 0:
        # sums in another order may differ in the last digits
        enough &= np.bincount(place, weights=bits, minlength=2**size_bits)[place] >= rule.min_bits * (1 - 1e-9)
    return enough


def combine_ties(
    n_accounts: int, a: IntArray, b: IntArray, family: IntArray, bits: FloatArray, rule: PairRule
) -> PairGraph:
    """Add up ties (a < b, one a shared entity, in any order) to pairs by a rule, and drop pairs that fail it."""
    require(rule.damping == 0.0 or bool((bits >= 0).all()), "bits must be at least 0")
    return _combined(n_accounts, a * n_accounts + b, family, bits, rule)


def _combined(
    n_accounts: int, pair: IntArray, family: IntArray | None, bits: FloatArray, rule: PairRule
) -> PairGraph:
    """`combine_ties` by the number of each pair, a * n_accounts + b; without `family` all ties are of one."""
    n_families = int(family.max()) + 1 if family is not None and family.size else 1
    require(n_accounts**2 * n_families < 2**63, "too many accounts and families to number their pairs")
    key = pair if family is None else pair * n_families + family
    order = np.argsort(key) if rule.damping == 0.0 else np.lexsort((-bits, key))
    key, bits = key[order], bits[order]
    line = run_starts(key)
    if line.size == 0:
        return PairGraph.none(n_accounts)
    line_bits = _line_bits(bits, line, rule.damping)
    line_pair = key[line] // n_families
    pair = run_starts(line_pair)
    pair_bits = np.add.reduceat(line_bits, pair)
    n_shared = np.add.reduceat(run_lengths(line, key.size), pair)
    keep = (pair_bits >= rule.min_bits) & (n_shared >= rule.min_entities)
    kept = line_pair[pair][keep]
    counts = run_lengths(pair, line.size)[keep]
    return PairGraph(n_accounts, kept // n_accounts, kept % n_accounts, pair_bits[keep], n_shared[keep], counts)


def _line_bits(bits: FloatArray, line: IntArray, damping: float) -> FloatArray:
    """Bits of each run of one family within one pair."""
    if damping == 0.0:
        return np.asarray(np.maximum.reduceat(bits, line), dtype=np.float64)
    counted = bits * np.power(damping, rank_in_run(line, bits.size))
    return np.asarray(np.add.reduceat(counted, line), dtype=np.float64)


def _join(n_accounts: int, blocks: list[PairGraph]) -> PairGraph:
    """Put blocks of pairs, which follow each other, into one graph; the list is used up, to hold nothing twice."""
    if not blocks:
        return PairGraph.none(n_accounts)
    columns = {name: [getattr(block, name) for block in blocks] for name in _COLUMNS}
    blocks.clear()
    return PairGraph(n_accounts, **{name: np.concatenate(columns.pop(name)) for name in _COLUMNS})
