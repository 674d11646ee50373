"""Small helpers on arrays that every module of this package uses: checked conversion and work by group."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def as_index(values: npt.ArrayLike, name: str, size: int | None = None) -> IntArray:
    """Turn `values` into a flat int64 array of indices, each at least 0 and, if `size` is given, below it.

    Raises ValueError if the values are not whole numbers, not flat, or out of range; `name` is used in the message.
    """
    given = np.asarray(values)
    if given.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, found {given.ndim} dimensions")
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"{name} must hold integers, found {given.dtype}")
    index = given.astype(np.int64, copy=False)
    if index.size and (index.min() < 0 or (size is not None and index.max() >= size)):
        limit = "" if size is None else f" and below {size}"
        raise ValueError(f"{name} must be at least 0{limit}, found {index.min()} to {index.max()}")
    return index


def as_values(values: npt.ArrayLike, name: str, length: int | None = None) -> FloatArray:
    """Turn `values` into a flat float64 array of finite numbers, of the given length if there is one.

    Raises ValueError if a number is missing or infinite, or if the length differs.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, found {numbers.ndim} dimensions")
    if length is not None and numbers.size != length:
        raise ValueError(f"{name} must have length {length}, found {numbers.size}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be finite")
    return numbers


def require(condition: bool, message: str) -> None:
    """Raise ValueError with `message` unless the condition holds."""
    if not condition:
        raise ValueError(message)


def run_starts(*columns: npt.NDArray[np.generic]) -> IntArray:
    """Return where each run of equal rows begins, for columns that are sorted together."""
    size = columns[0].size
    if size == 0:
        return np.zeros(0, dtype=np.int64)
    new_run = np.zeros(size, dtype=bool)
    new_run[0] = True
    for column in columns:
        new_run[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new_run).astype(np.int64)


def run_lengths(starts: IntArray, size: int) -> IntArray:
    """Return the length of each run that begins at `starts` in an array of `size` rows."""
    return np.diff(starts, append=size).astype(np.int64)


def sum_by(group: IntArray, values: npt.ArrayLike, size: int) -> FloatArray:
    """Return the sum of the values of each group 0 .. size - 1; 0 for a group without rows."""
    # without rows numpy counts in integers
    return np.bincount(group, weights=np.asarray(values, dtype=np.float64), minlength=size).astype(np.float64)


def count_by(group: IntArray, size: int) -> IntArray:
    """Return the number of rows of each group 0 .. size - 1."""
    return np.bincount(group, minlength=size).astype(np.int64)


def rank_in_run(starts: IntArray, size: int) -> IntArray:
    """Return for each row its place, from 0, within the run that it belongs to."""
    return np.asarray(np.arange(size) - np.repeat(starts, run_lengths(starts, size)), dtype=np.int64)


def ranges(first: IntArray, length: IntArray) -> IntArray:
    """Return first[0], first[0] + 1, ... (length[0] numbers), then the same for each further pair, joined."""
    total = int(length.sum())
    begins = np.cumsum(length) - length
    return np.asarray(np.arange(total) + np.repeat(first - begins, length), dtype=np.int64)


def number_by_first(labels: IntArray) -> IntArray:
    """Number groups 0, 1, ... in the order in which they first occur, so that equal groupings get equal numbers."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(first.size, dtype=np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(first.size, dtype=np.int64)
    return np.asarray(number[inverse], dtype=np.int64)


def connected(a: IntArray, b: IntArray, n_vertices: int) -> IntArray:
    """Return for each vertex 0 .. n_vertices - 1 the number of its connected component over edges a - b.

    Components are numbered by their smallest vertex.
    """
    import scipy.sparse as sp
    from scipy.sparse import csgraph

    ones = np.ones(a.size, dtype=np.int8)
    matrix = sp.coo_array((ones, (a, b)), shape=(n_vertices, n_vertices)).tocsr()
    return number_by_first(np.asarray(csgraph.connected_components(matrix, directed=False)[1], dtype=np.int64))


def frozen(array: npt.NDArray[np.generic]) -> None:
    """Make an array read-only, so that a value shared by many callers cannot change under them."""
    array.setflags(write=False)
