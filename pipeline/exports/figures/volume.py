"""F3 Daily volume: how big an operation was beside everybody else, and when."""

from __future__ import annotations

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale, date_axis, rules, ticks, top
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import FOCUS, Size
from pipeline.exports.trace import Source, cite

PANEL, GAP = 21.0, 9.0
WEEKLY = 60


def sheet(
    name: str, what: str, rings: pd.DataFrame, ring_hours: pd.DataFrame, daily: pd.DataFrame, frame: Frame
) -> Sheet:
    """Marks of one operation's requests a day beside everybody else's.

    `rings` are the operation's rows, `ring_hours` their hours, `daily` the platform's days. `what` names the operation.
    """
    days = frame.days()
    own = ring_hours.groupby(ring_hours["hour"].dt.floor("D"))["n_events"].sum().reindex(days, fill_value=0)
    kept_back = (
        set(ring_hours.loc[ring_hours["hidden"], "hour"].dt.floor("D")) if "hidden" in ring_hours.columns else set()
    )
    everybody = daily.assign(day=pd.to_datetime(daily["day"], utc=True)).groupby("day")["n_events"].sum()
    others = (everybody.reindex(days, fill_value=0) - own).clip(lower=0)
    ids = ", ".join(sorted(rings["ring_id"].astype(str)))
    where = (("ring_id", "in", ids),)
    n, accounts = int(rings["n_events"].sum()), int(rings["size"].sum())
    requests = cite(numbers.count(n), Source("sum", "rings", "n_events", where), n)
    members = cite(numbers.count(accounts), Source("sum", "rings", "size", where), accounts)
    marks = pd.DataFrame(
        {
            "day": days.strftime("%Y-%m-%d"),
            "n_events": own.to_numpy(),
            "n_events_others": others.to_numpy(),
            "part_day": [d in frame.part_days() for d in days],
            "hidden": [d in kept_back for d in days],
        }
    )
    title = f"{what}: {members} accounts made {requests} requests"
    if len(days) < 2 or own.sum() == 0:
        return sentence(name, "volume", frame, "rings", f"{title} in {frame.window}.")
    peak = days[int(own.to_numpy().argmax())]
    return Sheet(
        name,
        "volume",
        title=title,
        see="Compare the shapes, not the heights: each panel starts at zero and has a scale of its own, as written.",
        sure="Requests are counted, not estimated; who belongs to the operation is a judgement."
        + (" Crossed days are kept back: too few accounts." if kept_back else ""),
        alt=(
            f"Two panels of daily requests, {what}, {frame.window}. {numbers.count(n)} requests by "
            f"{numbers.count(accounts)} accounts, "
            f"most on {numbers.day(peak)}: {numbers.count(int(own.max()))}. Below: everybody else. "
            "Numbers: ring_hours and daily."
        ),
        tables="rings, ring_hours, daily",
        frame=frame,
        marks=marks,
        asides={"accounts": accounts},
    )


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return 2 * PANEL + GAP + 15.0


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the two panels over one axis of time."""
    days = pd.DatetimeIndex(pd.to_datetime(sheet.marks["day"], utc=True))
    left, right = 13.0, paper.width - 2
    own, others = sheet.marks["n_events"], sheet.marks["n_events_others"]
    who = f"{numbers.count(sheet.asides['accounts'])} accounts of the operation, requests a day"
    y = _panel(paper, sheet, days, own, (left, right, 6.0), who, paper.theme.ink)
    times = top(others.max()) / max(top(own.max()), 1e-9)
    beside = (
        f"Everybody else, requests a day (this scale is {_times(times)} the one above)"
        if others.sum()
        else "Everybody else: none"
    )
    y = _panel(paper, sheet, days, others, (left, right, y + GAP), beside, paper.theme.others)
    date_axis(paper, days, left, right, y)


def _times(ratio: float) -> str:
    if 0.95 < ratio < 1.05:
        return "the same as"
    return f"{numbers.count(round(ratio)) if ratio >= 10 else numbers.measure(ratio)} times"


def _panel(
    paper: Paper,
    sheet: Sheet,
    days: pd.DatetimeIndex,
    values: pd.Series,
    place: tuple[float, float, float],
    title: str,
    paint: str,
) -> float:
    left, right, y = place
    high = top(float(values.max()))
    scale = Scale(0, high, y + PANEL, y)
    rules(paper, scale, ticks(high), left, right, numbers.short)
    paper.text(left, y - 3.0, title, role="note", colour=paper.theme.second)
    step = (right - left) / len(days)
    if len(days) > WEEKLY:
        mean = values.rolling(7, center=True, min_periods=1).mean()
        xs = [left + (i + 0.5) * step for i in range(len(days))]
        paper.line(xs, [scale(v) for v in mean], paint, FOCUS, above=3)
    for at, value in enumerate(values):
        if bool(sheet.marks["hidden"].iloc[at]) and paint == paper.theme.ink:
            paper.rect(
                left + at * step,
                y,
                step,
                PANEL,
                None,
                edge=paper.theme.grid,
                line=0.3,
                hatch="xxxx",
                hold=False,
                above=1,
            )
            continue
        part = bool(sheet.marks["part_day"].iloc[at])
        paint_of = paper.theme.others if len(days) > WEEKLY else paint
        bar = scale(0) - scale(float(value))
        paper.rect(
            left + at * step + 0.08 * step,
            scale(float(value)),
            0.84 * step,
            bar,
            None if part else paint_of,
            edge=paint_of if part else None,
            hatch="/////" if part else "",
            hold=False,
        )
    return y + PANEL
