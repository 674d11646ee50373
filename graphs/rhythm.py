"""When the members of a group are active: together, round the clock, at weekends, from one day on.

Time comes as whole numbers of bins (hours, say) from the start of a window. Groups are 0 .. n_groups - 1; every
function returns one value a group, nan where the group has too little to say.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, IntArray, as_index, as_values, count_by, require, run_lengths, run_starts, sum_by
from graphs.spread import entropy_bits

_CELLS_AT_ONCE = 4_000_000


def hour_flatness(
    hour_of_day: npt.ArrayLike, group: npt.ArrayLike, n_groups: int, *, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """Share of the day that a group effectively uses: 2 to the entropy (bits) of its hours of day, over 24.

    1 if all 24 hours are alike, 1/24 if one hour has all. `weights`: events a row, 1 by default.
    """
    hours = as_index(hour_of_day, "hour_of_day", 24)
    return np.asarray(np.exp2(entropy_bits(hours, group, n_groups, weights=weights)) / 24.0, dtype=np.float64)


def weekend_ratio(
    is_weekend: npt.NDArray[np.bool_],
    group: npt.ArrayLike,
    n_groups: int,
    *,
    weekend_share: float,
    weights: npt.ArrayLike | None = None,
) -> FloatArray:
    """Events an hour at weekends over events an hour on other days, half an event added to both.

    1 for a machine, well below for an office. `weekend_share` in (0, 1): the share of the window that is weekend.
    nan for groups without events.
    """
    groups = as_index(group, "group", n_groups)
    weekend = np.asarray(is_weekend, dtype=bool)
    weight = np.ones(groups.size) if weights is None else as_values(weights, "weights", groups.size)
    require(weekend.size == groups.size, "is_weekend and group must have the same length")
    require(0.0 < weekend_share < 1.0, "weekend_share must lie in (0, 1)")
    at_weekend = sum_by(groups[weekend], weight[weekend], n_groups)
    on_other_days = sum_by(groups[~weekend], weight[~weekend], n_groups)
    ratio = ((at_weekend + 0.5) / weekend_share) / ((on_other_days + 0.5) / (1.0 - weekend_share))
    return np.where(at_weekend + on_other_days > 0, ratio, np.nan)


def synchrony(
    member: npt.ArrayLike,
    time_bin: npt.ArrayLike,
    member_group: npt.ArrayLike,
    n_groups: int,
    *,
    n_bins: int,
    baseline: npt.ArrayLike | None = None,
) -> FloatArray:
    """Mean correlation between members of being active in the same bins, beyond the common rhythm.

    `member`, `time_bin`: one row an active bin of a member (doubled rows count once); `member_group`: the group of
    each member. A member active in k bins is expected in bin t with chance k * baseline[t]; what counts is the
    departure from that, over its standard deviation. `baseline` (n_bins values, normed to sum 1) is the rhythm that
    everybody has, level by default: then the measure is the mean Pearson correlation of the members' 0-1 series.
    Near 0 if members are active independently, 1 if always together, below 0 (at least -1 / (n - 1)) if in turn.
    nan for groups with fewer than two active members. Members who are always active, or never, are passed over.
    """
    members, bins, groups, rhythm = _activity(member, time_bin, member_group, n_groups, n_bins, baseline)
    active = count_by(members, groups.size).astype(np.float64)
    chance = _spread_of_chance(active, rhythm)
    usable = chance > 1e-12
    scale = np.where(usable, 1.0 / np.sqrt(np.where(usable, chance, 1.0)), 0.0)
    # squared length of each member's departures, in units of its standard deviation
    own = active - 2.0 * active * sum_by(members, rhythm[bins], groups.size) + active**2 * float((rhythm**2).sum())
    own_sum = sum_by(groups, own * scale**2, n_groups)
    expected = sum_by(groups, active * scale, n_groups)
    n = count_by(groups[usable], n_groups)
    length = np.zeros(n_groups)
    for low, high, cell_sum in _by_blocks(groups[members], bins, scale[members], n_groups, n_bins):
        departure = cell_sum - expected[low:high, None] * rhythm[None, :]
        length[low:high] = (departure**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n >= 2, (length - own_sum) / (n * (n - 1.0)), np.nan)


def quiet_excess(
    member: npt.ArrayLike,
    time_bin: npt.ArrayLike,
    member_group: npt.ArrayLike,
    n_groups: int,
    *,
    n_bins: int,
    baseline: npt.ArrayLike | None = None,
) -> FloatArray:
    """Share of bins in which no member is active, less the share expected if members were independent.

    Between -1 and 1; well above 0 for groups that fall silent together, as when one machine behind them stops.
    Expected is the mean over bins of the product of (1 - k * baseline[t]). nan for groups without activity.
    """
    members, bins, groups, rhythm = _activity(member, time_bin, member_group, n_groups, n_bins, baseline)
    active = count_by(members, groups.size).astype(np.float64)
    quiet, expected = np.full(n_groups, np.nan), np.zeros(n_groups)
    for low, high, count in _by_blocks(groups[members], bins, np.ones(members.size), n_groups, n_bins):
        quiet[low:high] = (count == 0).mean(axis=1)
    some = np.flatnonzero(active > 0)
    some = some[np.argsort(groups[some], kind="stable")]
    starts = run_starts(groups[some])
    for start, length in zip(starts, run_lengths(starts, some.size), strict=True):
        rows = some[start : start + length]
        expected[groups[rows[0]]] = _expected_quiet(active[rows], rhythm)
    known = count_by(groups[some], n_groups) > 0
    return np.where(known, quiet - expected, np.nan)


def start_burst(start: npt.ArrayLike, group: npt.ArrayLike, n_groups: int, *, window: float) -> FloatArray:
    """Largest share of a group's starts that fall within one window of time, ends included.

    `start`: one a member, any unit; `window` at least 0, in the same. 1 / n at least, 1 if all started together.
    """
    starts, groups = as_values(start, "start"), as_index(group, "group", n_groups)
    require(starts.size == groups.size, "start and group must have the same length")
    require(window >= 0, "window must be at least 0")
    order = np.lexsort((starts, groups))
    time, owner = starts[order], groups[order]
    best = np.zeros(n_groups)
    if time.size:
        # groups laid out one after the other, further apart than any window reaches
        stride = float(time.max() - time.min()) + window + 1.0
        laid_out = (time - time.min()) + owner * stride
        until = np.searchsorted(laid_out, laid_out + window, side="right")
        np.maximum.at(best, owner, until - np.arange(time.size, dtype=np.float64))
    n = count_by(groups, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 0, best / n, np.nan)


def _activity(
    member: npt.ArrayLike,
    time_bin: npt.ArrayLike,
    member_group: npt.ArrayLike,
    n_groups: int,
    n_bins: int,
    baseline: npt.ArrayLike | None,
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Checked rows, each once, the group of each member, and the rhythm as shares that sum to 1."""
    groups = as_index(member_group, "member_group", n_groups)
    members, bins = as_index(member, "member", groups.size), as_index(time_bin, "time_bin", n_bins)
    require(members.size == bins.size, "member and time_bin must have the same length")
    rhythm = np.full(n_bins, 1.0 / n_bins) if baseline is None else as_values(baseline, "baseline", n_bins)
    require(bool((rhythm >= 0).all()) and float(rhythm.sum()) > 0, "baseline must be at least 0, and not all 0")
    order = np.lexsort((bins, members))
    once = order[run_starts(members[order], bins[order])]
    return members[once], bins[once], groups, rhythm / rhythm.sum()


