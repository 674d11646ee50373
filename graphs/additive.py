"""An additive, monotone model of log odds: each measure adds bits by a shape of its own, and the bits add up.

A shape is a broken line over the knots of its measure: it changes between two knots and is level outside. With sign
+1 it never falls, with -1 it never rises. Shapes are centred, so that the average known value adds 0 bits, and a
missing value (nan) adds 0 as well: not to know is to stay at the average. The fit is logistic regression on the
steps of the lines, by L-BFGS-B with bounds, and has one solution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, as_values, require
from graphs.logistic import fit_logistic

_BITS = 1.0 / np.log(2.0)


@dataclass(frozen=True, eq=False)
class Shape:
    """One measure's line: `knots`, strictly ascending (two or more), and the bits at each.

    `sign` is +1 (never falls), -1 (never rises) or 0 (free).
    """

    sign: int
    knots: FloatArray
    bits: FloatArray

    def __post_init__(self) -> None:
        require(self.sign in (-1, 0, 1), f"sign must be -1, 0 or 1, found {self.sign}")
        knots = as_values(self.knots, "knots")
        bits = as_values(self.bits, "bits", knots.size)
        require(knots.size >= 2 and bool((np.diff(knots) > 0).all()), "knots must be two or more, strictly ascending")
        steps = np.diff(bits) * self.sign
        # centring costs an ulp or two
        require(bool((steps >= -1e-9).all()), "bits must not go against the sign")
        object.__setattr__(self, "knots", knots)
        object.__setattr__(self, "bits", bits)

    def __call__(self, values: npt.ArrayLike) -> FloatArray:
        """Bits of each value; 0 where it is missing (nan). Infinite values count as the outermost knot."""
        given = np.asarray(values, dtype=np.float64)
        missing = np.isnan(given)
        read = np.interp(np.where(missing, self.knots[0], given), self.knots, self.bits)
        return np.where(missing, 0.0, read)


@dataclass(frozen=True, eq=False)
class AdditiveModel:
    """A score in bits: `bias` plus, for each measure, the bits of its shape.

    The score is the base-2 logarithm of the odds; `probability` turns it into a share.
    """

    bias: float
    shapes: tuple[Shape, ...]

    def parts(self, x: npt.ArrayLike) -> FloatArray:
        """Bits by row and measure, shape (n, p); `x` has shape (n, p), nan where unknown."""
        rows = _rows(x)
        require(rows.shape[1] == len(self.shapes), f"x must have {len(self.shapes)} columns, found {rows.shape[1]}")
        parts = np.empty_like(rows)
        for column, shape in enumerate(self.shapes):
            parts[:, column] = shape(rows[:, column])
        return parts

    def score_bits(self, x: npt.ArrayLike) -> FloatArray:
        """The score of each row in bits: the bias plus its parts, added in the order of measures."""
        return total_bits(self.bias, self.parts(x))

    def probability(self, x: npt.ArrayLike) -> FloatArray:
        """The chance that the model gives each row, before any calibration."""
        return bits_to_probability(self.score_bits(x))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, for a settings or model file; `from_dict` gives back the same model, bit by bit."""
        shapes = [{"sign": s.sign, "knots": s.knots.tolist(), "bits": s.bits.tolist()} for s in self.shapes]
        return {"bias": self.bias, "shapes": shapes}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> AdditiveModel:
        """Read what `to_dict` wrote. Raises ValueError or KeyError if it is not such a thing."""
        shapes = [Shape(int(s["sign"]), np.array(s["knots"]), np.array(s["bits"])) for s in given["shapes"]]
        return cls(bias=float(given["bias"]), shapes=tuple(shapes))


def total_bits(bias: float, parts: npt.NDArray[np.float64]) -> FloatArray:
    """Bias plus parts, added column by column from the left, so that the sum is the same to the last digit."""
    total = np.full(parts.shape[0], bias)
    for column in range(parts.shape[1]):
        total += parts[:, column]
    return total


def bits_to_probability(bits: npt.ArrayLike) -> FloatArray:
    """The share that belongs to log odds in bits: 1 / (1 + 2 ** -bits), without overflow."""
    from scipy.special import expit

    return np.asarray(expit(np.asarray(bits, dtype=np.float64) / _BITS), dtype=np.float64)


