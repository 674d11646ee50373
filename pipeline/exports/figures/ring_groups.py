"""F1 above 60 accounts: who shares what, as a matrix of groups by shared things."""

from __future__ import annotations

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.ring_picture import title
from pipeline.exports.figures.sheet import Frame, Sheet, nouns, sentence
from pipeline.exports.figures.style import Size
from pipeline.exports.figures.things import things
from pipeline.exports.frames import rows_of

ROW, STEP, MOST_ROWS = 5.0, 5.2, 12
REST = "other combinations"


def sheet(ring: pd.Series, ring_groups: pd.DataFrame, evidence: pd.DataFrame, frame: Frame) -> Sheet:
    """Marks of the matrix of one ring: a row a group of accounts with the same shared things.

    Tables hold one ring's rows. For an audience with a smallest cell, `ring_groups` has been protected before.
    """
    name = f"f1-ring-{ring.ring_id}"
    finding = title(ring, evidence, frame)
    told = {e for entities in ring_groups["entities"] for e in entities}
    pairs = {(t, e) for t, e in zip(evidence["entity_type"], evidence["entity"], strict=True) if f"{t}:{e}" in told}
    named = things(evidence, frame, only=pairs)
    if named.empty:
        return sentence(name, "ring_groups", frame, "rings, evidence", finding + ".")
    marks = _rows(ring_groups, named)
    groups = int((marks["group"] != REST).sum())
    total, size = int(marks["n_accounts"].sum()), int(ring["size"])
    open_ = named[~named["withheld"]]
    top = open_.sort_values(["n_in_ring", "number"], ascending=[False, True]).head(2)
    shares = "; ".join(f"{r.label}: {numbers.percent(r.n_in_ring, size)}" for r in rows_of(top))
    bars = (
        " Filled bars belong with membership 0.5 or more, outlined ends with less."
        if marks["n_core"].notna().all()
        else ""
    )
    return Sheet(
        name,
        "ring_groups",
        title=finding,
        see=(
            "Each row is a group of accounts with the same shared things; each column is one thing, "
            "marked where the group has it."
        ),
        sure=f"Things shared are counted.{bars}",
        alt=(
            f"Matrix of {groups} groups of accounts by {len(named)} shared things, {ring.ring_id}, "
            f"{numbers.count(total)} accounts, {frame.window}. "
            f"{f'Shares: {shares}. ' if shares else ''}Numbers: ring_groups, evidence."
        ),
        tables="rings, ring_groups, evidence",
        frame=frame,
        marks=marks,
        asides={
            "things": named.drop(columns=["entity", "shown"]),
            "shares": {r.label: numbers.percent(r.n_in_ring, size) for r in rows_of(open_)},
        },
    )


