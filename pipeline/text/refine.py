"""Part frames that grew together along a chain of fingerprints.

Linking neighbour by neighbour follows chains: a turn of phrase that half of one frame's prompts and half of another's
hold can tie the two. Where the counts inside a group are uneven enough for that, the group is clustered again by
average linkage on how often its fingerprints occur together, which no chain can bridge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import in_runs, rank_within
from pipeline.text.hashing import U64, mix
from pipeline.text.tokens import I64

if TYPE_CHECKING:
    from pipeline.text.frames import Shared

EVEN = 0.65  # mean count over largest count: a group above it can hold no bridge
SMALLEST = 5  # fingerprints of a group worth a second look
LARGEST = 1500  # fingerprints; of a larger group the most frequent are clustered, the others stand alone
MOST_ROWS = 3000  # prompts that are looked at
AVERAGE = 0.5  # mean share of common prompts at which two clusters are one


def refined(shared: Shared, group: I64) -> I64:
    """Return the group of each fingerprint after uneven groups were parted; groups are named by a member."""
    size = len(group)
    n_prints = np.bincount(group, minlength=size)
    total = np.bincount(group, weights=shared.n_events, minlength=size)
    most = np.zeros(size, np.int64)
    np.maximum.at(most, group, shared.n_events)
    uneven = (n_prints >= SMALLEST) & (total < EVEN * n_prints * most)
    result = group.copy()
    entry = np.flatnonzero(uneven[group[shared.ids]])
    entry = entry[np.argsort(group[shared.ids[entry]], kind="stable")]
    for start, length in zip(*in_runs(group[shared.ids[entry]]), strict=True):
        mine = entry[start : start + length]
        _part(shared, shared.rows[mine], shared.ids[mine], result)
    return result


def _part(shared: Shared, rows: I64, ids: I64, result: I64) -> None:
    """Cluster the fingerprints of one group and write the outcome into `result`."""
    members = np.unique(ids)
    if len(members) > LARGEST:
        by_count = np.lexsort((members, -shared.n_events[members]))
        result[members] = members
        members = np.sort(members[by_count[:LARGEST]])
        kept = np.isin(ids, members)
        rows, ids = rows[kept], ids[kept]
    column = np.searchsorted(members, ids)
    distinct, line = np.unique(rows, return_inverse=True)
    mark = np.zeros(len(distinct), np.uint64)
    np.add.at(mark, line, mix(shared.values[ids]))
    rank = drawn(mark)
    kept = rank[line] < MOST_ROWS
    table = np.zeros((min(len(distinct), MOST_ROWS), len(members)), np.float32)
    table[rank[line[kept]], column[kept]] = 1.0
    both = table.T @ table
    counts = np.maximum(np.diag(both), 1.0)
    cluster = average_linkage(both / np.maximum.outer(counts, counts), AVERAGE)
    result[members] = members[cluster]


def drawn(mark: U64) -> I64:
    """Return a random order of rows, by what each holds (`mark`), so that no numbering can change it.

    Rows that hold the same are told apart by a number of their own, or all of them would stand together and a sample of
    the first would know of nothing else.
    """
    order = np.argsort(mark, kind="stable")
    ordered = mark[order]
    drawn_at = mix(ordered + mix(rank_within(ordered).astype(np.uint64)))
    rank = np.empty(len(mark), np.int64)
    rank[order[np.argsort(drawn_at, kind="stable")]] = np.arange(len(mark))
    return rank


def average_linkage(likeness: npt.NDArray[np.floating[Any]], threshold: float) -> I64:
    """Cluster by average linkage down to `threshold`; return for each thing the smallest of its cluster.

    Nearest-neighbour chains: a pair that are each other's nearest can be joined at once, in any order.
    """
    size = len(likeness)
    near = likeness.astype(np.float64)
    np.fill_diagonal(near, -1.0)
    weight = np.ones(size)
    owner = np.arange(size)
    alive = np.ones(size, np.bool_)
    chain: list[int] = []
    while True:
        if not chain:
            open_ones = np.flatnonzero(alive)
            if len(open_ones) < 2:
                break
            chain.append(int(open_ones[0]))
        here = chain[-1]
        nearest = int(np.argmax(near[here]))
        best = near[here, nearest]
        if len(chain) > 1 and near[here, chain[-2]] >= best:
            nearest = chain[-2]
        if best < threshold:  # nothing is near enough to what stands at the end of the chain, now or later
            alive[here] = False
            near[here, :] = near[:, here] = -1.0
            chain.pop()
            continue
        if len(chain) > 1 and nearest == chain[-2]:
            chain.pop()
            chain.pop()
            low, high = min(here, nearest), max(here, nearest)
            joined = (weight[low] * near[low] + weight[high] * near[high]) / (weight[low] + weight[high])
            joined[(near[low] < 0) | (near[high] < 0)] = -1.0
            near[low, :] = near[:, low] = joined
            near[low, low] = -1.0
            near[high, :] = near[:, high] = -1.0
            weight[low] += weight[high]
            alive[high] = False
            owner[owner == high] = low
        else:
            chain.append(nearest)
    return owner
