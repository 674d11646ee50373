"""How well a grouping, a score or a naming agrees with the truth.

Groupings are arrays with one label an account; -1 means "in no group", and such accounts are groups of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import BoolArray, FloatArray, IntArray, as_values, count_by, require, run_lengths, run_starts, sum_by


@dataclass(frozen=True)
class Rates:
    """Precision, recall and their harmonic mean F1, each in [0, 1]; nan where nothing was counted."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Recovery:
    """How many true groups were found again: of `n_true`, `n_recovered` met a found group at the asked Jaccard."""

    n_true: int
    n_recovered: int
    best_jaccard: FloatArray

    @property
    def share(self) -> float:
        """Recovered share of the true groups; nan without any."""
        return self.n_recovered / self.n_true if self.n_true else float("nan")


@dataclass(frozen=True, eq=False)
class Reliability:
    """How far stated probabilities can be believed.

    One value a bin: mean `stated` probability, `observed` share that was true, rows `n`, true ones `n_true` (for
    `wilson_interval`). Over all rows: `expected_error`, the mean gap between stated and observed, by rows; `brier`,
    the mean squared error; `skill` against the base rate.
    """

    stated: FloatArray
    observed: FloatArray
    n: IntArray
    n_true: IntArray
    expected_error: float
    brier: float
    skill: float


def precision_recall(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> Rates:
    """Precision, recall and F1 of yes-no answers (two arrays of truth values of one length)."""
    yes, real = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    require(yes.shape == real.shape, "predicted and truth must have the same shape")
    return _rates(float((yes & real).sum()), float(yes.sum()), float(real.sum()))


def pairwise(
    predicted: npt.ArrayLike, truth: npt.ArrayLike, *, of_interest: npt.NDArray[np.bool_] | None = None
) -> Rates:
    """Precision and recall over pairs of accounts put into one group.

    With a mask `of_interest` only pairs with at least one account of interest count.
    """
    table = _Table.of(predicted, truth, of_interest)
    return _rates(table.pairs(table.joint), table.pairs(table.by_predicted), table.pairs(table.by_truth))


def b_cubed(
    predicted: npt.ArrayLike, truth: npt.ArrayLike, *, of_interest: npt.NDArray[np.bool_] | None = None
) -> Rates:
    """B-cubed precision and recall (Bagga and Baldwin 1998): the mean over accounts of interest (all by default).

    An account's precision is the share of its predicted group that is in its true group, its recall the share of its
    true group that is in its predicted group. Groups are whole: members that are not of interest count in them.
    """
    table = _Table.of(predicted, truth, of_interest)
    wanted = table.wanted
    if not wanted.any():
        return Rates(float("nan"), float("nan"), float("nan"))
    shared = table.size(table.joint)[wanted]
    precision = float((shared / table.size(table.by_predicted)[wanted]).mean())
    recall = float((shared / table.size(table.by_truth)[wanted]).mean())
    return Rates(precision, recall, _harmonic(precision, recall))


def adjusted_rand(
    predicted: npt.ArrayLike, truth: npt.ArrayLike, *, of_interest: npt.NDArray[np.bool_] | None = None
) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985); with `of_interest` over these accounts alone.

    1 for equal groupings, about 0 for unrelated ones, also 1 where both put all together or all apart.
    """
    found, real = _labels(predicted), _labels(truth)
    if of_interest is not None:
        found, real = found[of_interest], real[of_interest]
    table = _Table.of(found, real, None)
    n_pairs = found.size * (found.size - 1) / 2.0
    joint, a, b = (table.pairs(group) for group in (table.joint, table.by_predicted, table.by_truth))
    expected = a * b / n_pairs if n_pairs else 0.0
    largest = (a + b) / 2.0
    return 1.0 if largest == expected else (joint - expected) / (largest - expected)


def ring_recovery(
    predicted: npt.ArrayLike, truth: npt.ArrayLike, *, jaccard: float = 0.8, min_size: int = 1
) -> Recovery:
    """True groups of at least `min_size` that some found group meets with a Jaccard index of `jaccard` or more.

    `best_jaccard` has one value a true group, in the order of their labels.
    """
    found, real = _labels(predicted), _labels(truth)
    require(found.size == real.size, "predicted and truth must have the same length")
    names, sizes = np.unique(real[real >= 0], return_counts=True)
    wanted = names[sizes >= min_size]
    both = (found >= 0) & (real >= 0)
    pair, n_shared = np.unique(np.stack((real[both], found[both])), axis=1, return_counts=True)
    found_names, found_sizes = np.unique(found[found >= 0], return_counts=True)
    union = sizes[np.searchsorted(names, pair[0])] + found_sizes[np.searchsorted(found_names, pair[1])] - n_shared
    best = np.zeros(names.size)
    np.maximum.at(best, np.searchsorted(names, pair[0]), n_shared / union)
    kept = best[sizes >= min_size]
    return Recovery(n_true=int(wanted.size), n_recovered=int((kept >= jaccard).sum()), best_jaccard=kept)


def precision_at(scores: npt.ArrayLike, truth: npt.ArrayLike, k: int) -> float:
    """Share of true ones among the k highest scores; nan without any.

    Where equal scores reach over the k-th place, each of them counts with its share of the places left.
    """
    values, real = as_values(scores, "scores"), np.asarray(truth, dtype=bool)
    require(values.size == real.size, "scores and truth must have the same length")
    require(k >= 1, "k must be at least 1")
    if values.size == 0:
        return float("nan")
    k = min(k, values.size)
    edge = np.sort(values)[values.size - k]
    above, level = values > edge, values == edge
    places = k - above.sum()
    return float((real[above].sum() + places * real[level].mean()) / k)


def auc(scores: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Chance that a true one scores above a false one, equal scores counting half; nan if one kind is missing."""
    values, real = as_values(scores, "scores"), np.asarray(truth, dtype=bool)
    require(values.size == real.size, "scores and truth must have the same length")
    n_true, n_false = int(real.sum()), int((~real).sum())
    if n_true == 0 or n_false == 0:
        return float("nan")
    ascending = np.sort(values)
    rank = (np.searchsorted(ascending, values, "left") + np.searchsorted(ascending, values, "right") + 1) / 2.0
    return float((rank[real].sum() - n_true * (n_true + 1) / 2.0) / (n_true * n_false))