def _rows(groups: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Groups by size, the rest together; each row says which named things it has."""
    label = {f"{r.entity_type}:{r.entity}": r.label for r in rows_of(named)}
    place = {r.label: r.number for r in rows_of(named)}
    made: dict[tuple[str, ...], list[int]] = {}
    unknown_core = bool(groups["n_core"].isna().any())
    for row in rows_of(groups.sort_values("rank")):
        kept = tuple(sorted({label[e] for e in row.entities if e in label}, key=place.__getitem__))
        both = made.setdefault(kept, [0, 0])
        both[0] += int(row.n_accounts)
        both[1] += 0 if unknown_core else int(row.n_core)
    rest = made.pop((), [0, 0])
    order = sorted(made.items(), key=lambda item: (-item[1][0], [place[t] for t in item[0]]))
    for _, n in order[MOST_ROWS - 1 :]:
        rest = [rest[0] + n[0], rest[1] + n[1]]
    table = [_row(f"group {i + 1}", g, n, unknown_core) for i, (g, n) in enumerate(order[: MOST_ROWS - 1])]
    if rest[0]:
        table.append(_row(REST, (), rest, unknown_core))
    return pd.DataFrame(table, columns=["group", "things", "n_accounts", "n_core"])


def _row(group: str, things_: tuple[str, ...], n: list[int], unknown_core: bool) -> dict[str, object]:
    return {"group": group, "things": ", ".join(things_), "n_accounts": n[0], "n_core": None if unknown_core else n[1]}


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return 11.0 + len(sheet.marks) * ROW + (9.0 if sheet.asides["shares"] else 3.0)


def heads(paper: Paper, named: pd.DataFrame, frame: Frame, left: float) -> tuple[dict[str, float], float]:
    """Write the heads of the columns; returns the middle of each thing's column and the right end."""
    words = {t.name: nouns(t) for t in frame.types}
    places: dict[str, float] = {}
    x = left
    for _, group in named.groupby("slot", sort=True):
        kind = words.get(str(group["entity_type"].iloc[0]), "Things")
        wide = max(len(group) * STEP, paper.wide(kind) + 2.5)
        paper.text(x + 0.6, 2.2, kind)
        for at, label in enumerate(group["label"]):
            places[label] = x + (at + 0.5) * STEP
            paper.text(places[label], 7.2, str(at + 1), role="note", across="center", colour=paper.theme.second)
        x += wide + 2.0
    return places, x


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the matrix: row tint, marks, bars of accounts at the right, shares of all at the foot."""
    rows, named, theme = sheet.marks, sheet.asides["things"], paper.theme
    left = max(paper.wide(REST), paper.wide("share of all", "note")) + 3
    places, right = heads(paper, named, sheet.frame, left)
    slot = dict(zip(named["label"], named["slot"], strict=True))
    scale = Scale(0, float(rows["n_accounts"].max()), right + 2, paper.width - 14)
    first = 10.5
    paper.text(right + 2, 2.2, "accounts")
    for at, row in enumerate(rows_of(rows)):
        y = first + at * ROW
        if at % 2 == 0:
            paper.rect(0, y, right, ROW, theme.tint, hold=False, above=0)
        paper.text(0.8, y + ROW / 2, row.group, colour=theme.second)
        have = set(row.things.split(", "))
        for label, x in places.items():
            if label in have:
                paper.mark(x, y + ROW / 2, int(slot[label]), 2.9)
            elif row.group != REST:
                paper.mark(x, y + ROW / 2, 0, 0.5)
        _bar(paper, scale, row, y)
    if sheet.asides["shares"]:
        _foot(paper, sheet, places, first + len(rows) * ROW + 3.2)


def _bar(paper: Paper, scale: Scale, row: object, y: float) -> None:
    n, core = int(row.n_accounts), row.n_core  # type: ignore[attr-defined]
    theme = paper.theme
    filled = n if pd.isna(core) else int(core)
    paint = theme.others if row.group == REST else theme.ink  # type: ignore[attr-defined]
    paper.rect(scale(0), y + 1.1, scale(n) - scale(0), ROW - 2.2, None, edge=paint, line=0.6)
    paper.rect(scale(0), y + 1.1, scale(filled) - scale(0), ROW - 2.2, paint)
    paper.text(scale(n) + 1.2, y + ROW / 2, numbers.count(n))


def _foot(paper: Paper, sheet: Sheet, places: dict[str, float], y: float) -> None:
    """Shares of all, in two rows where neighbours would touch; counts that are kept back have none."""
    paper.text(0.8, y, "share of all", role="note", colour=paper.theme.second)
    end = [-1e9, -1e9]
    for label, x in places.items():
        text = sheet.asides["shares"].get(label, "")
        text = text.replace("below 1%", "<1%").replace("above 99%", ">99%")
        half = paper.wide(text, "note") / 2
        line = 0 if x - half > end[0] + 0.8 else 1
        paper.text(x, y + line * 3.4, text, role="note", across="center", colour=paper.theme.second)
        end[line] = x + half
