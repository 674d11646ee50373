"""F2 Operator map: which rings hang together, and by what."""

from __future__ import annotations

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.ring_groups import heads
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import Size
from pipeline.exports.figures.things import MOST, things
from pipeline.exports.frames import rows_of
from pipeline.exports.trace import Source, cite, name_of

ROW, MOST_ROWS = 5.2, 20


def sheet(
    operator: str, rings: pd.DataFrame, evidence: pd.DataFrame, ring_hours: pd.DataFrame, frame: Frame, said: str = ""
) -> Sheet:
    """Marks of the rings of one operator and the things that two or more of them share.

    `rings` are the operator's rows, `evidence` and `ring_hours` theirs; `said` is the sentence of likelihood.
    """
    name = f"f2-operator-{_file(operator)}"
    rings = rings.sort_values(["first_seen", "ring_id"])
    n = len(rings)
    where = (("operator_id", "=", name_of(operator)),)
    groups = cite(numbers.count(n), Source("count", "rings", "", where), n)
    shared = _shared(evidence)
    pairs = set(zip(shared["entity_type"].head(MOST), shared["entity"].head(MOST), strict=True))
    common = things(shared, frame, only=pairs)
    ties = cite(str(len(shared)), Source("shared_by_rings", "evidence", "", where), len(shared))
    if n < 2:
        return sentence(
            name, "operator_map", frame, "rings", f"One ring is held to be operated by {name_of(operator)}."
        )
    title = f"{name_of(operator)}: {groups} rings share {ties} {numbers.plural(len(shared), 'thing')}"
    if common.empty:
        return sentence(name, "operator_map", frame, "rings, evidence", title + ".")
    keys = {(r.entity_type, r.entity): r.label for r in rows_of(common)}
    have: dict[str, list[str]] = {}
    for row in rows_of(evidence):
        if (row.entity_type, row.entity) in keys:
            have.setdefault(row.ring_id, []).append(keys[(row.entity_type, row.entity)])
    rows = pd.DataFrame(
        {
            "ring": rings["ring_id"],
            "things": [", ".join(sorted(have.get(r, []))) for r in rings["ring_id"]],
            "n_accounts": rings["size"],
            "n_rings": 1,
        }
    ).reset_index(drop=True)
    rows = _largest(rows)
    strip = _days(ring_hours, set(rows["ring"]))
    outside = common["n_total"] > common["n_in_ring"]
    return Sheet(
        name,
        "operator_map",
        title=title,
        see="Columns marked in several rows are what ties the rings; at the right accounts and the days of activity.",
        sure=said or "Which rings share an operator is a judgement.",
        alt=(
            f"Grid of {len(rows)} rings by {len(common)} things shared between them, {name_of(operator)}, "
            f"{frame.window}. "
            f"{n} rings, {numbers.count(int(rings['size'].sum()))} accounts; {int(outside.sum())} of "
            "the things are also used by others. "
            "Numbers: rings, evidence, ring_hours."
        ),
        tables="rings, evidence, ring_hours",
        frame=frame,
        marks=rows,
        asides={"things": common.drop(columns=["entity"]).assign(outside=outside), "strip": strip},
    )


def _file(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in text)[:40]


def _shared(evidence: pd.DataFrame) -> pd.DataFrame:
    """Things of two or more rings, one row each: bits summed, accounts of all these rings."""
    positive = evidence[evidence["bits"] > 0]
    both = positive.groupby(["entity_type", "entity"], as_index=False).agg(
        n_rings=("ring_id", "nunique"),
        bits=("bits", "sum"),
        bits_counted=("bits_counted", "sum"),
        n_accounts_in_ring=("n_accounts_in_ring", "sum"),
        n_accounts_total=("n_accounts_total", "max"),
    )
    both["class"] = ""
    shared = both[both["n_rings"] >= 2]
    # what many rings share ties more of them than what two share strongly
    return shared.sort_values(["n_rings", "bits", "entity_type", "entity"], ascending=[False, False, True, True])


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    if len(rows) <= MOST_ROWS:
        return rows
    order = rows.sort_values(["n_accounts", "ring"], ascending=[False, True])
    kept = rows[rows["ring"].isin(order["ring"].head(MOST_ROWS))]
    rest = rows[~rows["ring"].isin(kept["ring"])]
    classes = []
    for low, high in ((100, 10**12), (10, 100), (0, 10)):
        part = rest[(rest["n_accounts"] >= low) & (rest["n_accounts"] < high)]
        if len(part):
            words = (
                f"{len(part)} more of {low} accounts or more"
                if low == 100
                else f"{len(part)} more of {max(low, 3)}{numbers.DASH}{high - 1} accounts"
            )
            classes.append(
                {"ring": words, "things": "", "n_accounts": int(part["n_accounts"].sum()), "n_rings": len(part)}
            )
    return pd.concat([kept, pd.DataFrame(classes)], ignore_index=True)


