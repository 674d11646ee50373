"""Connected groups and counted pairs on plain arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.text.tokens import I64, Flags


def components(size: int, left: I64, right: I64) -> I64:
    """Return for each of `size` things the smallest thing it is connected with, given undirected pairs.

    Every round points each group at the smallest of its neighbours and shortens the ways; the number of rounds grows
    with the logarithm of the longest chain.
    """
    root = np.arange(size, dtype=np.int64)
    while True:
        a, b = root[left], root[right]
        differ = a != b
        if not differ.any():
            return root
        left, right = left[differ], right[differ]
        low, high = np.minimum(a[differ], b[differ]), np.maximum(a[differ], b[differ])
        np.minimum.at(root, high, low)
        while True:
            shorter = root[root]
            if np.array_equal(shorter, root):
                break
            root = shorter


def linked(size: int, pairs: Sequence[tuple[I64, I64]], strong: Callable[[I64, I64, I64], Flags]) -> I64:
    """Return for each of `size` things the smallest thing it is connected with by pairs that are strong.

    `strong` is asked of (smaller, larger, times) when all pairs are counted together. The first of them are counted
    alone before, since things they already tie need no counting again: more times never make a pair less strong.
    """
    root = np.arange(size, dtype=np.int64)
    ends: list[I64] = []
    others: list[I64] = []
    for wanted in (pairs[:1], pairs):
        left, right = [], []
        for one, other in wanted:
            apart = root[one] != root[other]
            left.append(one[apart])
            right.append(other[apart])
        a, b, times = count_pairs(np.concatenate(left), np.concatenate(right), max(1, size))
        kept = strong(a, b, times)
        ends.append(a[kept])
        others.append(b[kept])
        root = components(size, np.concatenate(ends), np.concatenate(others))
    return root


def count_pairs(left: I64, right: I64, size: int) -> tuple[I64, I64, I64]:
    """Count each unordered pair of things below `size`; return (smaller, larger, times), sorted."""
    keys = np.minimum(left, right) * size + np.maximum(left, right)
    distinct, times = counted(keys)
    return distinct // size, distinct % size, times


def counted(keys: Any) -> tuple[Any, I64]:
    """Return the distinct keys, sorted, and how often each occurs."""
    if not len(keys):
        return keys, np.zeros(0, np.int64)
    ordered = np.sort(keys)
    starts = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def in_runs(rows: I64) -> tuple[I64, I64]:
    """Return the start of each run of equal rows, and its length."""
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), rows[1:] != rows[:-1]]))
    return starts, np.diff(np.append(starts, len(rows)))


def rank_within(groups: Any) -> I64:
    """Number the entries of each run of equal groups from 0."""
    place = np.arange(len(groups))
    fresh = np.ones(len(groups), np.bool_)
    fresh[1:] = groups[1:] != groups[:-1]
    return place - np.maximum.accumulate(np.where(fresh, place, 0)) if len(groups) else place
