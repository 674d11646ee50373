"""Likeness of clocks, where the answer is known: the hours of each account are drawn from a clock that is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from graphs.ties import Groups
from pipeline.measures.hours import Hours, measures

_DAYS = 28


def _hours(clocks: npt.NDArray[np.float64], *, a_day: float, seed: int = 0) -> Hours:
    """Accounts are active in an hour with a chance as their clock (rows of 24 that sum to one) has it."""
    dice = np.random.default_rng(seed)
    active = dice.random((len(clocks), 24 * _DAYS)) < np.tile(clocks * a_day, _DAYS)
    hour = np.arange(24 * _DAYS)
    platform = active.sum(axis=0).astype(np.float64)
    return Hours(sp.csr_array(active.astype(np.float32)), platform, (hour // 24 + 3) % 7, hour % 24)


def _clock(first: int, width: int) -> npt.NDArray[np.float64]:
    out = np.zeros(24)
    out[(first + np.arange(width)) % 24] = 1.0 / width
    return out


def _likeness(clocks: npt.NDArray[np.float64], *, a_day: float) -> list[float]:
    """Of a group of the first half of the accounts, and of one of the others."""
    n = len(clocks)
    groups = Groups.from_arrays([0] * (n // 2) + [1] * (n - n // 2), list(range(n)))
    found: list[float] = measures(_hours(clocks, a_day=a_day), groups)["same_clock"].tolist()
    return found


@pytest.mark.parametrize("a_day", [1.0, 4.0])
def test_accounts_that_keep_the_same_hours_are_alike_however_little_they_do(a_day: float) -> None:
    """Half work from 9 to 17, of the others each has eight hours of his own; with himself, two share a third."""
    own = [_clock(3 * i, 8) for i in range(24)]
    same, apart = _likeness(np.array([_clock(9, 8)] * 24 + own), a_day=a_day)
    assert same - apart == pytest.approx(1 - (24 / 3 - 1) / 23, abs=0.06)
    assert same > 0 > apart


def test_a_group_that_does_as_everybody_does_is_no_more_alike_than_that() -> None:
    """On a platform where all are up at the same hours, nothing follows from hours in common."""
    assert _likeness(np.array([_clock(8, 12)] * 40), a_day=3.0) == pytest.approx([0.0, 0.0], abs=0.03)


def test_flat_clocks_are_alike() -> None:
    """Who never sleeps keeps the hours of all others that never sleep."""
    flat, own = _likeness(np.array([_clock(0, 24)] * 24 + [_clock(5 * i, 6) for i in range(24)]), a_day=3.0)
    assert flat - own == pytest.approx(1 - (24 * 6 / 24 - 1) / 23, abs=0.06)


def test_what_too_few_do_is_not_said() -> None:
    """Fewer than three accounts with enough hours say nothing."""
    clocks = np.array([_clock(9, 8)] * 30)
    clocks[:13] = 0.0  # two are left of the first group
    found = _likeness(clocks, a_day=3.0)
    assert np.isnan(found[0]) and np.isfinite(found[1])
