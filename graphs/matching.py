"""Which old group goes on in which new one, by the accounts and rare entities that both have.

A group is known again by its members and, after a ban wave has taken all of them, by the cards and templates that
stay. The best assignment gives each old group at most one heir; the overlaps that are left tell splits and merges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    as_index,
    as_values,
    connected,
    ranges,
    require,
    run_lengths,
    run_starts,
    sum_by,
)

# an item in more groups than this ties none of them: it is no rare thing
_MOST_GROUPS_OF_ITEM = 50


@dataclass(frozen=True, eq=False)
class Holdings:
    """What each group holds: rows (group, item, weight), groups 0 .. n - 1.

    Items are accounts or entities, numbered alike in the old and the new holdings; weights at least 0 (for entities
    their bits; for old ones decayed by age, see `graphs.weights.decay`). Rows of one group and item are refused.
    """

    n: int
    group: IntArray
    item: IntArray
    weight: FloatArray

    @classmethod
    def from_arrays(
        cls, group: npt.ArrayLike, item: npt.ArrayLike, weight: npt.ArrayLike | None = None, *, n: int | None = None
    ) -> Holdings:
        """Rows in any order, sorted by item and group; without weights each row weighs 1."""
        groups, items = as_index(group, "group", n), as_index(item, "item")
        require(groups.size == items.size, "group and item must have the same length")
        weights = np.ones(groups.size) if weight is None else as_values(weight, "weight", groups.size)
        require(bool((weights >= 0).all()), "weight must be at least 0")
        order = np.lexsort((groups, items))
        require(run_starts(items[order], groups[order]).size == groups.size, "a group must hold an item once")
        size = n if n is not None else (int(groups.max()) + 1 if groups.size else 0)
        return cls(size, groups[order], items[order], weights[order])

    def totals(self) -> FloatArray:
        """Weight of each group."""
        return sum_by(self.group, self.weight, self.n)


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of an old and a new group that share something, sorted by (old, new).

    `jaccard`: shared over joint weight; `of_old`, `of_new`: shared weight as a share of each side's; all in [0, 1].
    `matched`: the pair belongs to the best assignment: each group is in at most one such pair.
    """

    old: IntArray
    new: IntArray
    jaccard: FloatArray
    of_old: FloatArray
    of_new: FloatArray
    matched: BoolArray


def match_groups(
    old_members: Holdings,
    new_members: Holdings,
    old_entities: Holdings,
    new_entities: Holdings,
    *,
    entity_share: float = 0.5,
    min_overlap: float = 0.0,
) -> Overlaps:
    """Compare old and new groups by members and entities and assign them to each other.

    Of each kind, members and entities, what is shared counts with the smaller of its two weights; Jaccard index and
    shares are taken over the weights of that kind, and the two kinds are averaged with `entity_share` (0 .. 1) for
    entities. A kind that either group has nothing of is left out of the average. Pairs whose larger share is below
    `min_overlap` are left out. The assignment has the largest sum of Jaccard indices (Kuhn's problem, solved within
    each connected set of pairs).
    """
    require(0.0 <= entity_share <= 1.0, "entity_share must lie in [0, 1]")
    require(old_members.n == old_entities.n and new_members.n == new_entities.n, "numbers of groups must agree")
    kinds = ((old_members, new_members, 1.0 - entity_share), (old_entities, new_entities, entity_share))
    met = [_shared_weights(old, new) for old, new, _ in kinds]
    n_new = max(new_members.n, 1)
    pair = np.unique(np.concatenate([key for key, _ in met]))
    old_group, new_group = pair // n_new, pair % n_new
    mass, jaccard, of_old, of_new = (np.zeros(pair.size) for _ in range(4))
    for (old, new, share), (key, weight) in zip(kinds, met, strict=True):
        shared = sum_by(np.searchsorted(pair, key), weight, pair.size)
        left, right = old.totals()[old_group], new.totals()[new_group]
        counts = np.where((left > 0) & (right > 0), share, 0.0)
        mass += counts
        for total, whole in ((jaccard, left + right - shared), (of_old, left), (of_new, right)):
            total += counts * np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    found = (mass > 0) & (jaccard > 0)
    jaccard, of_old, of_new = (
        np.minimum(np.divide(v, mass, out=np.zeros_like(v), where=found), 1.0) for v in (jaccard, of_old, of_new)
    )
    keep = found & (np.maximum(of_old, of_new) >= min_overlap)
    old_group, new_group, jaccard = old_group[keep], new_group[keep], jaccard[keep]
    matched = best_assignment(old_group, new_group, jaccard, old_members.n, new_members.n)
    return Overlaps(old_group, new_group, jaccard, of_old[keep], of_new[keep], matched)


def _shared_weights(old: Holdings, new: Holdings) -> tuple[IntArray, FloatArray]:
    """One row a shared item and pair of groups: the number of the pair, the smaller weight."""
    left, right = _meetings(old, new)
    key = old.group[left] * max(new.n, 1) + new.group[right]
    return key, np.minimum(old.weight[left], new.weight[right])


def _meetings(old: Holdings, new: Holdings) -> tuple[IntArray, IntArray]:
    """Rows of the old and the new holdings that speak of one item, every such pair of rows."""
    starts = run_starts(new.item)
    items, length = new.item[starts], run_lengths(starts, new.item.size)
    place = np.searchsorted(items, old.item)
    known = place < items.size
    known[known] = items[place[known]] == old.item[known]
    old_starts = run_starts(old.item)
    old_length = run_lengths(old_starts, old.item.size)
    rare = np.repeat(old_length <= _MOST_GROUPS_OF_ITEM, old_length)
    rows = np.flatnonzero(known & rare)
    rows = rows[length[place[rows]] <= _MOST_GROUPS_OF_ITEM]
    met = length[place[rows]]
    return np.repeat(rows, met), ranges(starts[place[rows]], met)


def best_assignment(old: IntArray, new: IntArray, value: FloatArray, n_old: int, n_new: int) -> BoolArray:
    """Which pairs (old, new) belong to the assignment of largest total value, each group in at most one of them.

    Groups are numbered 0 .. `n_old` - 1 and 0 .. `n_new` - 1, no pair twice, values at least 0. Kuhn's problem, solved
    apart within each connected set of pairs. Shape of the result: that of the pairs.
    """
    from scipy.optimize import linear_sum_assignment

    matched = np.zeros(old.size, dtype=bool)
    if old.size == 0:
        return matched
    label = connected(old, new + n_old, n_old + n_new)[old]
    order = np.argsort(label, kind="stable")
    starts = run_starts(label[order])
    for start, length in zip(starts, run_lengths(starts, order.size), strict=True):
        rows = order[start : start + length]
        if rows.size == 1:
            matched[rows] = True
            continue
        old_here, i = np.unique(old[rows], return_inverse=True)
        new_here, j = np.unique(new[rows], return_inverse=True)
        gain = np.zeros((old_here.size, new_here.size))
        gain[i, j] = value[rows]
        number = np.full(gain.shape, -1, dtype=np.int64)
        number[i, j] = rows
        chosen = number[linear_sum_assignment(gain, maximize=True)]
        matched[chosen[chosen >= 0]] = True
    return matched
