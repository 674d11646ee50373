"""How numbers and dates are written, everywhere the same: figures, briefings, captions.

Counts in full up to 9,999,999, then millions; bits signed with one decimal and a true minus; probabilities with two
decimals and words at the ends; dates as 22 Apr 2026, ranges with an en dash. Tables keep exact values.
"""

from __future__ import annotations

import math

import pandas as pd

from pipeline import words
from pipeline.part_words import MINUS, figures

DASH = "–"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def count(n: int) -> str:
    """A count: `25,104`, from ten million `28.8 million`."""
    if abs(n) >= 10_000_000:
        return f"{n / 1e6:,.1f} million"
    return f"{n:,}"


def short(n: float) -> str:
    """A count on an axis: `800k`, `8m`; exact below a thousand."""
    for unit, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(n) >= unit:
            return f"{n / unit:.1f}".rstrip("0").rstrip(".") + letter
    return f"{n:g}"


def percent(part: float, whole: float) -> str:
    """A share of a whole in full percents; `below 1%` and `above 99%` where rounding would hide the rest."""
    if whole <= 0:
        return "0%"
    share = 100 * part / whole
    if 0 < share < 1:
        return "below 1%"
    if 99 < share < 100:
        return "above 99%"
    return f"{math.floor(share + 0.5)}%"


def bits(value: float) -> str:
    """Signed bits with one decimal."""
    if abs(value) < 0.05:
        return "0.0"
    return f"+{value:.1f}" if value > 0 else f"{MINUS}{-value:.1f}"


def probability(p: float) -> str:
    """A probability with two decimals, in words at the ends; cut so that it never leaves the band of its word."""
    return words.number(p)


def measure(value: float) -> str:
    """A measured value of any size with three figures."""
    return figures(value)


def day(at: pd.Timestamp) -> str:
    """A day: `22 Apr 2026`."""
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def day_short(at: pd.Timestamp) -> str:
    """A day on an axis whose year stands elsewhere: `22 Apr`."""
    return f"{at.day} {MONTHS[at.month - 1]}"


def days(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """A range of days, both included: `22 Apr–5 Jun 2026`."""
    if first.date() == last.date():
        return day(first)
    if first.year == last.year:
        return f"{day_short(first)}{DASH}{day(last)}"
    return f"{day(first)}{DASH}{day(last)}"


def window(since: pd.Timestamp, until: pd.Timestamp) -> str:
    """The days of `[since, until)` in UTC, last day included."""
    return days(since, until - pd.Timedelta(1, "us"))


def plural(n: int, one: str, many: str = "") -> str:
    """The noun that goes with a count."""
    return one if n == 1 else (many or one + "s")