def wilson_interval(n_hits: int, n_trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a share (Wilson 1927): lower and upper bound in [0, 1]; (0, 1) without a trial."""
    require(0 <= n_hits <= n_trials, "n_hits must lie between 0 and n_trials")
    require(0 < level < 1, "level must lie in (0, 1)")
    if n_trials == 0:
        return 0.0, 1.0
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    share = n_hits / n_trials
    width = 1 + z * z / n_trials
    centre = (share + z * z / (2 * n_trials)) / width
    half = z * np.sqrt(share * (1 - share) / n_trials + z * z / (4 * n_trials * n_trials)) / width
    # at the ends the bound is exact, whatever rounding says
    low = 0.0 if n_hits == 0 else max(0.0, float(centre - half))
    high = 1.0 if n_hits == n_trials else min(1.0, float(centre + half))
    return low, high


def reliability(probability: npt.ArrayLike, truth: npt.ArrayLike, *, n_bins: int = 10) -> Reliability:
    """Compare stated probabilities with what was true, in bins of (almost) equally many.

    Rows are taken in the order of probability; equal probabilities stay in one bin, so there may be fewer bins. The
    skill is 1 - Brier / Brier of always stating the base rate; nan where all or none is true.
    """
    stated, real = as_values(probability, "probability"), np.asarray(truth, dtype=bool)
    require(stated.size == real.size, "probability and truth must have the same length")
    require(bool(((stated >= 0) & (stated <= 1)).all()), "probability must lie in [0, 1]")
    require(n_bins >= 1, "n_bins must be at least 1")
    if stated.size == 0:
        none = np.zeros(0)
        return Reliability(none, none, none.astype(np.int64), none.astype(np.int64), *[float("nan")] * 3)
    ascending = np.sort(stated)
    # the bin of a probability is that of its first row
    number = np.searchsorted(ascending, stated, side="left") * n_bins // stated.size
    bins, where = np.unique(number, return_inverse=True)
    n = count_by(where, bins.size)
    mean_stated = sum_by(where, stated, bins.size) / n
    n_true = count_by(where[real], bins.size)
    observed = n_true / n
    error = float((n * np.abs(mean_stated - observed)).sum() / stated.size)
    brier = float(((stated - real) ** 2).mean())
    base = float(real.mean() * (1.0 - real.mean()))
    skill = 1.0 - brier / base if base > 0 else float("nan")
    return Reliability(mean_stated, observed, n, n_true, error, brier, skill)


def _rates(n_both: float, n_predicted: float, n_true: float) -> Rates:
    precision = n_both / n_predicted if n_predicted else float("nan")
    recall = n_both / n_true if n_true else float("nan")
    return Rates(precision, recall, _harmonic(precision, recall))


def _harmonic(precision: float, recall: float) -> float:
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _labels(values: npt.ArrayLike) -> IntArray:
    labels = np.asarray(values)
    require(labels.ndim == 1, "labels must be one-dimensional")
    require(labels.size == 0 or bool(np.issubdtype(labels.dtype, np.integer)), "labels must be integers")
    return labels.astype(np.int64)


def _alone_apart(labels: IntArray) -> IntArray:
    """Number groups from 0, and give each account without a group a number of its own."""
    groups = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    alone = labels < 0
    groups[alone] = labels.size + np.arange(int(alone.sum()))
    return groups


@dataclass(frozen=True, eq=False)
class _Table:
    """Two groupings of the same accounts, and their crossing, as labels."""

    by_predicted: IntArray
    by_truth: IntArray
    joint: IntArray
    wanted: BoolArray

    @classmethod
    def of(cls, predicted: npt.ArrayLike, truth: npt.ArrayLike, of_interest: BoolArray | None) -> _Table:
        found, real = _alone_apart(_labels(predicted)), _alone_apart(_labels(truth))
        require(found.size == real.size, "predicted and truth must have the same length")
        wanted = np.ones(found.size, dtype=bool) if of_interest is None else np.asarray(of_interest, dtype=bool)
        require(wanted.shape == found.shape, "of_interest must have one truth value an account")
        order = np.lexsort((real, found))
        starts = run_starts(found[order], real[order])
        joint = np.empty(found.size, dtype=np.int64)
        joint[order] = np.repeat(np.arange(starts.size), run_lengths(starts, order.size))
        return cls(found, real, joint, wanted)

    def size(self, groups: IntArray) -> IntArray:
        """For each account the size of its group."""
        _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
        return count[place].astype(np.int64)

    def pairs(self, groups: IntArray) -> float:
        """Number of pairs within groups, at least one of the two of interest."""
        _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
        others = count - np.bincount(place, weights=self.wanted)
        return float((count * (count - 1.0) - others * (others - 1.0)).sum() / 2.0)
