"""F5 Waterfall: why a ring has its score, part by part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale, ticks
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import AXIS, GRID, Size
from pipeline.exports.frames import rows_of
from pipeline.exports.trace import Source, cite, safe
from pipeline.part_words import START, reading, title

ROW = 4.8
MOST = 12
UNITS = ("share", "bits", "days", "entities")  # others, such as logarithms, stay in the table
CHANCES = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)


def sheet(ring: pd.Series, score_parts: pd.DataFrame, scores: pd.DataFrame, frame: Frame) -> Sheet:
    """Marks of the waterfall of one ring.

    `ring` is its row of `rings`; `score_parts` its parts; `scores` all (`score_bits`, `score`) of the run, from which
    the scale of probabilities at the foot is read.
    """
    name = f"f5-waterfall-{ring.ring_id}"
    parts = _ordered(score_parts, {t.family for t in frame.types})
    where = (("ring_id", "=", str(ring.ring_id)),)
    total = cite(numbers.bits(ring.score_bits), Source("value", "rings", "score_bits", where), ring.score_bits)
    score = cite(numbers.probability(ring.score), Source("value", "rings", "score", where), ring.score)
    if len(parts) < 2:
        return sentence(
            name, "waterfall", frame, "rings", f"The score of {ring.ring_id} is {score}; it has no parts to show."
        )
    strongest = parts[parts["part"] != START].sort_values(["bits", "part"], ascending=[False, True]).iloc[0]
    against = int((parts.loc[parts["part"] != START, "bits"] < 0).sum())
    rows = _waterfall(parts, int(ring["size"]))
    return Sheet(
        name,
        "waterfall",
        title=f"{ring.ring_id}: the parts sum to {total} bits, a score of {score}",
        see=(
            "Each row starts where the one above ended; filled to the right speaks for one coordinated "
            "operation, hatched to the left against."
        ),
        sure="The sum is the score before calibration; values and references stand in brackets.",
        alt=(
            f"Waterfall of {len(rows)} rows, score of {ring.ring_id}, {frame.window}. Sum "
            f"{numbers.bits(ring.score_bits)} bits. "
            f"Strongest part: {_label(strongest.part)}, {numbers.bits(strongest.bits)}; parts against: "
            f"{against}. Numbers: score_parts."
        ),
        tables="score_parts, rings",
        frame=frame,
        marks=rows,
        asides={"score": float(ring.score), "sum": float(ring.score_bits), "chances": _chances(scores)},
    )


def _ordered(parts: pd.DataFrame, families: set[str]) -> pd.DataFrame:
    """Parts in fixed order: start, shared things by bits, behaviour by bits, counter-evidence; zero parts fall away."""
    parts = parts[(parts["bits"].abs() >= 0.005) | (parts["part"] == START)].copy()
    shared = parts["family"].isin(families)
    parts["rank"] = 2
    parts.loc[shared, "rank"] = 1
    parts.loc[parts["bits"] < 0, "rank"] = 3
    parts.loc[parts["part"] == START, "rank"] = 0
    parts = parts.sort_values(["rank", "bits", "part"], ascending=[True, False, True])
    if len(parts) <= MOST:
        return parts
    # the smallest are told together; counter-evidence of any weight is never hidden among them unless it is small
    order = parts[parts["rank"] > 0].assign(weight=lambda t: t["bits"].abs()).sort_values(["weight", "part"])
    small = order.index[: len(parts) - (MOST - 1)]
    rest = parts.loc[small]
    together = pd.DataFrame(
        {
            "part": [f"{len(rest)} more, together"],
            "family": [""],
            "value": [None],
            "unit": [""],
            "reference": [None],
            "bits": [rest["bits"].sum()],
            "rank": [4],
        }
    )
    return pd.concat([parts.drop(index=small), together], ignore_index=True)


def _label(part: str) -> str:
    return title(safe(part))


def _waterfall(parts: pd.DataFrame, accounts: int) -> pd.DataFrame:
    """Rows with where each bar begins and ends, in bits."""
    ends = parts["bits"].cumsum()
    return pd.DataFrame(
        {
            "part": [_label(p) for p in parts["part"]],
            "read": [_read(r, accounts) for r in rows_of(parts)],
            "value": parts["value"].astype(float),
            "reference": parts["reference"].astype(float),
            "unit": parts["unit"].fillna("").astype(str),
            "bits": parts["bits"].astype(float),
            "from_bits": (ends - parts["bits"]).astype(float),
            "to_bits": ends.astype(float),
        }
    ).reset_index(drop=True)


def _chances(scores: pd.DataFrame) -> list[tuple[float, float]]:
    """(probability, bits) of the foot scale, read from the scored rings: only within what they cover.

    Calibration is a line in log odds, so between two rings the scale is read along it.
    """
    known = scores[["score_bits", "score"]].dropna().sort_values(["score", "score_bits"]).drop_duplicates("score")
    if len(known) < 2:
        return []
    odds, bits = _odds(known["score"].to_numpy(float)), known["score_bits"].to_numpy(float)
    inside = [chance for chance in CHANCES if odds[0] <= _odds(np.array(chance)) <= odds[-1]]
    return [(chance, float(np.interp(_odds(np.array(chance)), odds, bits))) for chance in inside]


def _odds(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    inner = np.clip(share, 1e-12, 1.0 - 1e-12)
    return np.asarray(np.log(inner / (1.0 - inner)), dtype=np.float64)


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return (len(sheet.marks) + 1) * ROW + (16.0 if sheet.asides["chances"] else 10.0)


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the rows, the sum, the line of even odds and the two scales."""
    rows, theme = sheet.marks, paper.theme
    total = sheet.asides["sum"]
    texts = [_row_text(r) for r in rows_of(rows)]
    label_width = min(max(paper.wide(t) for t in texts) + 2, paper.width * 0.36)
    low = min(0.0, rows["to_bits"].min(), rows["from_bits"].min(), total)
    high = max(0.0, rows["to_bits"].max(), rows["from_bits"].max(), total)
    pad = 11.0
    scale = Scale(low, high, label_width + 4 + pad, paper.width - pad - 2)
    bottom = (len(rows) + 1) * ROW + 1
    zero = scale(0)
    for value in ticks(high, 5, low):
        paper.line([scale(value)] * 2, [0, bottom], theme.grid, GRID, above=0)
        paper.line([scale(value)] * 2, [bottom, bottom + 0.8], theme.second, AXIS)
        paper.text(
            scale(value),
            bottom + 2.8,
            numbers.bits(value).replace(".0", "") + (" bits" if value == 0 else ""),
            role="note",
            across="center",
            colour=theme.second,
        )
    paper.line([zero, zero], [0, bottom], theme.second, AXIS, above=1)
    for at, row in enumerate(rows_of(rows)):
        y = at * ROW
        paper.text(0.5, y + ROW / 2, paper.fits(texts[at], label_width))
        _bar(paper, scale, row.from_bits, row.to_bits, y)
        if at + 1 < len(rows) + 1:
            x = scale(row.to_bits)
            paper.line([x, x], [y + 0.8, y + ROW + 4.4], theme.second, GRID, above=1)
    y = len(rows) * ROW
    paper.text(0.5, y + ROW / 2, "Sum", bold=True)
    _bar(paper, scale, 0.0, total, y)
    _foot(paper, sheet, scale, bottom, low, high)


