"""F7 Funnel: how few of many, from accounts in the window to decisions. Points on a log axis, never bars."""

from __future__ import annotations

import math

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.figures.style import AXIS, GRID, OTHER, Size
from pipeline.exports.frames import rows_of
from pipeline.exports.trace import Source, cite

ROW = 7.0


def sheet(
    steps: list[tuple[str, int, Source]], frame: Frame, apart: list[tuple[str, int, Source]] | None = None
) -> Sheet:
    """Marks of the funnel: `steps` are (words, accounts, source), each a subset of the one before; `apart` are not."""
    rows = []
    before: int | None = None
    for words, n, source in steps:
        one_in = round(before / n) if before and n else None
        rows.append({"row": words, "n": n, "one_in_of_row_above": one_in, "apart": False, "source": str(source)})
        before = n
    for words, n, source in apart or []:
        rows.append({"row": words, "n": n, "one_in_of_row_above": None, "apart": True, "source": str(source)})
    first, last = steps[0], steps[-1]
    everybody = cite(numbers.count(first[1]), first[2], first[1])
    accused = cite(numbers.count(last[1]), last[2], last[1])
    finding = (
        f"{accused} of {everybody} accounts are in flagged rings"
        if last[1]
        else f"No account of {everybody} is in a flagged ring"
    )
    return Sheet(
        "f7-funnel",
        "funnel",
        title=finding,
        see="Read downwards: each row is a part of the row above, on a scale where every step is ten times the last.",
        sure="Accounts are counted; a flagged ring is a proposal to analysts, not a finding of guilt.",
        alt=(
            f"Dot plot on a log axis, accounts of the platform, {frame.window}. "
            f"{numbers.count(first[1])} in the window, "
            f"{numbers.count(last[1])} in flagged rings. Rows between show groups and reported rings. "
            "Numbers: manifest, incidence, members."
        ),
        tables="manifest, incidence, members, rings",
        frame=frame,
        marks=pd.DataFrame(rows),
    )


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return (len(sheet.marks) + 1) * ROW + (ROW / 2 if sheet.marks["apart"].any() else 0) + 3


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw a point a row, its number and its share of the row above."""
    rows, theme = sheet.marks, paper.theme
    label = max(paper.wide(str(r)) for r in rows["row"]) + 3
    tail = max(paper.wide(_said(r)) for r in rows_of(rows)) + 3
    decades = max(1, math.ceil(math.log10(max(int(rows["n"].max()), 10))))
    x = Scale(0, decades, label + 8, paper.width - tail - 2)
    bottom = (len(rows) + (0.5 if rows["apart"].any() else 0)) * ROW
    for power in range(decades + 1):
        paper.line([x(power), x(power)], [0, bottom], theme.grid, GRID, above=0)
        paper.text(x(power), bottom + 3.2, numbers.short(10**power), role="note", across="center", colour=theme.second)
    paper.text(label + 4, bottom + 3.2, "0", role="note", across="center", colour=theme.second)
    y = ROW / 2
    for at, row in enumerate(rows_of(rows)):
        if row.apart and not bool(rows["apart"].iloc[at - 1]):
            y += ROW / 2
        paper.text(0.5, y, str(row.row))
        place = x(math.log10(row.n)) if row.n else label + 4
        paper.line([label, place], [y, y], theme.others, OTHER)
        paper.mark(place, y, 0, 2.4, hollow=bool(row.apart))
        paper.text(place + 2.2, y, _said(row), outline=True)
        y += ROW
    paper.line([x(0), x(decades)], [bottom, bottom], theme.second, AXIS)


def _said(row: object) -> str:
    n, one_in = int(row.n), row.one_in_of_row_above  # type: ignore[attr-defined]
    share = f", 1 in {numbers.count(int(one_in))}" if pd.notna(one_in) and one_in > 1 else ""
    return numbers.count(n) + share
