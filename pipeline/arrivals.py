"""Which days of the request log have arrived, told from the names of its files: `date=2026-05-01/`, `events-20260501`.

A day is complete where its marker file is there, or, without markers, where it has enough rows (bytes, of text files)
against the days before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from pipeline.errors import Place, RunError, UsageError

_DAY = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")
TRAILING = 14


def day_of(name: str) -> date | None:
    """The day a file's name tells (the last one in it), or None."""
    for year, month, day in reversed(_DAY.findall(name)):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None


@dataclass(frozen=True)
class Arrivals:
    """What lies there of each day: rows of Parquet files, else bytes."""

    uri: str
    sizes: Mapping[date, int]
    unit: str = "rows"

    def gaps(self, until: date, days: int) -> list[date]:
        """Days without any file between the first day and `until` (not itself), of the last `days`."""
        if not self.sizes:
            return []
        first = max(min(self.sizes), until - timedelta(days=days))
        return [d for n in range((until - first).days) if (d := first + timedelta(days=n)) not in self.sizes]


def arrivals(uri: str, files: Sequence[str], sizes: Sequence[int], unit: str) -> Arrivals:
    """Arrivals from the files' names and sizes. UsageError where the names tell no day."""
    found: dict[date, int] = {}
    for name, size in zip(files, sizes, strict=True):
        day = day_of(name)
        if day is not None:
            found[day] = found.get(day, 0) + size
    if not found:
        raise UsageError(
            "the names of the files of events tell no day", place=Place(uri),
            expected="folders such as date=2026-05-01",
            mend="Deliver the log by day, in folders or files with the day in their name.",
        )  # fmt: skip
    return Arrivals(uri, found, unit)


def require(here: Arrivals, day: date, *, marked: bool | None, marker: str, min_share: float, days: int) -> str:
    """Say that a day is complete, or raise RunError naming what is missing.

    `marked` tells whether the marker file lies there; None where the rule is the number of rows.
    """
    gaps = [d for d in here.gaps(day, days) if d < day]
    if gaps:
        named = ", ".join(d.isoformat() for d in gaps[:8])
        raise _late(here, f"{'a day is' if len(gaps) == 1 else f'{len(gaps)} days are'} missing: {named}", day)
    if marked is False:
        raise _late(here, f"the day {day} is not marked as complete: there is no {marker}", day)
    if day not in here.sizes:
        raise _late(here, f"the day {day} is missing", day)
    size = here.sizes[day]
    before = [here.sizes[d] for n in range(1, TRAILING + 1) if (d := day - timedelta(days=n)) in here.sizes]
    if marked is None and before and size < min_share * median(before):
        raise _late(
            here, f"the day {day} has {size:,} {here.unit} so far; a usual day has {median(before):,.0f}", day
        )
    return f"The day {day} is complete: {size:,} {here.unit}."


def _late(here: Arrivals, message: str, day: date) -> RunError:
    return RunError(message, place=Place(here.uri), mend=f"Deliver it; the run of {day} starts when it is there.")