def _spread_of_chance(active: FloatArray, rhythm: FloatArray) -> FloatArray:
    """Sum over bins of p (1 - p) with p = active * rhythm: the variance of each member's series."""
    return np.asarray(active - active**2 * float((rhythm**2).sum()), dtype=np.float64)


def _expected_quiet(active: FloatArray, rhythm: FloatArray) -> float:
    """Mean over bins of the chance that none of some independent members is active."""
    # members with equally many active bins have equal chances
    times, n_members = np.unique(active, return_counts=True)
    chance = np.minimum(times[:, None] * rhythm[None, :], 1.0)
    return float(np.prod((1.0 - chance) ** n_members[:, None], axis=0).mean())


def _by_blocks(
    group: IntArray, bins: IntArray, values: FloatArray, n_groups: int, n_bins: int
) -> Iterator[tuple[int, int, FloatArray]]:
    """Sums of values by group and bin, a block of groups at a time: first group, one past the last, (groups, bins)."""
    at_once = max(1, _CELLS_AT_ONCE // n_bins)
    order = np.argsort(group, kind="stable")
    for low in range(0, n_groups, at_once):
        high = min(low + at_once, n_groups)
        first, last = np.searchsorted(group[order], (low, high))
        rows = order[first:last]
        cell = (group[rows] - low) * n_bins + bins[rows]
        yield low, high, sum_by(cell, values[rows], (high - low) * n_bins).reshape(high - low, n_bins)