def probability_to_bits(probability: npt.ArrayLike) -> FloatArray:
    """Log odds in bits of a share strictly between 0 and 1."""
    share = np.asarray(probability, dtype=np.float64)
    require(bool(((share > 0) & (share < 1)).all()), "probability must lie between 0 and 1")
    return np.asarray(np.log2(share) - np.log1p(-share) * _BITS, dtype=np.float64)


def quantile_knots(x: npt.ArrayLike, n_knots: int) -> list[FloatArray]:
    """Knots for each measure at equally spaced quantiles of its known values, doubled ones once.

    A measure with fewer than two different known values gets the knots 0 and 1 (its line will stay level).
    """
    require(n_knots >= 2, "n_knots must be at least 2")
    knots = []
    for column in _rows(x).T:
        known = column[np.isfinite(column)]
        at = np.quantile(known, np.linspace(0, 1, n_knots)) if known.size else np.zeros(0)
        different = np.unique(at)
        knots.append(different if different.size >= 2 else np.array([0.0, 1.0]))
    return knots


def fit_additive(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    signs: Sequence[int],
    knots: int | Sequence[npt.ArrayLike] = 6,
    l2: float = 1.0,
    sample_weight: npt.ArrayLike | None = None,
) -> AdditiveModel:
    """Fit the model to rows `x` (n, p), nan where unknown, and answers `y` (0 or 1).

    `signs`: one a measure, in {-1, 0, +1}. `knots`: how many, at quantiles, or for each measure where. `l2` at least
    0: half of it times the squared steps (in natural units of log odds) is added to the summed loss, and pulls
    shapes towards level. `sample_weight` at least 0, one a row. Raises ValueError if a kind of answer is missing or
    the search does not converge.
    """
    rows = _rows(x)
    answer = as_values(y, "y", rows.shape[0])
    weight = np.ones(answer.size) if sample_weight is None else as_values(sample_weight, "sample_weight", answer.size)
    require(bool(np.isin(answer, (0.0, 1.0)).all()), "y must be 0 or 1")
    require(bool((weight >= 0).all()) and l2 >= 0, "sample_weight and l2 must be at least 0")
    require(len(signs) == rows.shape[1], f"signs must have length {rows.shape[1]}, found {len(signs)}")
    n_true, n_all = float((weight * answer).sum()), float(weight.sum())
    require(0 < n_true < n_all, "both answers must occur")
    places = quantile_knots(rows, knots) if isinstance(knots, int) else [as_values(k, "knots") for k in knots]
    require(len(places) == rows.shape[1], f"knots must have length {rows.shape[1]}, found {len(places)}")
    for sign, place in zip(signs, places, strict=True):
        Shape(int(sign), place, np.zeros(place.size))  # refuses wrong signs and knots before anything is computed
    columns = [_steps(column, place, weight) for column, place in zip(rows.T, places, strict=True)]
    steps = np.concatenate([design for design, _ in columns], axis=1)
    column_sign = np.repeat(np.asarray(signs, dtype=np.int64), [design.shape[1] for design, _ in columns])
    start = np.zeros(steps.shape[1] + 1)
    start[0] = np.log(n_true / (n_all - n_true))
    found = fit_logistic(steps, answer, weight, l2=l2, sign=column_sign, start=start)
    shapes, first = [], 1
    for sign, place, (design, centre) in zip(signs, places, columns, strict=True):
        step = found[first : first + design.shape[1]]
        first += design.shape[1]
        heights = np.concatenate((np.zeros(1), np.cumsum(step))) - float(centre @ step)
        shapes.append(Shape(int(sign), place, heights * _BITS))
    return AdditiveModel(bias=float(found[0]) * _BITS, shapes=tuple(shapes))


def _rows(x: npt.ArrayLike) -> FloatArray:
    rows = np.asarray(x, dtype=np.float64)
    require(rows.ndim == 2, f"x must have two dimensions, found {rows.ndim}")
    return rows


def _steps(column: FloatArray, knots: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far each value has climbed each step between two knots, 0 to 1, less the mean of the known; nan gives 0."""
    known = ~np.isnan(column)
    climbed = np.clip((np.where(known, column, knots[0])[:, None] - knots[:-1]) / np.diff(knots), 0.0, 1.0)
    counted = np.where(known, weight, 0.0)
    mass = float(counted.sum())
    centre = (counted[:, None] * climbed).sum(axis=0) / mass if mass else np.zeros(knots.size - 1)
    return np.where(known[:, None], climbed - centre, 0.0), centre
