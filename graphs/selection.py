"""Choose, among overlapping groups, those that stand: the best first, what overlaps gives way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, IntArray, as_values, require
from graphs.ties import Groups


@dataclass(frozen=True, eq=False)
class Chosen:
    """Groups that stand, in the order of choice, and the rows of the old groups that they keep."""

    group: IntArray
    rows: tuple[IntArray, ...]


def choose(groups: Groups, worth: npt.ArrayLike, *, min_size: int, min_left: float) -> Chosen:
    """Greedy choice by falling worth; of equal worth the smaller number first.

    A group that has lost members to those chosen before stands with the rest, if at least `min_left` of it and
    `min_size` accounts are left. Each account is in at most one chosen group.
    """
    value: FloatArray = as_values(worth, "worth", groups.n)
    require(0.0 < min_left <= 1.0, "min_left must lie in (0, 1]")
    order = np.lexsort((np.arange(groups.n), -value))
    sizes = groups.sizes
    ends = np.cumsum(sizes)
    taken = np.zeros(int(groups.account.max()) + 1 if groups.account.size else 0, dtype=bool)
    chosen: list[int] = []
    rows: list[IntArray] = []
    for group in order.tolist():
        mine = np.arange(ends[group] - sizes[group], ends[group])
        left = mine[~taken[groups.account[mine]]]
        if left.size < min_size or left.size < min_left * mine.size:
            continue
        taken[groups.account[left]] = True
        chosen.append(group)
        rows.append(left)
    return Chosen(np.array(chosen, dtype=np.int64), tuple(rows))


@dataclass(frozen=True, eq=False)
class Pool:
    """A group that holds chosen ones: its number, the rows in none of them, the inner ones by place in `Chosen`."""

    group: int
    rows: IntArray
    inner: tuple[int, ...]


def pools(groups: Groups, chosen: Chosen, candidates: IntArray, *, min_size: int, inside: float) -> list[Pool]:
    """Groups among `candidates` (best first) around chosen ones: one level, own accounts in no chosen group.

    A chosen group lies in a pool when at least `inside` of its kept members do. A pool keeps `min_size` accounts or
    more of its own; each chosen group lies in one pool at most.
    """
    owner = np.full(int(groups.account.max()) + 1 if groups.account.size else 0, -1, dtype=np.int64)
    for place, rows in enumerate(chosen.rows):
        owner[groups.account[rows]] = place
    sizes = np.array([rows.size for rows in chosen.rows], dtype=np.int64)
    ends = np.cumsum(groups.sizes)
    free = np.ones(sizes.size, dtype=bool)
    found: list[Pool] = []
    for group in candidates.tolist():
        mine = np.arange(ends[group] - groups.sizes[group], ends[group])
        owners = owner[groups.account[mine]]
        of_chosen = owners[(owners >= 0) & (owners < sizes.size)]
        within = np.bincount(of_chosen, minlength=sizes.size)
        inner = np.flatnonzero(free & (within >= inside * sizes) & (within > 0))
        own = mine[owners < 0]
        if inner.size == 0 or own.size < min_size:
            continue
        free[inner] = False
        owner[groups.account[own]] = sizes.size  # taken: no later pool may have them
        found.append(Pool(group, own, tuple(inner.tolist())))
    return found
