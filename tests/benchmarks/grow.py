"""Grow a forest by gradient boosting and hand it over as plain trees. Only training needs the library behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from graphs.forest import Forest, Tree

Floats = npt.NDArray[np.float64]

_BITS = 1.0 / np.log(2.0)


def grow(x: Floats, y: Floats, weight: Floats, *, signs: list[int], **settings: Any) -> Forest:
    """Fit boosted trees to answers 0 and 1. `signs`: +1 never falls, -1 never rises, 0 free; one a measure.

    A measure that is missing throughout is never asked.
    """
    known = np.flatnonzero(np.isfinite(x).any(axis=0))
    defaults: dict[str, Any] = {"random_state": 0, "early_stopping": False}
    model = HistGradientBoostingClassifier(monotonic_cst=[signs[k] for k in known], **{**defaults, **settings})
    model.fit(x[:, known], y, sample_weight=weight)
    trees = [_tree(predictor.nodes, known) for (predictor,) in model._predictors]
    bias = float(model._baseline_prediction.ravel()[0]) * _BITS + sum(float(t.value[0]) for t in trees)
    return Forest(x.shape[1], bias, tuple(trees))


def _tree(nodes: npt.NDArray[Any], known: npt.NDArray[np.int64]) -> Tree:
    """One tree; inner nodes get the mean of their leaves, weighted by rows."""
    leaf = nodes["is_leaf"].astype(bool)
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    value, count = nodes["value"].astype(np.float64), nodes["count"].astype(np.float64)
    for node in np.flatnonzero(~leaf)[::-1].tolist():
        below = [int(left[node]), int(right[node])]
        value[node] = float(np.average(value[below], weights=count[below]))
    return Tree(
        feature=np.where(leaf, -1, known[np.where(leaf, 0, nodes["feature_idx"].astype(np.int64))]),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"].astype(np.float64)),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=left,
        right=right,
        value=value * _BITS,
    )
