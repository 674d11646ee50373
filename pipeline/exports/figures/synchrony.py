"""F4 Hour by day: do these accounts keep the same hours, unlike a comparable innocent group?"""

from __future__ import annotations

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import date_axis
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import SHARES, Size, shade
from pipeline.exports.trace import Source, cite

CELLS = 43.0  # height of 24 hours, millimetres
FEWEST = 3
WIDE = 165.0  # millimetres from which the key fits on one line
WEEKLY = 60
KEY = "Accounts active in the hour (UTC), % of the group:"


def reference(ring: pd.Series, rings: pd.DataFrame) -> pd.Series | None:
    """The group of the same run nearest in size whose best explanation is innocent; None where there is none."""
    innocent = rings[
        rings["kind"].isin(("organization", "shared_network")) & (rings["ring_id"] != ring.ring_id) & ~rings["flagged"]
    ]
    if innocent.empty:
        return None
    gap = (innocent["size"] - ring["size"]).abs()
    nearest: pd.Series = innocent.assign(gap=gap).sort_values(["gap", "ring_id"]).iloc[0]
    return nearest


def sheet(ring: pd.Series, other: pd.Series | None, ring_hours: pd.DataFrame, frame: Frame) -> Sheet:
    """Marks of the hours of one ring beside a reference group. `ring_hours` holds the hours of both."""
    name = f"f4-hours-{ring.ring_id}"
    own = _cells(ring, ring_hours, frame, "this ring")
    cells = own if other is None else pd.concat([own, _cells(other, ring_hours, frame, "reference")], ignore_index=True)
    where = (("ring_id", "=", str(ring.ring_id)),)
    busy, seen = _busy(own), _seen(ring)
    together = cite(str(busy), Source("days_half_together", "ring_hours", "", where), busy)
    span = cite(str(seen), Source("days_seen", "rings", "", where), seen)
    title = f"{ring.ring_id}: half its accounts were active in one hour on {together} of {span} days"
    if not busy:
        title = f"{ring.ring_id}: on none of {span} days were half its accounts active in one hour"
    if own.empty or seen < 2 or ring["size"] < FEWEST:
        return sentence(name, "synchrony", frame, "ring_hours", title + ".")
    beside, comparison = "", "No comparable group in this run."
    if other is not None:
        beside = f" Right: {numbers.count(int(other['size']))} accounts judged {_kind(other.kind)}."
        comparison = f"Reference: {_busy(_cells(other, ring_hours, frame, ''))} of {_seen(other)} days."
    return Sheet(
        name,
        "synchrony",
        title=title,
        see=f"Shade is the share of accounts active in that hour; look for rows and blocks.{beside}",
        sure="One scale for both; hatched days were not seen. Silence of all groups shows in both.",
        alt=(
            f"Heat map of hours by days, {ring.ring_id}, {numbers.count(int(ring['size']))} accounts, {frame.window}. "
            f"Half were active in one hour on {busy} of {seen} days. {comparison} Numbers: ring_hours."
        ),
        tables="ring_hours, rings",
        frame=frame,
        marks=cells,
        asides={
            "ring": (str(ring.ring_id), int(ring["size"])),
            "reference": None if other is None else (_kind(other.kind), int(other["size"])),
            "seen": [(r.first_seen, r.last_seen) for r in (ring, other) if r is not None],
        },
    )


def _kind(kind: str) -> str:
    return {"organization": "an organisation", "shared_network": "a shared network"}.get(kind, kind)


def _seen(ring: pd.Series) -> int:
    return int((ring.last_seen.floor("D") - ring.first_seen.floor("D")).days) + 1


def _busy(cells: pd.DataFrame) -> int:
    if cells.empty:
        return 0
    return int((cells.groupby("day")["share"].max() >= 0.5).sum())


def _cells(ring: pd.Series, ring_hours: pd.DataFrame, frame: Frame, group: str) -> pd.DataFrame:
    """One row an hour with at least the smallest cell of accounts (two for inside use)."""
    hours = ring_hours[ring_hours["ring_id"] == ring.ring_id]
    hours = hours[hours["n_accounts"] >= max(2, frame.k)]
    share = hours["n_accounts"] / max(int(ring["size"]), 1)
    return pd.DataFrame(
        {
            "group": group,
            "day": hours["hour"].dt.strftime("%Y-%m-%d").to_numpy(),
            "hour": hours["hour"].dt.hour.to_numpy(),
            "share": share.round(6).to_numpy(),
        }
    ).sort_values(["day", "hour"], ignore_index=True)


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return CELLS + (29.0 if size.width < WIDE else 24.0)


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the ring's panel and the reference beside it, with the key under both."""
    groups = ["this ring"] + (["reference"] if sheet.asides["reference"] else [])
    left, gap = 9.0, 12.0
    wide = (paper.width - left - 2 - gap * (len(groups) - 1)) / max(len(groups), 2 if len(groups) == 2 else 1)
    for at, group in enumerate(groups):
        x = left + at * (wide + gap)
        _panel(paper, sheet, group, x, wide, sheet.asides["seen"][at])
    _key(paper, left, CELLS + 18.0)