def _row_text(row: Any) -> str:
    """A part with its value and reference in brackets."""
    return f"{row.part} ({row.read})" if row.read else str(row.part)


def _read(row: Any, accounts: int) -> str:
    """Value and reference of a part, where its unit can be read without a formula."""
    if pd.isna(row.value) or row.unit not in UNITS:
        return ""
    unit = str(row.unit)
    said = reading(str(row.part), float(row.value), unit, accounts)
    if pd.notna(row.reference):
        said = f"{said.removesuffix(' points')} / {reading(str(row.part), float(row.reference), unit, accounts)}"
    return said if unit == "share" else f"{said} {unit}"


def _bar(paper: Paper, scale: Scale, start: float, end: float, y: float) -> None:
    left, right = sorted((scale(start), scale(end)))
    theme = paper.theme
    against = end < start
    paper.rect(
        left,
        y + 0.8,
        max(right - left, 0.3),
        ROW - 1.6,
        None if against else theme.ink,
        edge=theme.ink,
        line=0.6,
        hatch="/////" if against else "",
    )
    text = numbers.bits(end - start)
    if against:
        paper.text(left - 1.0, y + ROW / 2, text, across="right", outline=True)
    else:
        paper.text(right + 1.0, y + ROW / 2, text, outline=True)


def _foot(paper: Paper, sheet: Sheet, scale: Scale, bottom: float, low: float, high: float) -> None:
    chances = [(p, b) for p, b in sheet.asides["chances"] if low <= b <= high]
    if not sheet.asides["chances"]:
        return
    y = bottom + 8
    theme = paper.theme
    paper.text(0.5, y - 0.4, "Score after calibration", role="note", colour=theme.second)
    paper.line([scale(low), scale(high)], [y - 2.4, y - 2.4], theme.second, AXIS)
    written = paper.wide("Score after calibration", "note") + 2
    for chance, at in chances:
        x = scale(at)
        text = f"{chance:.2f}"
        half = paper.wide(text, "note") / 2
        if x - half < written:
            continue
        paper.line([x, x], [y - 3.2, y - 2.4], theme.second, AXIS)
        paper.text(x, y, text, role="note", across="center", colour=theme.second)
        written = x + half + 1.5
