"""From scores to probabilities that keep their word: Platt's, beta and isotonic calibration.

All are monotone. Platt's line needs least data, the isotonic staircase most. Reliability is measured in
`graphs.agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.additive import bits_to_probability, probability_to_bits
from graphs.arrays import FloatArray, as_values, require, run_lengths, run_starts, sum_by
from graphs.logistic import fit_logistic


@dataclass(frozen=True)
class Platt:
    """probability = logistic(slope * bits + offset), both sides in bits; slope at least 0 (Platt 1999)."""

    slope: float
    offset: float

    def __call__(self, bits: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of each score in bits."""
        return bits_to_probability(self.slope * np.asarray(bits, dtype=np.float64) + self.offset)


@dataclass(frozen=True)
class Beta:
    """Calibration of probabilities by three numbers (Kull, Silva Filho and Flach 2017).

    log odds (bits) = a * log2(p) - b * log2(1 - p) + offset, with a and b at least 0. Unlike Platt's line it can be
    steep at one end and level at the other.
    """

    a: float
    b: float
    offset: float

    def __call__(self, probability: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of each probability (taken between 1e-9 and 1 - 1e-9)."""
        share = _inner(probability)
        return bits_to_probability(self.a * np.log2(share) - self.b * np.log2(1.0 - share) + self.offset)


@dataclass(frozen=True, eq=False)
class Isotonic:
    """A broken line through (score, probability), both ascending; level outside."""

    scores: FloatArray
    probabilities: FloatArray

    def __call__(self, scores: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of each score."""
        read = np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)
        return np.asarray(read, dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for a model file."""
        return {"scores": self.scores.tolist(), "probabilities": self.probabilities.tolist()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Isotonic:
        """Read what `to_dict` wrote."""
        return cls(as_values(given["scores"], "scores"), as_values(given["probabilities"], "probabilities"))


def pool_adjacent_violators(values: npt.ArrayLike, weights: npt.ArrayLike) -> FloatArray:
    """The ascending sequence nearest to `values` in weighted least squares (Ayer and others 1955).

    Neighbours that fall are pooled to their weighted mean. Weights above 0. Linear time.
    """
    given = as_values(values, "values")
    weight = as_values(weights, "weights", given.size)
    require(bool((weight > 0).all()), "weights must be above 0")
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, mass in zip(given.tolist(), weight.tolist(), strict=True):
        mean, count = value, 1
        while means and means[-1] >= mean:
            mean = (means[-1] * masses[-1] + mean * mass) / (masses[-1] + mass)
            mass += masses.pop()
            count += counts.pop()
            means.pop()
        means.append(mean)
        masses.append(mass)
        counts.append(count)
    return np.repeat(np.array(means, dtype=np.float64), np.array(counts, dtype=np.int64))


def fit_isotonic(scores: npt.ArrayLike, y: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Isotonic:
    """Fit an ascending line to answers `y` (0 or 1). Equal scores share one value; needs at least one row."""
    given, answer, weight = _answers(scores, y, sample_weight)
    order = np.argsort(given, kind="stable")
    starts = run_starts(given[order])
    block = np.repeat(np.arange(starts.size), run_lengths(starts, order.size))
    mass = sum_by(block, weight[order], starts.size)
    mean = sum_by(block, (weight * answer)[order], starts.size) / mass
    line = pool_adjacent_violators(mean, mass)
    at = given[order][starts]
    # a level stretch needs only its two ends
    inner = np.zeros(line.size, dtype=bool)
    inner[1:-1] = (line[1:-1] == line[:-2]) & (line[1:-1] == line[2:])
    return Isotonic(at[~inner], line[~inner])


def fit_platt(bits: npt.ArrayLike, y: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Platt:
    """Fit slope and offset to answers `y`, which are drawn in a little as Platt does, so that the fit is finite."""
    given, answer, weight = _answers(bits, y, sample_weight)
    found = _fit_line(given[:, None], _drawn_in(answer, weight), weight)
    return Platt(slope=float(found[1]), offset=float(found[0] / np.log(2.0)))


def fit_beta(probability: npt.ArrayLike, y: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Beta:
    """Fit beta calibration to answers `y`, drawn in as for Platt's line."""
    given, answer, weight = _answers(probability, y, sample_weight)
    share = _inner(given)
    columns = np.stack((np.log2(share), -np.log2(1.0 - share)), axis=1)
    found = _fit_line(columns, _drawn_in(answer, weight), weight)
    return Beta(a=float(found[1]), b=float(found[2]), offset=float(found[0] / np.log(2.0)))


def shift_prior(probability: npt.ArrayLike, *, from_rate: float, to_rate: float) -> FloatArray:
    """Probabilities fitted where a share `from_rate` was true, moved to where `to_rate` is (both in (0, 1)).

    Right if the two places differ in nothing but the rate.
    """
    require(0 < from_rate < 1 and 0 < to_rate < 1, "rates must lie in (0, 1)")
    step = probability_to_bits(to_rate) - probability_to_bits(from_rate)
    return bits_to_probability(probability_to_bits(_inner(probability)) + step)


def _fit_line(columns: FloatArray, answer: FloatArray, weight: FloatArray) -> FloatArray:
    """Offset and slopes (at least 0) of a logistic line; columns in bits, offset in natural units."""
    start = np.concatenate((np.zeros(1), np.ones(columns.shape[1])))
    sign = np.ones(columns.shape[1], dtype=np.int64)
    return fit_logistic(columns * np.log(2.0), answer, weight, l2=0.0, sign=sign, start=start)


def _drawn_in(answer: FloatArray, weight: FloatArray) -> FloatArray:
    n_true = float((weight * answer).sum())
    n_false = float(weight.sum()) - n_true
    return np.where(answer == 1.0, (n_true + 1.0) / (n_true + 2.0), 1.0 / (n_false + 2.0))


def _inner(probability: npt.ArrayLike) -> FloatArray:
    return np.clip(np.asarray(probability, dtype=np.float64), 1e-9, 1.0 - 1e-9)


def _answers(
    scores: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    given = as_values(scores, "scores")
    answer = as_values(y, "y", given.size)
    weight = np.ones(given.size) if sample_weight is None else as_values(sample_weight, "sample_weight", given.size)
    require(given.size > 0, "at least one row is needed")
    require(bool(np.isin(answer, (0.0, 1.0)).all()), "y must be 0 or 1")
    require(bool((weight > 0).all()), "sample_weight must be above 0")
    return given, answer, weight
