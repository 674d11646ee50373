"""Logistic regression with bounds on the slopes: the one search that both the additive model and calibration use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, require


def logistic_loss(
    parameters: FloatArray, columns: FloatArray, answer: FloatArray, weight: FloatArray, l2: float
) -> tuple[float, FloatArray]:
    """Logistic loss, summed, and its gradient; `parameters` is the offset followed by one slope a column.

    `columns` (n, p); `answer` in [0, 1] and `weight`, one a row. Half of `l2` times the squared slopes is added. The
    result is in nats.
    """
    from scipy.special import expit

    odds = parameters[0] + columns @ parameters[1:]
    loss = weight * (np.logaddexp(0.0, odds) - answer * odds)
    slope = weight * (expit(odds) - answer)
    gradient = np.concatenate((np.array([slope.sum()]), columns.T @ slope + l2 * parameters[1:]))
    return float(loss.sum() + 0.5 * l2 * (parameters[1:] ** 2).sum()), gradient


def fit_logistic(
    columns: FloatArray,
    answer: FloatArray,
    weight: FloatArray,
    *,
    l2: float,
    sign: npt.NDArray[np.int64],
    start: FloatArray,
) -> FloatArray:
    """Minimise the loss by L-BFGS-B. Slopes of sign +1 stay at least 0, of -1 at most 0, of 0 are free.

    Returns the offset followed by the slopes, in nats. Raises ValueError if the search does not converge.
    """
    from scipy.optimize import Bounds, minimize

    # per unit of weight, so that the stopping rule does not depend on how many rows there are
    scale = float(weight.sum())

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = logistic_loss(parameters, columns, answer, weight, l2)
        return value / scale, gradient / scale

    free = np.zeros(1, dtype=np.int64)
    signs = np.concatenate((free, sign))
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)),
        options={"maxiter": 5000, "maxfun": 100_000, "ftol": 1e-13, "gtol": 1e-8, "maxcor": 20},
    )
    reached = np.asarray(found.x, dtype=np.float64)
    # the search may stop short of its own tolerance, at the limit of rounding; what counts is that it stands level
    require(_slope_left(loss(reached)[1], reached, signs) < 1e-5, f"the fit did not converge: {found.message}")
    return reached


def _slope_left(gradient: FloatArray, at: FloatArray, signs: npt.NDArray[np.int64]) -> float:
    """The steepest slope that is left, apart from those that lead over a bound."""
    held = (signs != 0) & (at == 0) & (gradient * signs > 0)
    return float(np.abs(gradient[~held]).max(initial=0.0))
