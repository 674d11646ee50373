"""A sum of small decision trees whose answer falls apart into one part a measure.

Each tree sends a row from its root to a leaf. The change of value at every step belongs to the measure that the step
asked; what the roots hold together is the bias. Bias and parts add up to the score exactly (Saabas 2014 describes the
walk). Trees are grown elsewhere, with the sign of a measure as a bound where it has one; here they are only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.arrays import BoolArray, FloatArray, IntArray, require

_COLUMNS = ("feature", "threshold", "missing_left", "left", "right", "value")


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes of one tree, the root first. `feature` is -1 for leaves; `value` in bits, for inner nodes the mean below.

    A row goes left when its value is at most the threshold, or missing (nan) and `missing_left` is set.
    """

    feature: IntArray
    threshold: FloatArray
    missing_left: BoolArray
    left: IntArray
    right: IntArray
    value: FloatArray

    def __post_init__(self) -> None:
        n = self.feature.size
        require(n >= 1 and all(getattr(self, c).size == n for c in _COLUMNS), "columns of a tree differ in length")
        inner = np.flatnonzero(self.feature >= 0)
        children = np.concatenate((self.left[inner], self.right[inner]))
        above = np.concatenate((inner, inner))
        require(bool(((children > above) & (children < n)).all()), "children must come after their node")


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees over `n_features` measures; the score of a row, in bits, is the bias plus its parts."""

    n_features: int
    bias: float
    trees: tuple[Tree, ...]

    def parts(self, x: npt.ArrayLike) -> FloatArray:
        """Bits by row and measure, shape (n, n_features); `x` has the same shape, nan where unknown."""
        rows = np.asarray(x, dtype=np.float64)
        require(rows.ndim == 2 and rows.shape[1] == self.n_features, f"x must have {self.n_features} columns")
        total = np.zeros(rows.shape)
        for tree in self.trees:
            _walk(tree, rows, total)
        return total

    def score_bits(self, x: npt.ArrayLike) -> FloatArray:
        """Bias plus parts, added column by column from the left."""
        parts = self.parts(x)
        score = np.full(parts.shape[0], self.bias)
        for column in range(parts.shape[1]):
            score += parts[:, column]
        return score

    def total_bits(self, x: npt.ArrayLike, *, leave_below: float = -np.inf) -> FloatArray:
        """The same sum without its parts, to the last digits: for many rows.

        Rows that stand below `leave_below` bits after a quarter of the trees are left as they stand: where only high
        sums are asked for, most rows need no more.
        """
        rows = np.asarray(x, dtype=np.float64)
        require(rows.ndim == 2 and rows.shape[1] == self.n_features, f"x must have {self.n_features} columns")
        total = np.full(rows.shape[0], self.bias - sum(float(tree.value[0]) for tree in self.trees))
        quarter = len(self.trees) // 4
        _add_trees(self.trees[:quarter], rows, total)
        hopeful = np.flatnonzero(total >= leave_below)
        rest = total[hopeful]
        _add_trees(self.trees[quarter:], rows[hopeful], rest)
        total[hopeful] = rest
        return total

    def to_dict(self) -> dict[str, Any]:
        """Plain lists for a model file; `from_dict` gives back the same forest."""
        trees = [{c: getattr(tree, c).tolist() for c in _COLUMNS} for tree in self.trees]
        return {"n_features": self.n_features, "bias": self.bias, "trees": trees}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Forest:
        """Read what `to_dict` wrote. Raises ValueError or KeyError if it is not such a thing."""
        kinds = (np.int64, np.float64, np.bool_, np.int64, np.int64, np.float64)
        trees = tuple(
            Tree(**{c: np.array(t[c], dtype=k) for c, k in zip(_COLUMNS, kinds, strict=True)}) for t in given["trees"]
        )
        return cls(int(given["n_features"]), float(given["bias"]), trees)


def _add_trees(trees: tuple[Tree, ...], rows: FloatArray, total: FloatArray) -> None:
    columns = np.ascontiguousarray(rows.T)
    for tree in trees:
        _add_leaves(tree, columns, total)


def _add_leaves(tree: Tree, columns: FloatArray, total: FloatArray) -> None:
    """Add to each row the value of its leaf: rows are split node by node, which reads one column at a time."""
    at = {0: np.arange(total.size)}
    for node in range(tree.feature.size):  # children come after their node
        rows = at.pop(node)
        if tree.feature[node] < 0:
            total[rows] += tree.value[node]
            continue
        value, threshold = columns[tree.feature[node]][rows], tree.threshold[node]
        # a comparison with nan is false
        goes_left = ~(value > threshold) if tree.missing_left[node] else value <= threshold
        at[int(tree.left[node])], at[int(tree.right[node])] = rows[goes_left], rows[~goes_left]


def _walk(tree: Tree, rows: FloatArray, total: FloatArray) -> None:
    """Send all rows down one tree and credit each step to the measure asked."""
    place = np.zeros(rows.shape[0], dtype=np.int64)
    moving = np.arange(rows.shape[0])
    while True:
        moving = moving[tree.feature[place[moving]] >= 0]
        if moving.size == 0:
            return
        node = place[moving]
        feature = tree.feature[node]
        value = rows[moving, feature]
        goes_left = np.where(np.isnan(value), tree.missing_left[node], value <= tree.threshold[node])
        child = np.where(goes_left, tree.left[node], tree.right[node])
        total[moving, feature] += tree.value[child] - tree.value[node]
        place[moving] = child
