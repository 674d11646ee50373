"""How well separated and how well knit communities are, for many of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    as_index,
    count_by,
    require,
    run_lengths,
    run_starts,
    sum_by,
)
from graphs.bipartite import BipartiteGraph
from graphs.projection import PairGraph

# up to so many accounts the smallest cut is computed, above it is bounded
_EXACT_CUT = 3_000


@dataclass(frozen=True, eq=False)
class CommunityMeasures:
    """One value a community 0 .. n - 1.

    `n_accounts`, `n_entities`: members. `inside`: bits of edges within; `leaving`: bits of edges with one end within.
    `density`: bits inside an account-entity pair of the community; nan without such a pair. `conductance`: leaving
    over the smaller of the volumes inside and outside (Kannan, Vempala and Vetta 2004), in [0, 1]; nan where either
    volume is 0.
    """

    n_accounts: IntArray
    n_entities: IntArray
    inside: FloatArray
    leaving: FloatArray
    density: FloatArray
    conductance: FloatArray


def community_measures(
    graph: BipartiteGraph, accounts: npt.ArrayLike, entities: npt.ArrayLike, *, n_communities: int | None = None
) -> CommunityMeasures:
    """Measure communities given by one label an account and an entity; -1 means in none."""
    of_account, of_entity = _labels(accounts, graph.n_accounts), _labels(entities, graph.n_entities)
    n = (
        n_communities
        if n_communities is not None
        else 1 + int(max(of_account.max(initial=-1), of_entity.max(initial=-1)))
    )
    left, right = of_account[graph.account], of_entity[graph.entity]
    same = (left == right) & (left >= 0)
    inside = sum_by(left[same], graph.bits[same], n)
    volume = 2.0 * inside
    for side in (left, right):
        outer = (side >= 0) & ~same
        volume += sum_by(side[outer], graph.bits[outer], n)
    leaving = volume - 2.0 * inside
    n_accounts, n_entities = (count_by(side[side >= 0], n) for side in (of_account, of_entity))
    smaller = np.minimum(volume, 2.0 * graph.total_bits - volume)
    with np.errstate(invalid="ignore", divide="ignore"):
        density = inside / (n_accounts * n_entities)
        conductance = np.where(smaller > 0, leaving / smaller, np.nan)
    return CommunityMeasures(n_accounts, n_entities, inside, leaving, density, np.minimum(conductance, 1.0))


@dataclass(frozen=True, eq=False)
class Cuts:
    """The smallest cut of each community's pairs: between `at_least` and `at_most` pairs have to go to part it.

    Both are equal where the cut was computed; single accounts have 0. `well_connected`: at_least > log10(size).
    """

    size: IntArray
    at_least: IntArray
    at_most: IntArray

    @property
    def well_connected(self) -> BoolArray:
        """Whether the smallest cut is above log10 of the size (Park and others 2024); False for single accounts."""
        return (self.size > 1) & (self.at_least > np.log10(np.maximum(self.size, 1)))


def smallest_cuts(pairs: PairGraph, accounts: npt.ArrayLike, *, n_communities: int | None = None) -> Cuts:
    """The smallest cut, in pairs, of each community of accounts (one label an account, -1 for none).

    Computed for communities of up to 3,000 accounts, to the exact value or to 10, whichever is less: what matters
    is the comparison with log10 of the size. Larger ones get bounds: the smallest degree from above, and from below
    0 if parted, 1 if joined and 2 if no single pair holds them together.
    """
    label = _labels(accounts, pairs.n_accounts)
    n = n_communities if n_communities is not None else 1 + int(label.max(initial=-1))
    size = count_by(label[label >= 0], n)
    at_least, at_most = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    owner = label[pairs.a]
    within = np.flatnonzero((owner == label[pairs.b]) & (owner >= 0))
    order = within[np.argsort(owner[within], kind="stable")]
    starts = run_starts(owner[order])
    for start, length in zip(starts, run_lengths(starts, order.size), strict=True):
        edges = order[start : start + length]
        community = int(owner[edges[0]])
        ends = np.unique(np.concatenate((pairs.a[edges], pairs.b[edges])), return_inverse=True)[1]
        if int(ends.max()) + 1 == size[community]:
            low, high = _cut(ends[: edges.size], ends[edges.size :], int(size[community]))
            at_least[community], at_most[community] = low, high
    return Cuts(size, at_least, at_most)


def _cut(a: IntArray, b: IntArray, n: int, limit: int = 10) -> tuple[int, int]:
    """Bounds of the smallest cut of one graph in which every vertex has an edge."""
    import igraph

    smallest_degree = int((count_by(a, n) + count_by(b, n)).min())
    a, b = _certificate(a, b, n, limit)
    graph = igraph.Graph(n)
    graph.add_edges(np.stack((a, b), axis=1))
    if n <= _EXACT_CUT:
        cut = int(graph.mincut().value)
        # from `limit` on the few edges kept say no more than that
        return (cut, cut) if cut < limit else (limit, smallest_degree)
    if not graph.is_connected():
        return 0, 0
    return (1, 1) if graph.bridges() else (min(2, smallest_degree), smallest_degree)


def _certificate(a: IntArray, b: IntArray, n: int, limit: int) -> tuple[IntArray, IntArray]:
    """Few edges with the same cuts up to `limit`: the first `limit` spanning forests (Nagamochi and Ibaraki 1992)."""
    import scipy.sparse as sp
    from scipy.sparse import csgraph

    kept = np.zeros(a.size, dtype=bool)
    left = np.arange(a.size)
    for _ in range(limit):
        if left.size == 0:
            break
        # edge numbers as weights make the forest the same on every machine
        matrix = sp.coo_array((left + 1.0, (a[left], b[left])), shape=(n, n)).tocsr()
        forest = csgraph.minimum_spanning_tree(matrix)
        kept[forest.data.astype(np.int64) - 1] = True
        left = np.flatnonzero(~kept)
    return a[kept], b[kept]


def _labels(values: npt.ArrayLike, size: int) -> IntArray:
    labels = np.asarray(values)
    require(labels.shape == (size,), f"labels must have length {size}")
    as_index(labels[labels >= 0], "labels")
    return labels.astype(np.int64)
