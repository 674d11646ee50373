"""F10 Campaigns: who was active when, how heavily; one row an operator, one scale for all."""

from __future__ import annotations

import math

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import date_axis
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import Size
from pipeline.exports.frames import rows_of
from pipeline.exports.trace import Source, cite, name_of

ROW = 5.0
MOST = 25


def sheet(
    rings: pd.DataFrame, ring_hours: pd.DataFrame, frame: Frame, likelihood: dict[str, str] | None = None
) -> Sheet:
    """Marks of the days of each operator with flagged rings. `likelihood` gives the words that stand after a name."""
    flagged = rings[rings["flagged"]]
    if flagged.empty:
        return sentence(
            "f10-campaigns", "timeline", frame, "rings", "No coordinated operation was flagged in this window."
        )
    named = flagged["operator_id"].fillna("not attributed").astype(str)
    of_ring = dict(zip(flagged["ring_id"], named, strict=True))
    hours = ring_hours[ring_hours["ring_id"].isin(of_ring)]
    hours = hours.assign(operator=hours["ring_id"].map(of_ring), day=hours["hour"].dt.floor("D"))
    by_day = hours.groupby(["operator", "day"], as_index=False)["n_events"].sum()
    rows = (
        flagged.assign(operator_row=named)
        .groupby("operator_row")
        .agg(
            first_seen=("first_seen", "min"),
            n_rings=("ring_id", "size"),
            n_accounts=("size", "sum"),
            n_events=("n_events", "sum"),
        )
    )
    order, more = _chosen(rows)
    by_day["operator"] = by_day["operator"].where(by_day["operator"].isin(order), more)
    marks = by_day.groupby(["operator", "day"], as_index=False)["n_events"].sum()
    marks["day"] = marks["day"].dt.strftime("%Y-%m-%d")
    n_rings_of, n_accounts_of = rows["n_rings"].to_dict(), rows["n_accounts"].to_dict()
    names = {o: _label(o, int(n_rings_of[o]), likelihood or {}) for o in order}
    totals = {o: int(n_accounts_of[o]) for o in order}
    if more:
        rest = rows.drop(index=order)
        names[more], totals[more] = more, int(rest["n_accounts"].sum())
        order = [*order, more]
    n_events, n_rings = int(flagged["n_events"].sum()), len(flagged)
    where = (("flagged", "=", "true"),)
    requests = cite(numbers.count(n_events), Source("sum", "rings", "n_events", where), n_events)
    groups = cite(numbers.count(n_rings), Source("count", "rings", "", where), n_rings)
    biggest = rows.sort_values("n_events", ascending=False).iloc[0]
    return Sheet(
        "f10-campaigns",
        "timeline",
        title=_finding(flagged, groups, requests),
        see=(
            "One row an operator, ordered by the day it was first seen; the darker the day, the more "
            "requests; white is silence."
        ),
        sure="Days and requests are counted; which rings share an operator is a judgement.",
        alt=(
            f"Timeline of {len(rows)} operators, requests by day, {frame.window}. The largest made "
            f"{numbers.count(int(biggest.n_events))} of "
            f"{numbers.count(n_events)} requests with {numbers.count(int(biggest.n_accounts))} "
            "accounts. Numbers: rings and ring_hours."
        ),
        tables="rings, ring_hours",
        frame=frame,
        marks=marks.sort_values(["operator", "day"], ignore_index=True),
        asides={"order": order, "names": names, "accounts": totals},
    )


def _finding(flagged: pd.DataFrame, groups: str, requests: str) -> str:
    """How much of it all the busiest ring made."""
    if len(flagged) == 1:
        return f"{groups} flagged ring made {requests} requests"
    busiest = flagged.sort_values(["n_events", "ring_id"], ascending=[False, True]).iloc[0]
    source = Source("value", "rings", "n_events", (("ring_id", "=", str(busiest.ring_id)),))
    made = cite(numbers.count(int(busiest.n_events)), source, int(busiest.n_events))
    return f"Of {groups} flagged rings, the busiest made {made} of {requests} requests"


def _chosen(rows: pd.DataFrame) -> tuple[list[str], str]:
    """Operators that get a row, in order of first sight, and the name of the row for the rest, if any."""
    heavy = (
        rows.sort_values(["n_events"], ascending=False, kind="stable").index[:MOST] if len(rows) > MOST else rows.index
    )
    order = rows.loc[heavy].reset_index().sort_values(["first_seen", "operator_row"])["operator_row"].tolist()
    left = len(rows) - len(order)
    return order, f"{left} more" if left else ""


def _label(operator: str, n: int, likelihood: dict[str, str]) -> str:
    said = f" ({likelihood[operator]})" if operator in likelihood else ""
    return f"{name_of(operator)}{said}, {n} {numbers.plural(n, 'ring')}"


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return len(sheet.asides["order"]) * ROW + 18.0


def steps(high: float) -> list[float]:
    """Six rising bounds of requests a day: 1, then powers that end above the busiest day, on round numbers."""
    base = max(high, 6.0) ** (1 / 6)
    found: list[float] = [1.0]
    for power in range(1, 6):
        raw = base**power
        unit = 10.0 ** math.floor(math.log10(raw))
        value = max(next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw * 0.75), found[-1] + 1)
        found.append(value)
    return found


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw a strip of days an operator, with its accounts at the right and the key below."""
    days, theme = sheet.frame.days(), paper.theme
    order, names = sheet.asides["order"], sheet.asides["names"]
    label = min(max(paper.wide(names[o]) for o in order) + 3, paper.width * 0.42)
    counts = {o: f"{numbers.count(sheet.asides['accounts'][o])} accounts" for o in order}
    tail = max(paper.wide(t) for t in counts.values()) + 3
    left, right = label, paper.width - tail
    step = (right - left) / len(days)
    bounds = steps(float(sheet.marks["n_events"].max()))
    at_row = {o: i for i, o in enumerate(order)}
    first = {d.strftime("%Y-%m-%d"): i for i, d in enumerate(days)}
    for operator, at in at_row.items():
        paper.text(0.5, (at + 0.5) * ROW, paper.fits(names[operator], label - 2))
        paper.text(right + 2, (at + 0.5) * ROW, counts[operator])
        paper.line([left, right], [(at + 1) * ROW] * 2, theme.grid, 0.3, above=0)
    painted: dict[str, list[tuple[float, float, float, float]]] = {}
    for row in rows_of(sheet.marks):
        if row.day in first and row.n_events >= 1:
            paint = theme.ramp[sum(row.n_events >= b for b in bounds) - 1]
            box = (left + first[row.day] * step, at_row[row.operator] * ROW + 0.6, step, ROW - 1.2)
            painted.setdefault(paint, []).append(box)
    for paint, boxes in painted.items():
        paper.cells(boxes, paint)
    bottom = len(order) * ROW + 0.5
    date_axis(paper, days, left, right, bottom, wanted=max(2, int((right - left) // 26)))
    _key(paper, bounds, 0.5, bottom + 11.5)


def _key(paper: Paper, bounds: list[float], x: float, y: float) -> None:
    theme = paper.theme
    x += paper.text(x, y, "Requests a day, from:", role="note", colour=theme.second) + 2
    for low, paint in zip(bounds, theme.ramp, strict=True):
        paper.rect(x, y - 1.3, 3.4, 2.6, paint)
        x += 4.4 + paper.text(x + 4.2, y, numbers.short(low), role="note", colour=theme.second) + 3
