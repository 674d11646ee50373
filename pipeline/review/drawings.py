"""Drawings made on the server as SVG values: waterfall of a score, hours by days, bars. Marks only; no script needed.

Shapes carry meaning, colour only the kind of entity: evidence for is filled, evidence against hatched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

WIDTH = 260.0
# shares of accounts active in an hour from which each step of the ramp holds
SHARES = (0.05, 0.10, 0.20, 0.35, 0.50, 0.70)


@dataclass(frozen=True)
class Bar:
    """One step of a waterfall: its part, where its bar lies (units of WIDTH), which way it goes."""

    part: dict[str, Any]
    x: float
    width: float
    against: bool
    before: float
    after: float


@dataclass(frozen=True)
class Waterfall:
    """Steps from the start to the sum, and where zero lies."""

    bars: list[Bar]
    zero: float
    total: float
    total_x: float
    total_width: float


def waterfall(parts: Iterable[dict[str, Any]]) -> Waterfall:
    """Steps in the order given; the sum of the bits is the end of the last step."""
    held, sums, running = list(parts), [0.0], 0.0
    for part in held:
        running += float(part["bits"])
        sums.append(running)
    low, high = min(sums), max(sums)
    scale = WIDTH / ((high - low) or 1.0)

    def at(value: float) -> float:
        return round((value - low) * scale, 2)

    bars = []
    for part, before, after in zip(held, sums, sums[1:], strict=False):
        x, width = at(min(before, after)), round(max(abs(after - before) * scale, 1.0), 2)
        bars.append(Bar(part, x, width, after < before, before, after))
    total_x, total_width = at(min(0.0, running)), round(max(abs(running) * scale, 1.0), 2)
    return Waterfall(bars, at(0.0), running, total_x, total_width)


@dataclass(frozen=True)
class HourMap:
    """Hours by days: cells with a step of the ramp (1..6), day labels, the greatest share, days from first to last."""

    cells: list[tuple[int, int, int, str]]  # day, hour of the day, step, words
    days: list[tuple[int, str]]
    n_days: int
    most: int
    by_day: list[tuple[int, int, float]]  # day, requests, share of the greatest
    seen: tuple[int, int]  # first day with activity, and the day after the last


def hour_map(
    rows: Iterable[dict[str, Any]], since: datetime, until: datetime, size: int, *, alone: bool = False
) -> HourMap:
    """The map of a ring's `ring_hours`; shares are of all its accounts, in the classes of the figures.

    Below the first class nothing is drawn; of one account `alone` (`size` is its busiest hour) every hour is.
    """
    n_days = max(1, (until - since).days)
    cells, requests = [], [0] * n_days
    most = 0
    for row in rows:
        day, hour = (row["hour"] - since).days, row["hour"].hour
        if not 0 <= day < n_days:
            continue
        share = row["n_accounts"] / max(size, 1)
        most = max(most, row["n_accounts"])
        requests[day] += row["n_events"]
        step = sum(share >= edge for edge in SHARES)
        if not step and not alone:
            continue
        words = f"{since + timedelta(days=day):%d %b} {hour:02d}:00 UTC, {row['n_accounts']:,} accounts"
        cells.append((day, hour, max(step, 1), words))
    top, active = max(requests) or 1, [k for k, n in enumerate(requests) if n] or [0]
    days = [(k, f"{(at := since + timedelta(days=k)).day} {at:%b}") for k in range(0, n_days, 7)]
    return HourMap(
        cells,
        days,
        n_days,
        most,
        [(k, n, round(n / top, 4)) for k, n in enumerate(requests)],
        (active[0], active[-1] + 1),
    )


@dataclass(frozen=True)
class GroupMatrix:
    """Groups of accounts by the shared things they have."""

    things: list[tuple[str, str]]  # entity_type, entity
    rows: list[dict[str, Any]]  # rank, has (a flag a thing), n_accounts, n_core, share, core_share, rest
    n_accounts: int


def group_matrix(groups: list[dict[str, Any]]) -> GroupMatrix:
    """Rows are groups, columns the things that occur in them, most used first; the row for the rest comes last."""
    held: dict[str, int] = {}
    for group in groups:
        for thing in group["entities"] or []:
            held[thing] = held.get(thing, 0) + group["n_accounts"]
    names = sorted(held, key=lambda t: (t.split(":", 1)[0], -held[t], t))
    most = max((g["n_accounts"] for g in groups), default=1)
    last = max((g["rank"] for g in groups), default=0)
    rows = []
    for group in groups:
        has = set(group["entities"] or [])
        rest = not has and group["rank"] == last and len(groups) > 12
        rows.append(
            {
                **group,
                "has": [t in has for t in names],
                "rest": rest,
                "share": round(group["n_accounts"] / most, 4),
                "core_share": round(group["n_core"] / most, 4),
            }
        )
    things = [(t.split(":", 1)[0], t.split(":", 1)[1]) for t in names]
    return GroupMatrix(things, rows, sum(g["n_accounts"] for g in groups))
