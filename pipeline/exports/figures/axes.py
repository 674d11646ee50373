"""Scales and axes in millimetres: where a value lies, which ticks are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.style import AXIS, GRID


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to millimetres."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return self.start
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(high: float, wanted: int = 3, low: float = 0.0) -> list[float]:
    """Round ticks from `low` to at most just below or at `high`; the last one bounds the axis."""
    span = max(high - low, 1e-12)
    raw = span / wanted
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * m for m in (1, 2, 2.5, 5, 10) if base * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9) * step
    found = []
    at = first
    while at <= high + 1e-9 * span:
        found.append(round(at, 10))
        at += step
    return found


def top(high: float, wanted: int = 3) -> float:
    """The first round tick at or above `high`: the end of an axis from zero."""
    if high <= 0:
        return 1.0
    step = ticks(high, wanted)[1] if len(ticks(high, wanted)) > 1 else high
    return math.ceil(high / step - 1e-9) * step


def rules(
    paper: Paper, scale: Scale, values: Sequence[float], left: float, right: float, write: Callable[[float], str]
) -> None:
    """Horizontal grid lines with their values at the left."""
    for value in values:
        y = scale(value)
        zero = value == 0
        paper.line(
            [left, right],
            [y, y],
            paper.theme.second if zero else paper.theme.grid,
            AXIS if zero else GRID,
            above=0 if not zero else 3,
        )
        paper.text(left - 1.2, y, write(value), role="note", across="right", colour=paper.theme.second)


def day_ticks(days: pd.DatetimeIndex, wanted: int) -> list[int]:
    """Positions of days that get a date: evenly spaced in whole weeks where there are weeks."""
    n = len(days)
    if n <= wanted:
        return list(range(n))
    step = math.ceil(n / wanted)
    if step > 3:
        step = math.ceil(step / 7) * 7
    return list(range(0, n, step))


def date_axis(paper: Paper, days: pd.DatetimeIndex, left: float, right: float, y: float, *, wanted: int = 6) -> None:
    """Dates under a row of day-wide marks; the last written date carries the year."""
    if len(days) == 0:
        return
    step = (right - left) / len(days)
    places = day_ticks(days, wanted)
    written = -1e9
    for at in places:
        text = numbers.day(days[at]) if at == places[-1] else numbers.day_short(days[at])
        x = left + (at + 0.5) * step
        half = paper.wide(text, "note") / 2
        middle = min(max(x, left + half - 4), min(right + 4, paper.width - 0.5) - half)
        if middle - half < written + 1.5:
            continue
        paper.line([x, x], [y, y + 1], paper.theme.second, AXIS)
        paper.text(middle, y + 3.2, text, role="note", across="center", colour=paper.theme.second)
        written = middle + half