def _panel(
    paper: Paper, sheet: Sheet, group: str, left: float, wide: float, seen: tuple[pd.Timestamp, pd.Timestamp]
) -> None:
    theme = paper.theme
    first_row = 7.0
    ring, size = sheet.asides["ring"] if group == "this ring" else sheet.asides["reference"]
    words = (
        f"{ring}: {numbers.count(size)} accounts"
        if group == "this ring"
        else f"Reference, {ring}: {numbers.count(size)} accounts"
    )
    paper.text(left, 2.5, paper.fits(words, wide), bold=False)
    days, weekly = _columns(sheet)
    cells = sheet.marks[sheet.marks["group"] == group]
    rows = 24
    step, tall = wide / len(days), CELLS / rows
    if not weekly:
        before = int((days < seen[0].floor("D")).sum())
        after = int((days > seen[1].floor("D")).sum())
        for x, n in ((left, before), (left + (len(days) - after) * step, after)):
            if n:
                box = (x, first_row, n * step, CELLS)
                paper.rect(*box, None, edge=theme.grid, line=0.3, hatch="////", hold=False, above=1)
    where = {d.strftime("%Y-%m-%d"): at for at, d in enumerate(days)}
    drawn = _by_week(cells, days) if weekly else cells
    painted: dict[str, list[tuple[float, float, float, float]]] = {}
    for day, hour, share in zip(drawn["day"], drawn["hour"], drawn["share"], strict=True):
        paint = shade(theme, float(share))
        if paint and day in where:
            box = (left + where[day] * step, first_row + int(hour) * tall, step, tall)
            painted.setdefault(paint, []).append(box)
    for paint, boxes in painted.items():
        paper.cells(boxes, paint)
    paper.rect(left, first_row, wide, CELLS, None, edge=theme.frame, line=0.6, hold=False, above=3)
    for hour in (0, 6, 12, 18):
        paper.text(
            left - 1.2, first_row + (hour + 0.5) * tall, f"{hour:02d}", role="note", across="right", colour=theme.second
        )
    date_axis(paper, days, left, left + wide, first_row + CELLS, wanted=max(2, int(wide // 26)))


def _columns(sheet: Sheet) -> tuple[pd.DatetimeIndex, bool]:
    days = sheet.frame.days()
    if len(days) <= WEEKLY:
        return days, False
    return days[::7], True


def _by_week(cells: pd.DataFrame, weeks: pd.DatetimeIndex) -> pd.DataFrame:
    """Mean share of each hour of the day over the days of a week."""
    at = pd.to_datetime(cells["day"], utc=True)
    week = weeks[weeks.searchsorted(at, side="right") - 1].strftime("%Y-%m-%d")
    summed = cells.assign(day=week).groupby(["day", "hour"], as_index=False)["share"].sum()
    mean: pd.DataFrame = summed.assign(share=summed["share"] / 7)
    return mean


def _key(paper: Paper, x: float, y: float) -> None:
    theme = paper.theme
    x += paper.text(x, y, KEY, role="note", colour=theme.second) + 2
    if paper.width < WIDE:
        x, y = 9.0, y + 5.0
    uppers = [*SHARES[1:], 1.0]
    for low, high, paint in zip(SHARES, uppers, theme.ramp, strict=True):
        paper.rect(x, y - 1.3, 3.2, 2.6, paint)
        text = f"{100 * low:.0f}{numbers.DASH}{100 * high:.0f}"
        x += 4.2 + paper.text(x + 4.0, y, text, role="note", colour=theme.second) + 2.2
    if x + 22 < paper.width:
        paper.rect(x, y - 1.3, 3.2, 2.6, None, edge=theme.grid, line=0.3, hatch="////")
        paper.text(x + 4.0, y, "not seen", role="note", colour=theme.second)
