"""The strongest pairs of accounts inside one ring, for ranking and drawing.

The number of pairs looked at is bounded whatever the ring's size: in the list of an entity's members each account is
set beside the next few only, as few as the bound asks for. Entities of up to twice that many members lose nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    FloatArray,
    IntArray,
    as_index,
    ranges,
    rank_in_run,
    require,
    run_lengths,
    run_starts,
    sum_by,
)
from graphs.bipartite import BipartiteGraph


@dataclass(frozen=True, eq=False)
class RingPairs:
    """Pairs a < b, sorted. `bits`: in all; `bits_by_type`: shape (pairs, types), which add up to `bits`."""

    a: IntArray
    b: IntArray
    bits: FloatArray
    bits_by_type: FloatArray


def pairs_within(
    graph: BipartiteGraph,
    accounts: npt.ArrayLike,
    *,
    entity_type: npt.ArrayLike,
    n_types: int,
    family: npt.ArrayLike | None = None,
    most_per_account: int = 20,
    most_candidates: int = 2_000_000,
) -> RingPairs:
    """The strongest pairs among some accounts, at most `most_per_account` with any one account.

    A shared entity counts with the smaller bits of its two edges. Within a family (one number an entity; by default
    the type) the strongest counts, under its own type; families are added up. Strong pairs are taken first, equal
    ones by number. At most about `most_candidates` pairs are looked at: where that is too few for all pairs, hub
    entities offer each account only its neighbours in the list of members, but bits are always those of all shared
    entities.
    """
    types = as_index(entity_type, "entity_type", n_types)
    families = types if family is None else as_index(family, "family")
    require(types.size == families.size == graph.n_entities, "entity_type and family must have one value an entity")
    require(most_per_account >= 1 and most_candidates >= 1, "limits must be at least 1")
    inside = np.zeros(graph.n_accounts, dtype=bool)
    inside[as_index(accounts, "accounts", graph.n_accounts)] = True
    ring = graph.restrict(edges=inside[graph.account] & (graph.bits > 0))
    ring = ring.restrict(entities=ring.entity_degrees() >= 2)
    a, b = _candidates(ring, most_per_account, most_candidates)
    pair, entity, bits = shared_ties(ring, a, b)
    by_type = _strongest_by_family(pair, families[entity], types[entity], bits, (a.size, n_types))
    total = by_type.sum(axis=1)
    kept = _strongest_pairs(a, b, total, most_per_account)
    return RingPairs(a[kept], b[kept], total[kept], by_type[kept])


def shared_ties(graph: BipartiteGraph, a: IntArray, b: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """What pairs of accounts share: row of the pair, entity, and the smaller bits of the two edges, one row a tie.

    Sorted by pair and entity. Time follows the sum over pairs of the smaller degree.
    """
    starts = graph.account_starts()
    degree = np.diff(starts)
    swap = degree[a] > degree[b]
    few, many = np.where(swap, b, a), np.where(swap, a, b)
    edge = ranges(starts[few], degree[few])
    pair = np.repeat(np.arange(a.size, dtype=np.int64), degree[few])
    key = graph.account * graph.n_entities + graph.entity
    wanted = many[pair] * graph.n_entities + graph.entity[edge]
    place = np.minimum(np.searchsorted(key, wanted), max(key.size - 1, 0))
    hit = key[place] == wanted if key.size else np.zeros(0, dtype=bool)
    edge, other, pair = edge[hit], place[hit], pair[hit]
    return pair, graph.entity[edge], np.minimum(graph.bits[edge], graph.bits[other])


def _candidates(ring: BipartiteGraph, most_per_account: int, most_candidates: int) -> tuple[IntArray, IntArray]:
    """Pairs worth weighing: neighbours in the members' lists, thinned to the strongest few of each account."""
    reach = max(1, most_candidates // max(ring.n_edges, 1))
    order = np.argsort(ring.entity, kind="stable")
    member, bits = ring.account[order], ring.bits[order]
    starts = run_starts(ring.entity[order])
    length = run_lengths(starts, order.size)
    first, size = np.repeat(starts, length), np.repeat(length, length)
    place = rank_in_run(starts, order.size)
    # round the list: to the next `reach`, or half way, where each pair is met once, but twice half way if even
    steps = np.minimum(reach, size // 2)
    steps -= (steps * 2 == size) & (place >= size // 2)
    row = np.repeat(np.arange(order.size, dtype=np.int64), steps)
    onward = ranges(np.ones_like(steps), steps)
    other = first[row] + (place[row] + onward) % size[row]
    low, high = np.minimum(member[row], member[other]), np.maximum(member[row], member[other])
    key, where = np.unique(low * ring.n_accounts + high, return_inverse=True)
    a, b = key // ring.n_accounts, key % ring.n_accounts
    if bool((size <= 2 * reach + 1).all()):
        return a, b
    roughly = sum_by(where, np.minimum(bits[row], bits[other]), key.size)
    kept = _among_strongest(a, b, roughly, 3 * most_per_account)
    return a[kept], b[kept]


def _among_strongest(a: IntArray, b: IntArray, bits: FloatArray, most: int) -> npt.NDArray[np.bool_]:
    """Pairs that are among the strongest `most` of at least one of their accounts; equal ones by number."""
    pair = np.concatenate((np.arange(a.size), np.arange(a.size)))
    owner = np.concatenate((a, b))
    order = np.lexsort((pair, -bits[pair], owner))
    near_top = rank_in_run(run_starts(owner[order]), order.size) < most
    kept = np.zeros(a.size, dtype=bool)
    kept[pair[order[near_top]]] = True
    return kept


def _strongest_pairs(a: IntArray, b: IntArray, bits: FloatArray, most: int) -> npt.NDArray[np.bool_]:
    """Take pairs from the strongest on, as long as neither account has its number."""
    kept = np.zeros(a.size, dtype=bool)
    order = np.argsort(-bits, kind="stable")
    taken = [0] * (int(b.max(initial=0)) + 1)
    for pair, first, second in zip(order.tolist(), a[order].tolist(), b[order].tolist(), strict=True):
        if taken[first] < most and taken[second] < most:
            taken[first] += 1
            taken[second] += 1
            kept[pair] = True
    return kept


def _strongest_by_family(
    pair: IntArray, family: IntArray, entity_type: IntArray, bits: FloatArray, shape: tuple[int, int]
) -> FloatArray:
    """For each pair, the strongest tie of each family, added up under its type (of equal ones the smallest type)."""
    order = np.lexsort((entity_type, -bits, family, pair))
    carrier = order[run_starts(pair[order], family[order])]
    cell = pair[carrier] * shape[1] + entity_type[carrier]
    return sum_by(cell, bits[carrier], shape[0] * shape[1]).reshape(shape)
