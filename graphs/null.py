"""What chance alone would show: graphs and activity with the same marginals and no other structure.

`rewire` keeps every degree of every account and entity within each type of entity and is otherwise random, by rounds
of double edge swaps (the switching chain; see Carstens, Physical Review E 91, 2015, for such chains on bipartite
graphs). `empirical_q` turns the scores found on such graphs into false discovery rates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graphs.arrays import BoolArray, FloatArray, IntArray, as_index, as_values, require
from graphs.bipartite import BipartiteGraph

_MAX_ROUNDS = 60


def rewire(
    graph: BipartiteGraph, entity_type: npt.ArrayLike, *, seed: int, swaps_per_edge: float = 5.0
) -> BipartiteGraph:
    """Return a random graph with the same degrees: of each entity, and of each account within each type of entity.

    `entity_type`: one number an entity. No edge is doubled. An edge's bits stay with its entity's end, so bits that
    belong to the entity stay right. Each type is swapped until every edge took part in about `swaps_per_edge`
    accepted swaps, or 60 rounds are over, as in a graph so dense that hardly a swap is possible.
    """
    types = as_index(entity_type, "entity_type")
    require(types.size == graph.n_entities, f"entity_type must have length {graph.n_entities}, found {types.size}")
    generator = np.random.default_rng(seed)
    account = graph.account.copy()
    edge_type = types[graph.entity]
    for one in np.unique(edge_type):
        edges = np.flatnonzero(edge_type == one)
        account[edges] = _swap(account[edges], graph.entity[edges], graph.n_accounts, swaps_per_edge, generator)
    return BipartiteGraph.from_arrays(
        account, graph.entity, graph.bits, n_accounts=graph.n_accounts, n_entities=graph.n_entities
    )


def _swap(
    account: IntArray, entity: IntArray, n_accounts: int, swaps_per_edge: float, generator: np.random.Generator
) -> IntArray:
    """Exchange the accounts of random pairs of edges, round by round, wherever no edge gets doubled."""
    account, row = account.copy(), entity * n_accounts
    wanted, done = swaps_per_edge * account.size, 0.0
    for _ in range(_MAX_ROUNDS):
        if done >= wanted or account.size < 2:
            break
        mixed = generator.permutation(account.size)
        # one pair more or less, by chance: else the number of swaps would always be even, or always odd
        half = account.size // 2 - int(generator.integers(0, 2))
        left, right = mixed[:half], mixed[half : 2 * half]
        proposed = np.concatenate((row[left] + account[right], row[right] + account[left]))
        free = _free(row + account, proposed, generator)
        accept = free[:half] & free[half:]
        left, right = left[accept], right[accept]
        account[left], account[right] = account[right], account[left]
        done += account.size * (float(accept.mean()) if accept.size else 1.0)
    return account


def _free(present: IntArray, proposed: IntArray, generator: np.random.Generator) -> BoolArray:
    """Which proposed edges are surely not present, and the only ones kept of equal proposals.

    By a hash table without chains: an edge that falls on another's place is refused though it may be free. The hash
    is drawn anew each time, so no edge is refused for good.
    """
    # beyond 2**27 places (some 600 MB) rather refuse more than take more memory
    size_bits = min(27, max(10, int(16 * present.size).bit_length()))
    factor = generator.integers(0, 2**63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shift = np.uint64(64 - size_bits)
    taken = np.zeros(2**size_bits, dtype=bool)
    taken[(present.astype(np.uint64) * factor) >> shift] = True
    place = (proposed.astype(np.uint64) * factor) >> shift
    number = np.arange(proposed.size, dtype=np.int32)
    last = np.empty(2**size_bits, dtype=np.int32)
    last[place] = number
    free: BoolArray = ~taken[place] & (last[place] == number)
    return free


def shuffle_hours(account: npt.ArrayLike, hour: npt.ArrayLike, *, n_hours: int, seed: int, step: int = 1) -> IntArray:
    """Turn each account's activity by an amount of its own, so that nobody's hours agree but by chance.

    `account`, `hour`: one row an active hour, hours from 0 to n_hours - 1. Returns the new hours, row by row. Within
    an account all distances, taken round the window, stay. With `step=24` the hour of the day stays as well (n_hours
    must then be a multiple of 24), which leaves the common daily rhythm in place.
    """
    accounts, hours = as_index(account, "account"), as_index(hour, "hour", n_hours)
    require(accounts.size == hours.size, "account and hour must have the same length")
    require(step >= 1 and n_hours % step == 0, "n_hours must be a multiple of step")
    # drawn by account, in order, so that neither the order of rows nor gaps in the numbering matter
    known, place = np.unique(accounts, return_inverse=True)
    turn = np.random.default_rng(seed).integers(0, n_hours // step, size=known.size) * step
    return (hours + turn[place]) % n_hours


def empirical_q(
    scores: npt.ArrayLike, null_scores: Sequence[npt.ArrayLike], *, pseudo_count: float = 1.0
) -> FloatArray:
    """False discovery rate of each candidate, from scores of the same search on randomised graphs.

    At a threshold t the rate is (expected number of null scores >= t in one search, with `pseudo_count` added to the
    count over all searches) / (number of candidates >= t). The q-value of a candidate is the smallest rate among
    thresholds at or below its score, so it never rises with the score; it lies in [0, 1]. `null_scores`: one array a
    search, possibly empty. With r searches and k candidates no q-value can be below pseudo_count / (r * k): ask for
    enough searches. No search at all gives 1 throughout.
    """
    found = as_values(scores, "scores")
    if not null_scores or found.size == 0:
        return np.ones(found.size)
    chance = np.sort(np.concatenate([as_values(one, "null_scores") for one in null_scores]))
    ascending = np.sort(found)
    as_high = found.size - np.searchsorted(ascending, ascending, side="left")
    null_as_high = chance.size - np.searchsorted(chance, ascending, side="left")
    rate = (null_as_high + pseudo_count) / len(null_scores) / as_high
    # the smallest rate among thresholds at or below
    q_values = np.minimum.accumulate(np.minimum(rate, 1.0))
    return np.asarray(q_values[np.searchsorted(ascending, found, side="left")], dtype=np.float64)


def gumbel_p(scores: npt.ArrayLike, null_maxima: npt.ArrayLike) -> FloatArray:
    """Chance that the best score of one randomised search reaches each score, by a fitted Gumbel law.

    Goes beyond the resolution of counting where only a few searches can be afforded; the law is that of the largest
    of many light-tailed scores, fitted by moments to the best score of each search (at least three). The result is a
    bound over all candidates at once (family-wise), in [0, 1]. With maxima that do not vary it is 1 up to them and
    the smallest positive step above. Moments of few searches are rough, and a tail that is drawn too thin accuses: the
    scale is widened by 2 / n, after which one more search exceeds a stated 0.05 in 0.06 of cases with seven searches.
    """
    found, maxima = as_values(scores, "scores"), as_values(null_maxima, "null_maxima")
    require(maxima.size >= 3, "at least three null maxima are needed")
    spread = float(maxima.std(ddof=1)) * (1.0 + 2.0 / maxima.size)
    scale = max(spread * np.sqrt(6.0) / np.pi, np.finfo(np.float64).tiny)
    centre = float(maxima.mean()) - np.euler_gamma * scale
    with np.errstate(over="ignore"):
        return np.asarray(-np.expm1(-np.exp(-(found - centre) / scale)), dtype=np.float64)
