"""How evenly something is spread within each group: over members, or over categories.

All functions take one row an account (or an account and category) with the group it belongs to, and return one
value for each group 0 .. n_groups - 1, nan where the group has too little to say.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, IntArray, as_index, as_values, count_by, rank_in_run, require, run_starts, sum_by


def coefficient_of_variation(values: npt.ArrayLike, group: npt.ArrayLike, n_groups: int) -> FloatArray:
    """Standard deviation over mean of each group's values (at least 0), without unit; 0 if all are equal.

    With the n - 1 form of the variance; nan for groups of fewer than two or of mean 0.
    """
    amount, groups = _amounts(values, group, n_groups)
    mean, variance = _moments(amount, groups, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mean > 0, np.sqrt(variance) / mean, np.nan)


def excess_variation(counts: npt.ArrayLike, group: npt.ArrayLike, n_groups: int) -> FloatArray:
    """As the coefficient of variation, less what counting alone makes: sqrt(max(0, variance - mean)) / mean.

    For counts of events. Accounts served in turn by one scheduler come near 0 (Poisson noise or less), people not.
    """
    amount, groups = _amounts(counts, group, n_groups)
    mean, variance = _moments(amount, groups, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mean > 0, np.sqrt(np.maximum(variance - mean, 0.0)) / mean, np.nan)


def gini(values: npt.ArrayLike, group: npt.ArrayLike, n_groups: int) -> FloatArray:
    """Gini index of each group's values (at least 0): 0 if all are equal, 1 - 1 / n if one has all.

    nan for groups that are empty or have nothing to share.
    """
    amount, groups = _amounts(values, group, n_groups)
    order = np.lexsort((amount, groups))
    starts = run_starts(groups[order])
    rank = rank_in_run(starts, order.size) + 1
    n = count_by(groups, n_groups)
    total = sum_by(groups, amount, n_groups)
    weighted = sum_by(groups[order], rank * amount[order], n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        index = 2.0 * weighted / (n * total) - (n + 1.0) / n
    # equal values may come out a rounding below 0
    return np.where(total > 0, np.maximum(index, 0.0), np.nan)


def entropy_bits(
    category: npt.ArrayLike, group: npt.ArrayLike, n_groups: int, *, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """Entropy in bits of each group's shares over categories. Rows of one category and group are added up.

    `weights` at least 0, one a row (1 by default). nan for groups without weight.
    """
    groups, share = _shares(category, group, n_groups, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        term = np.where(share > 0, -share * np.log2(share), 0.0)
    weighted = count_by(groups[share > 0], n_groups) > 0
    return np.where(weighted, np.maximum(sum_by(groups, term, n_groups), 0.0), np.nan)


def normalised_entropy(
    category: npt.ArrayLike,
    group: npt.ArrayLike,
    n_groups: int,
    *,
    n_categories: int,
    weights: npt.ArrayLike | None = None,
) -> FloatArray:
    """Entropy over its largest possible value, log2 of `n_categories` (at least 2): 0 one category, 1 all alike."""
    require(n_categories >= 2, "n_categories must be at least 2")
    as_index(category, "category", n_categories)
    entropy = entropy_bits(category, group, n_groups, weights=weights)
    return np.asarray(entropy / np.log2(n_categories), dtype=np.float64)


def largest_share(
    category: npt.ArrayLike, group: npt.ArrayLike, n_groups: int, *, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """Share of each group's weight that its most frequent category holds, in (0, 1]; nan without weight."""
    groups, share = _shares(category, group, n_groups, weights)
    best = np.full(n_groups, np.nan)
    held = share > 0
    np.fmax.at(best, groups[held], share[held])
    return best


def group_median(values: npt.ArrayLike, group: npt.ArrayLike, n_groups: int) -> FloatArray:
    """Median of each group's values; nan for empty groups."""
    amount, groups = as_values(values, "values"), as_index(group, "group", n_groups)
    require(amount.size == groups.size, "values and group must have the same length")
    order = np.lexsort((amount, groups))
    ordered = amount[order]
    n = count_by(groups, n_groups)
    first = np.cumsum(n) - n
    median = np.full(n_groups, np.nan)
    some = n > 0
    low, high = first[some] + (n[some] - 1) // 2, first[some] + n[some] // 2
    median[some] = (ordered[low] + ordered[high]) / 2.0
    return median


def _amounts(values: npt.ArrayLike, group: npt.ArrayLike, n_groups: int) -> tuple[FloatArray, IntArray]:
    amount, groups = as_values(values, "values"), as_index(group, "group", n_groups)
    require(amount.size == groups.size, "values and group must have the same length")
    require(bool((amount >= 0).all()), "values must be at least 0")
    return amount, groups


def _moments(amount: FloatArray, groups: IntArray, n_groups: int) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of each group; nan where there are too few."""
    n = count_by(groups, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sum_by(groups, amount, n_groups) / n
        squares = sum_by(groups, (amount - mean[groups]) ** 2, n_groups)
        variance = np.where(n > 1, squares / (n - 1.0), np.nan)
    return mean, variance


def _shares(
    category: npt.ArrayLike, group: npt.ArrayLike, n_groups: int, weights: npt.ArrayLike | None
) -> tuple[IntArray, FloatArray]:
    """One row a group and category: the group, and the category's share of its weight."""
    categories, groups = as_index(category, "category"), as_index(group, "group", n_groups)
    weight = np.ones(groups.size) if weights is None else as_values(weights, "weights")
    require(categories.size == groups.size == weight.size, "category, group and weights must have the same length")
    require(bool((weight >= 0).all()), "weights must be at least 0")
    order = np.lexsort((categories, groups))
    starts = run_starts(groups[order], categories[order])
    if starts.size == 0:
        return groups, weight
    summed = np.asarray(np.add.reduceat(weight[order], starts), dtype=np.float64)
    owner = groups[order][starts]
    total = sum_by(owner, summed, n_groups)[owner]
    return owner, np.divide(summed, total, out=np.zeros_like(summed), where=total > 0)
