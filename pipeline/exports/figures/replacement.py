"""F8 Came and went: did others come when accounts went?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale, date_axis, ticks, top
from pipeline.exports.figures.paper import Across, Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import AXIS, FOCUS, GRID, Size
from pipeline.exports.frames import rows_of
from pipeline.exports.suppress import telling
from pipeline.exports.trace import Source, cite

HALF = 19.0
OPEN_DAYS = 7
WEEKLY = 90
FEW = 10  # accounts below which each has a line of its own
LINE = 4.6


def sheet(
    name: str, what: str, members: pd.DataFrame, frame: Frame, lists: list[tuple[pd.Timestamp, str]] | None = None
) -> Sheet:
    """Marks of accounts first and last seen by day (weeks above 90 days).

    `lists` are dates of approved lists with their words.
    """
    days = frame.days()
    weekly = len(days) > WEEKLY
    first = members["first_seen"].dropna().dt.floor("D").value_counts().reindex(days, fill_value=0)
    last = members["last_seen"].dropna().dt.floor("D").value_counts().reindex(days, fill_value=0)
    ids = ", ".join(sorted(set(members["ring_id"].astype(str))))
    n = len(members)
    end = days[-1] - pd.Timedelta(OPEN_DAYS - 1, "D")
    quiet = int((members["last_seen"].dropna() < end).sum())
    late = int((members["first_seen"].dropna() >= days[0] + pd.Timedelta(OPEN_DAYS, "D")).sum())
    where = (("ring_id", "in", ids),)
    went = cite(numbers.count(quiet), Source("count", "members", "", (*where, ("last_seen", "<", _iso(end)))), quiet)
    came = cite(
        numbers.count(late),
        Source("count", "members", "", (*where, ("first_seen", ">=", _iso(days[0] + pd.Timedelta(OPEN_DAYS, "D"))))),
        late,
    )
    everybody = cite(numbers.count(n), Source("count", "members", "", where), n)
    title = f"{what}: {came} of {everybody} accounts came after the first week; {went} fell silent"
    if frame.k > 1 and any(telling(m, frame.k) for m in (late, n - late, quiet, n - quiet)):
        return sentence(
            name, "replacement", frame, "members", f"{what}: how many accounts came or fell silent is withheld."
        )
    if n < 3 or len(days) < 2 or frame.k > 1 or not (late or quiet):
        return sentence(name, "replacement", frame, "members", title + ".")
    if n < FEW:
        return _lines(name, title, what, members, frame, end)
    marks = pd.DataFrame(
        {
            "day": days.strftime("%Y-%m-%d"),
            "n_first_seen": first.to_numpy(),
            "n_last_seen": last.to_numpy(),
            "open_end": days >= end,
        }
    )
    shown = [(when, words) for when, words in sorted(lists or []) if days[0] <= when.floor("D") <= days[-1]]
    if shown:
        said = pd.Series([words for _, words in shown], index=[_iso(when) for when, _ in shown])
        marks["list_approved"] = marks["day"].map(said.groupby(level=0).agg("; ".join)).fillna("")
    if weekly:
        marks = _weeks(marks)
    return Sheet(
        name,
        "replacement",
        title=title,
        see=(
            "Up: accounts first seen that day. Down: last seen. The hatched days are open: quiet accounts can "
            "still return." + (" Dashed: an enforcement list was approved that day." if shown else "")
        ),
        sure="Seen is counted; why an account stopped is not known from this figure.",
        alt=(
            f"Bars up and down by {'week' if weekly else 'day'}, accounts of {what}, {frame.window}. "
            f"{late} of {n} first seen after the first week, "
            f"{quiet} silent before the last {OPEN_DAYS} days."
            f"{''.join(f' {numbers.day(when)}: {words}.' for when, words in shown)} Numbers: members."
        ),
        tables="members",
        frame=frame,
        marks=marks,
        asides={"lists": shown, "weekly": weekly},
    )


def _lines(name: str, title: str, what: str, members: pd.DataFrame, frame: Frame, end: pd.Timestamp) -> Sheet:
    """One line an account, where there are fewer than ten."""
    order = members.dropna(subset=["first_seen", "last_seen"]).sort_values(["first_seen", "last_seen", "account_id"])
    marks = pd.DataFrame(
        {
            "account": [f"account {i + 1}" for i in range(len(order))],
            "first_day": order["first_seen"].dt.strftime("%Y-%m-%d").to_numpy(),
            "last_day": order["last_seen"].dt.strftime("%Y-%m-%d").to_numpy(),
            "open_end": (order["last_seen"] >= end).to_numpy(),
        }
    )
    return Sheet(
        name,
        "replacement",
        title=title,
        see="One line an account, from the first to the last day it was seen; a hollow end is open.",
        sure="Seen is counted; why an account stopped is not known from this figure.",
        alt=(
            f"Lines of {len(marks)} accounts from first to last day seen, {what}, {frame.window}. "
            f"{int(marks['open_end'].sum())} were seen in the last {OPEN_DAYS} days, the others not. Numbers: members."
        ),
        tables="members",
        frame=frame,
        marks=marks,
        asides={"lists": [], "weekly": False},
    )


def _iso(at: pd.Timestamp) -> str:
    return at.strftime("%Y-%m-%d")


def _weeks(marks: pd.DataFrame) -> pd.DataFrame:
    week = marks.index // 7
    of: dict[str, Any] = {"day": "first", "n_first_seen": "sum", "n_last_seen": "sum", "open_end": "max"}
    if "list_approved" in marks.columns:
        of["list_approved"] = lambda said: "; ".join(s for s in said if s)
    made = marks.groupby(week).agg(of)
    return made.reset_index(drop=True)


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    if "account" in sheet.marks.columns:
        return len(sheet.marks) * LINE + 9.0
    return 2 * HALF + 14.0 + (5.0 * len(sheet.asides["lists"]))


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw bars up and down from one line, the open end hatched, the dates of lists as lines."""
    if "account" in sheet.marks.columns:
        _draw_lines(paper, sheet)
        return
    rows, theme = sheet.marks, paper.theme
    days = pd.DatetimeIndex(pd.to_datetime(rows["day"], utc=True))
    left, right, y0 = 26.0, paper.width - 2, 3 + HALF
    high = top(float(max(rows["n_first_seen"].max(), rows["n_last_seen"].max())), 2)
    step = (right - left) / len(days)
    scale = Scale(0, high, 0, HALF)
    for value in ticks(high, 2):
        for side in (-1, 1):
            if value == 0 and side > 0:
                continue
            y = y0 + side * scale(value)
            paper.line(
                [left, right],
                [y, y],
                theme.second if value == 0 else theme.grid,
                AXIS if value == 0 else GRID,
                above=4 if value == 0 else 0,
            )
            paper.text(left - 1.2, y, numbers.short(value), role="note", across="right", colour=theme.second)
    paper.text(0.5, y0 - HALF / 2, "first seen", role="note")
    paper.text(0.5, y0 + HALF / 2, "last seen", role="note")
    for at, row in enumerate(rows_of(rows)):
        x, wide = left + at * step + 0.08 * step, 0.84 * step
        paper.rect(x, y0 - scale(row.n_first_seen), wide, scale(row.n_first_seen), theme.ink, hold=False)
        open_end = bool(row.open_end)
        paper.rect(
            x,
            y0,
            wide,
            scale(row.n_last_seen),
            None if open_end else theme.ink,
            edge=theme.ink if open_end else None,
            hatch="/////" if open_end else "",
            hold=False,
        )
    bottom = y0 + HALF + 1
    date_axis(paper, days, left, right, bottom)
    for at, (when, words) in enumerate(sheet.asides["lists"]):
        x = left + ((when.floor("D") - days[0]).days // (7 if sheet.asides["weekly"] else 1) + 0.5) * step
        paper.line([x, x], [3, bottom], theme.second, AXIS, dash=True)
        text = f"{numbers.day(when)}: {words}"
        across: Across = "left" if x + paper.wide(text, "note") < right else "right"
        paper.text(x, bottom + 8 + 5 * at, text, role="note", across=across)


def _draw_lines(paper: Paper, sheet: Sheet) -> None:
    days = sheet.frame.days()
    left, right = 24.0, paper.width - 3
    step = (right - left) / len(days)
    place = {d.strftime("%Y-%m-%d"): left + (i + 0.5) * step for i, d in enumerate(days)}
    for at, row in enumerate(rows_of(sheet.marks)):
        y = (at + 0.5) * LINE
        paper.text(0.5, y, row.account, role="note")
        first, last = place.get(row.first_day, left), place.get(row.last_day, right)
        paper.line([first, last], [y, y], paper.theme.ink, FOCUS)
        paper.mark(first, y, 0, 1.8)
        paper.mark(last, y, 0, 1.8, hollow=bool(row.open_end))
    date_axis(paper, days, left, right, len(sheet.marks) * LINE + 0.5)