def _days(ring_hours: pd.DataFrame, rings: set[str]) -> dict[str, dict[str, int]]:
    hours = ring_hours[ring_hours["ring_id"].isin(rings)]
    days = hours.assign(day=hours["hour"].dt.strftime("%Y-%m-%d"))
    by_day = days.groupby(["ring_id", "day"], as_index=False).agg(n_events=("n_events", "sum"))
    made: dict[str, dict[str, int]] = {}
    for row in rows_of(by_day):
        made.setdefault(str(row.ring_id), {})[str(row.day)] = int(row.n_events)
    return made


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return 11.0 + len(sheet.marks) * ROW + (9.0 if sheet.asides["things"]["outside"].any() else 2.0)


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the grid, bars of accounts, and a strip of days a ring."""
    rows, named, theme = sheet.marks, sheet.asides["things"], paper.theme
    left = min(max(paper.wide(str(r)) for r in rows["ring"]) + 3, 46.0)
    places, right = heads(paper, named, sheet.frame, left)
    strip_wide = min(34.0, max(paper.width - right - 34, 14))
    strip = paper.width - 1 - strip_wide
    scale = Scale(0, float(rows["n_accounts"].max()), right + 1, strip - 14)
    slot = dict(zip(named["label"], named["slot"], strict=True))
    first = 10.5
    paper.text(right + 1, 2.2, "accounts")
    paper.text(strip, 2.2, "days of activity")
    for at in range(0, len(rows), 2):
        paper.rect(0, first + at * ROW, right - 1, ROW, theme.tint, hold=False, above=0)
    for label, outside in zip(named["label"], named["outside"], strict=True):
        if outside:  # over the bands of the rows, under the marks
            paper.rect(
                places[label] - 2.4,
                first,
                4.8,
                len(rows) * ROW,
                None,
                edge=theme.others,
                line=0.3,
                hatch="////",
                hold=False,
                above=0,
            )
    for at, row in enumerate(rows_of(rows)):
        y = first + at * ROW
        paper.text(0.8, y + ROW / 2, paper.fits(str(row.ring), left - 2))
        have = set(row.things.split(", "))
        for label, x in places.items() if row.n_rings == 1 else ():
            paper.mark(x, y + ROW / 2, int(slot[label]) if label in have else 0, 2.9 if label in have else 0.5)
        paper.rect(
            scale(0),
            y + 1.3,
            max(scale(row.n_accounts) - scale(0), 0.2),
            ROW - 2.6,
            theme.ink if row.n_rings == 1 else theme.others,
        )
        paper.text(scale(row.n_accounts) + 1.2, y + ROW / 2, numbers.count(int(row.n_accounts)))
        _strip(paper, sheet, str(row.ring), strip, strip_wide, y)
    if named["outside"].any():
        note = "Hatched: also used by accounts outside these rings"
        listed = f"{note} ({', '.join(named.loc[named['outside'], 'label'])})"
        note = listed if paper.fits(listed, paper.width - 4, "note") == listed else note
        paper.text(0.8, first + len(rows) * ROW + 4.5, note, role="note", colour=theme.second)


def _strip(paper: Paper, sheet: Sheet, ring: str, x: float, wide: float, y: float) -> None:
    days = sheet.frame.days()
    by_day = sheet.asides["strip"].get(ring, {})
    high = max([*by_day.values(), 1])
    step = wide / len(days)
    boxes = []
    for at, day in enumerate(days):
        n = by_day.get(day.strftime("%Y-%m-%d"), 0)
        if n:
            tall = max((ROW - 1.4) * n / high, 0.3)
            boxes.append((x + at * step, y + ROW - 0.5 - tall, step, tall))
    paper.cells(boxes, paper.theme.ink)
