"""FRAUDAR: the densest blocks of accounts and things by greedy peeling, popular things weighing less.

Hooi and others, KDD 2016. Own code: greedy removal of whatever adds least, the best average on the way is the block;
then its edges are taken out and the next is sought.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from tests.benchmarks.detection.baselines.linking import allowed
from tests.benchmarks.detection.found import Found
from tests.benchmarks.detection.ground import Ground

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def dense_blocks(ground: Ground, *, blocks: int, ranges: str = "unused") -> Found:
    """The accounts of the first `blocks` blocks; earlier blocks score higher."""
    edges = ground.only(allowed(ground, ranges))
    account, entity = edges["account"].to_numpy(), edges["entity"].to_numpy()
    group, score = np.full(ground.n, -1, dtype=np.int64), np.zeros(ground.n)
    alive = np.ones(account.size, dtype=bool)
    for number in range(blocks):
        a, e = account[alive], entity[alive]
        if not a.size:
            break
        inside_a, inside_e = densest_block(a, e, ground.n, len(ground.things))
        new = inside_a & (group < 0)
        group[new], score[new] = number, float(blocks - number)
        alive &= ~(inside_a[account] & inside_e[entity])
    return Found.of(group, accused=group >= 0, min_size=3, score=score)


def densest_block(
    account: Ints, entity: Ints, n_accounts: int, n_entities: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Accounts and entities of the block with the largest mean weight a vertex, weights 1 / log(degree + 5)."""
    degree = np.bincount(entity, minlength=n_entities)
    weight = (1.0 / np.log(degree + 5.0))[entity]
    source, target = account, entity + n_accounts
    size = n_accounts + n_entities
    near, start, value = _neighbours(source, target, weight, size)
    left = np.bincount(source, weights=weight, minlength=size) + np.bincount(target, weights=weight, minlength=size)
    present = np.bincount(np.concatenate((source, target)), minlength=size) > 0
    heap = [(float(left[v]), int(v)) for v in np.flatnonzero(present)]
    heapq.heapify(heap)
    order: list[int] = []
    gone = (~present).tolist()
    now = left.tolist()
    total, vertices = float(weight.sum()), int(present.sum())
    best, best_at = total / vertices, 0
    begin, neighbours, values = start.tolist(), near.tolist(), value.tolist()
    while heap:
        held, vertex = heapq.heappop(heap)
        if gone[vertex] or held > now[vertex] + 1e-12:
            continue
        gone[vertex] = True
        order.append(vertex)
        total -= now[vertex]
        vertices -= 1
        for place in range(begin[vertex], begin[vertex + 1]):
            other = neighbours[place]
            if not gone[other]:
                now[other] -= values[place]
                heapq.heappush(heap, (now[other], other))
        if vertices and total / vertices > best + 1e-12:
            best, best_at = total / vertices, len(order)
    kept = present.copy()
    kept[order[:best_at]] = False
    return kept[:n_accounts], kept[n_accounts:]


def _neighbours(source: Ints, target: Ints, weight: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """Both directions of every edge, by vertex: neighbours, where each vertex's begin, weights."""
    both = np.concatenate((source, target))
    order = np.argsort(both, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(both, minlength=size))))
    return np.concatenate((target, source))[order], start, np.concatenate((weight, weight))[order]
