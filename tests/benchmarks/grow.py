"""Grow a forest by gradient boosting and hand it over as plain trees. Only training needs the library behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from graphs.forest import Forest, Tree

Floats = npt.NDArray[np.float64]

_BITS = 1.0 / np.log(2.0)


def grow(x: Floats, y: Floats, weight: Floats, *, signs: list[int], **settings: Any) -> Forest:
    """Fit boosted trees to answers 0 and 1. `signs`: +1 never falls, -1 never rises, 0 free; one a measure.

    A measure that is missing throughout is never asked.
    """
    return _grown(HistGradientBoostingClassifier, x, y, weight, _BITS, signs, settings)


def grow_values(x: Floats, y: Floats, weight: Floats, **settings: Any) -> Forest:
    """Fit boosted trees to numbers, by squared error; what the forest adds up is in their unit."""
    return _grown(HistGradientBoostingRegressor, x, y, weight, 1.0, [0] * x.shape[1], settings)


def grow_from(
    x: Floats, y: Floats, start: Floats, weight: Floats, *, signs: list[int], **settings: Any
) -> Forest:
    """Fit boosted trees to answers 0 and 1 that correct log odds given for each row, in bits. `signs` as in `grow`."""
    loss = _From(start / _BITS)
    return _grown(HistGradientBoostingRegressor, x, y, weight, _BITS, signs, {**settings, "loss": loss})


class _From(HalfBinomialLoss):  # type: ignore[misc]
    """The loss of answers 0 and 1, counted from given log odds (natural units, one a row of the fit) on."""

    def __init__(self, start: Floats) -> None:
        super().__init__()
        self.start = np.ascontiguousarray(start)

    def fit_intercept_only(self, y_true: Floats, sample_weight: Floats | None = None) -> Floats:
        """Nothing: the rows have their own."""
        return np.zeros(1)

    def gradient_hessian(self, y_true: Floats, raw_prediction: Floats, **more: Any) -> Any:
        """As the loss has them where the sum of both stands."""
        moved = raw_prediction + self.start.reshape(raw_prediction.shape)
        return super().gradient_hessian(y_true=y_true, raw_prediction=moved, **more)


def _grown(
    kind: Any, x: Floats, y: Floats, weight: Floats, unit: float, signs: list[int], settings: dict[str, Any]
) -> Forest:
    known = np.flatnonzero(np.isfinite(x).any(axis=0))
    defaults: dict[str, Any] = {"random_state": 0, "early_stopping": False}
    model = kind(monotonic_cst=[signs[k] for k in known], **{**defaults, **settings})
    model.fit(x[:, known], y, sample_weight=weight)
    trees = [_tree(predictor.nodes, known, unit) for (predictor,) in model._predictors]
    bias = float(np.ravel(model._baseline_prediction)[0]) * unit + sum(float(t.value[0]) for t in trees)
    return Forest(x.shape[1], bias, tuple(trees))


def _tree(nodes: npt.NDArray[Any], known: npt.NDArray[np.int64], unit: float) -> Tree:
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
        value=value * unit,
    )
