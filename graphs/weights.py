"""How much a shared entity proves, in bits: the base-2 logarithm of a likelihood ratio.

The ratio is m / u. m is the chance that two accounts of one operator share an entity of this type; u is the chance
that an account picked from the rest of the platform has this very entity. The form is that of Fellegi and Sunter
(Journal of the American Statistical Association 64, 1969), with u taken from the frequency of the value itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, IntArray, as_index, as_values, rank_in_run, require, run_starts, sum_by


def rate_bits(rate: npt.ArrayLike, *, match_probability: npt.ArrayLike, cap: npt.ArrayLike = np.inf) -> FloatArray:
    """Bits of sharing an entity that a stranger has with probability `rate`.

    `rate` in (0, 1]; `match_probability` (m) in (0, 1], one or one a row; `cap` in bits, one or one a row: no single
    entity may prove more. The result may be negative, where strangers share the entity more often than m.
    """
    chance = np.asarray(rate, dtype=np.float64)
    match = np.asarray(match_probability, dtype=np.float64)
    require(bool(((chance > 0) & (chance <= 1)).all()), "rate must lie in (0, 1]")
    require(bool(((match > 0) & (match <= 1)).all()), "match_probability must lie in (0, 1]")
    return np.asarray(np.minimum(np.log2(match) - np.log2(chance), cap), dtype=np.float64)


def sharing_bits(
    n_sharing: npt.ArrayLike,
    n_population: int,
    *,
    match_probability: npt.ArrayLike,
    cap: npt.ArrayLike = np.inf,
) -> FloatArray:
    """Bits of sharing an entity that `n_sharing` accounts of a population have, seen from one of these accounts.

    u is the share of the *other* accounts that have it, with half an account added: (n_sharing - 1/2) / n_population.
    An entity that one account alone has would prove most, were it shared; it never is.
    """
    spread = as_values(n_sharing, "n_sharing")
    require(n_population >= 1, "n_population must be at least 1")
    require(bool(((spread >= 1) & (spread <= n_population)).all()), "n_sharing must lie between 1 and n_population")
    return rate_bits((spread - 0.5) / n_population, match_probability=match_probability, cap=cap)


def leave_group_out(
    n_total: npt.ArrayLike, n_in_group: npt.ArrayLike, population: int, group_size: npt.ArrayLike
) -> FloatArray:
    """Share of the accounts outside a group that have an entity, with half an account added to both answers.

    A group must not make its own entity common, so its members count neither above nor below the line:
    (n_total - n_in_group + 1/2) / (population - group_size + 1). Shapes are broadcast; the result lies in (0, 1).
    """
    total, inside, size = (np.asarray(value, dtype=np.float64) for value in (n_total, n_in_group, group_size))
    require(bool(((inside >= 0) & (inside <= total)).all()), "n_in_group must lie between 0 and n_total")
    fits = (inside <= size) & (size <= population)
    require(bool(fits.all()), "group_size must lie between n_in_group and population")
    fits = total - inside <= population - size
    require(bool(fits.all()), "n_total must leave no more accounts outside the group than the population has")
    return np.asarray((total - inside + 0.5) / (population - size + 1.0), dtype=np.float64)


def group_bits(
    n_in_group: npt.ArrayLike,
    group_size: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    match_probability: npt.ArrayLike,
) -> FloatArray:
    """Bits of k members out of n having an entity that one of them was met with.

    Compares two binomial laws over the n - 1 other members: each has it with probability m, or with the outside
    `rate`. Members without the entity count against the group. Shapes are broadcast; not capped.
    """
    inside, size, chance, match = (
        np.asarray(value, dtype=np.float64) for value in (n_in_group, group_size, rate, match_probability)
    )
    require(bool(((inside >= 1) & (inside <= size)).all()), "n_in_group must lie between 1 and group_size")
    require(bool(((chance > 0) & (chance < 1)).all()), "rate must lie in (0, 1)")
    require(bool(((match > 0) & (match < 1)).all()), "match_probability must lie in (0, 1)")
    with_it = np.log2(match) - np.log2(chance)
    without_it = np.log1p(-match) / np.log(2) - np.log1p(-chance) / np.log(2)
    return np.asarray((inside - 1) * with_it + (size - inside) * without_it, dtype=np.float64)


def family_maximum(bits: npt.ArrayLike, group: npt.ArrayLike, family: npt.ArrayLike) -> FloatArray:
    """What of each row's bits counts after the maximum within its (group, family).

    The largest row keeps its bits, the others get 0: lines of one family say the same thing again. Of equal rows the
    first carries. Returns an array of the shape of `bits`; its sum over a group is the sum over families of maxima.
    """
    counted = np.zeros(np.asarray(bits).size)
    rows = family_carriers(bits, group, family)
    counted[rows] = np.asarray(bits, dtype=np.float64)[rows]
    return counted


def family_carriers(bits: npt.ArrayLike, group: npt.ArrayLike, family: npt.ArrayLike) -> IntArray:
    """Row numbers, ascending, of the largest row of each (group, family); of equal rows the first."""
    weights = as_values(bits, "bits")
    groups, families = as_index(group, "group"), as_index(family, "family")
    require(groups.size == families.size == weights.size, "bits, group and family must have the same length")
    order = np.lexsort((-weights, families, groups))
    starts = run_starts(groups[order], families[order])
    return np.sort(order[starts])


def damped_sum(bits: npt.ArrayLike, group: npt.ArrayLike, n_groups: int, *, damping: float) -> FloatArray:
    """Sum of bits by group in which the k-th largest row (from 0) counts damping ** k.

    0 gives the maximum, 1 the plain sum. Returns one value a group, 0 for empty groups. `bits` at least 0.
    """
    weights, groups = as_values(bits, "bits"), as_index(group, "group", n_groups)
    require(groups.size == weights.size, "bits and group must have the same length")
    require(0.0 <= damping <= 1.0, "damping must lie in [0, 1]")
    require(bool((weights >= 0).all()), "bits must be at least 0")
    order = np.lexsort((-weights, groups))
    starts = run_starts(groups[order])
    factor = np.power(damping, rank_in_run(starts, order.size))
    return sum_by(groups[order], weights[order] * factor, n_groups)


def decay(age_days: npt.ArrayLike, *, half_life_days: float) -> FloatArray:
    """Factor in (0, 1] by which evidence of a given age has faded; 1/2 after `half_life_days`. Ages at least 0."""
    age = np.asarray(age_days, dtype=np.float64)
    require(half_life_days > 0, "half_life_days must be above 0")
    require(bool((age >= 0).all()), "age_days must be at least 0")
    return np.asarray(np.exp2(-age / half_life_days), dtype=np.float64)
