"""F4 for fewer than ten accounts: one row an account, one stroke an active hour."""

from __future__ import annotations

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import date_axis
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import Size
from pipeline.exports.trace import Source, cite

FEW = 10  # accounts below which shares of the group say nothing
ROW = 6.0


def sheet(ring: pd.Series, activity: pd.DataFrame, frame: Frame) -> Sheet:
    """Marks of the active hours of each account of one small ring. `activity` holds the ring's rows."""
    name = f"f4-hours-{ring.ring_id}"
    together = activity.groupby("hour")["account_id"].nunique()
    busy = int((together >= 2).sum())
    where = (("ring_id", "=", str(ring.ring_id)),)
    shared = cite(numbers.count(busy), Source("count", "ring_hours", "", (*where, ("n_accounts", ">=", "2"))), busy)
    every = cite(numbers.count(len(together)), Source("count", "ring_hours", "", where), len(together))
    title = f"{ring.ring_id}: two or more accounts were active in {shared} of {every} hours"
    if len(together) < 2:
        return sentence(name, "synchrony_few", frame, "ring_hours", title + ".")
    order = activity.groupby("account_id")["hour"].min().reset_index().sort_values(["hour", "account_id"])["account_id"]
    label = {a: f"account {i + 1}" for i, a in enumerate(order)}
    marks = pd.DataFrame(
        {
            "account": [label[a] for a in activity["account_id"]],
            "hour": activity["hour"].dt.strftime("%Y-%m-%dT%H:00:00Z").to_numpy(),
        }
    ).sort_values(["hour", "account"], ignore_index=True)
    return Sheet(
        name,
        "synchrony_few",
        title=title,
        see="One row an account, one stroke an active hour; look for strokes that stand above one another.",
        sure="Too few accounts for shares of a group, so no reference is shown.",
        alt=(
            f"Rows of strokes, {len(label)} accounts of {ring.ring_id}, one stroke an active hour, {frame.window}. "
            f"Two or more were active together in {busy} of {len(together)} hours. Numbers: activity, ring_hours."
        ),
        tables="activity, ring_hours",
        frame=frame,
        marks=marks,
        asides={"accounts": [label[a] for a in order]},
    )


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return len(sheet.asides["accounts"]) * ROW + 9.0


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the strokes of each account over one axis of time."""
    days = sheet.frame.days()
    left, right = 24.0, paper.width - 3
    step = (right - left) / (24 * len(days))
    at = {a: i for i, a in enumerate(sheet.asides["accounts"])}
    for account, row in at.items():
        paper.text(0.5, (row + 0.5) * ROW, account, role="note")
        paper.line([left, right], [(row + 1) * ROW] * 2, paper.theme.grid, 0.4, above=0)
    hours = pd.to_datetime(sheet.marks["hour"], utc=True)
    since = (hours - days[0]).dt.total_seconds() / 3600
    boxes = [
        (left + float(hour) * step, at[account] * ROW + 1.0, max(step, 0.12), ROW - 2.0)
        for account, hour in zip(sheet.marks["account"], since, strict=True)
        if 0 <= hour < 24 * len(days)
    ]
    paper.cells(boxes, paper.theme.ink)
    date_axis(paper, days, left, right, len(at) * ROW + 0.5)
