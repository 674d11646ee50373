"""F6 Scores: how the scores are spread, and whether the number can be believed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale, rules, ticks, top
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import AXIS, FOCUS, OTHER, Size
from pipeline.exports.frames import rows_of
from pipeline.exports.trace import Source, cite

BINS = 20
PANEL = 46.0
FEWEST, BIN_FEWEST = 30, 10


def sheet(
    rings: pd.DataFrame, threshold: float, frame: Frame, held: pd.DataFrame | None = None, basis: str = ""
) -> Sheet:
    """Marks of the spread of scores and, where 30 or more judged rings are known, of their calibration.

    `held` has `score` and `held` (whether it was right), or bins of them (`said`, `held`, `n`); it comes from one
    `basis` ("decisions" or "simulated truth"), never both.
    """
    n, flagged = len(rings), int(rings["flagged"].sum())
    if n == 0:
        return sentence("f6-scores", "scores", frame, "rings", "No group of this window reached the report floor.")
    all_rings = cite(numbers.count(n), Source("count", "rings"), n)
    over = cite(numbers.count(flagged), Source("count", "rings", "", (("flagged", "=", "true"),)), flagged)
    edges = np.linspace(0, 1, BINS + 1)
    counts, _ = np.histogram(rings["score"].clip(0, 1), bins=edges)
    above, _ = np.histogram(rings.loc[rings["flagged"], "score"].clip(0, 1), bins=edges)
    marks = pd.DataFrame({"panel": "scores", "low": edges[:-1].round(2), "high": edges[1:].round(2), "n": counts})
    marks["n_flagged"] = above
    curve = curve_of(held)
    if len(curve):
        marks = pd.concat([marks, curve.assign(panel="calibration")], ignore_index=True)
        sure = f"Held share with 95% Wilson intervals, bins of equal mass, judged by {basis}."
    else:
        sure = f"Fewer than {FEWEST} judged rings: no calibration is shown."
    return Sheet(
        "f6-scores",
        "scores",
        title=f"{over} of {all_rings} {numbers.plural(n, 'group')} {'was' if flagged == 1 else 'were'} flagged",
        see=("Left: rings" if len(curve) else "Rings")
        + " by score, and the threshold. Dark: flagged; pale beyond it: held back by another rule."
        + (" Right: a dot on the diagonal held as often as was said." if len(curve) else ""),
        sure=sure,
        alt=(
            f"Histogram of {numbers.count(n)} ring scores in {BINS} bins, {frame.window}. {flagged} "
            f"flagged, threshold {threshold:.2f}. "
            + (f"Calibration in {len(curve)} bins against the diagonal. " if len(curve) else "No calibration. ")
            + "Numbers: rings."
        ),
        tables="rings" + (f", {basis}" if len(curve) else ""),
        frame=frame,
        marks=marks,
        asides={"threshold": threshold, "basis": basis},
    )


def wilson(held: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    if n == 0:
        return 0.0, 1.0
    share = held / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def curve_of(held: pd.DataFrame | None) -> pd.DataFrame:
    """The bins of the calibration: none below 30 judged rings, none of fewer than 10."""
    if held is None or held.empty:
        return pd.DataFrame()
    if "said" in held.columns:
        return merged(held) if held["n"].sum() >= FEWEST else pd.DataFrame()
    return calibration(held) if len(held) >= FEWEST else pd.DataFrame()


def merged(bins: pd.DataFrame) -> pd.DataFrame:
    """Bins in order of what was said, neighbours put together until each holds 10."""
    made: list[dict[str, float]] = []
    for said, held, n in bins.sort_values("said")[["said", "held", "n"]].to_numpy(float):
        if made and made[-1]["n"] < BIN_FEWEST:
            last = made[-1]
            last["said"] = (last["said"] * last["n"] + said * n) / (last["n"] + n)
            last["n"], last["n_held"] = last["n"] + n, last["n_held"] + held * n
        else:
            made.append({"said": said, "n": n, "n_held": held * n})
    if len(made) > 1 and made[-1]["n"] < BIN_FEWEST:
        end, before = made.pop(), made[-1]
        before["said"] = (before["said"] * before["n"] + end["said"] * end["n"]) / (before["n"] + end["n"])
        before["n"], before["n_held"] = before["n"] + end["n"], before["n_held"] + end["n_held"]
    rows = []
    for one in made:
        n, right = round(one["n"]), round(one["n_held"])
        low, high = wilson(right, n)
        said, held, low, high = (round(v, 4) for v in (one["said"], right / n, low, high))
        rows.append({"said": said, "held": held, "held_low": low, "held_high": high, "n": n, "n_held": right})
    return pd.DataFrame(rows)


def calibration(held: pd.DataFrame) -> pd.DataFrame:
    """Said score and held share in bins of equal mass, at least 10 a bin."""
    order = held.sort_values(["score", "held"], ignore_index=True)
    bins = max(1, min(10, len(order) // BIN_FEWEST))
    rows = []
    for part in np.array_split(np.arange(len(order)), bins):
        group = order.iloc[part]
        right, n = int(group["held"].sum()), len(group)
        low, high = wilson(right, n)
        rows.append(
            {
                "said": round(float(group["score"].mean()), 4),
                "held": round(right / n, 4),
                "held_low": round(low, 4),
                "held_high": round(high, 4),
                "n": n,
                "n_held": right,
            }
        )
    return pd.DataFrame(rows)


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return PANEL + 20.0


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw the histogram, and the calibration beside it where there is one."""
    curve = sheet.marks[sheet.marks["panel"] == "calibration"]
    left, wide = 12.0, (paper.width - 18) if curve.empty else paper.width * 0.5 - 12
    counts = sheet.marks[sheet.marks["panel"] == "scores"]
    high = top(float(counts["n"].max()))
    y = Scale(0, high, 8 + PANEL, 8)
    x = Scale(0, 1, left, left + wide)
    paper.text(left, 3, "Rings by score", role="note", colour=paper.theme.second)
    rules(paper, y, [t for t in ticks(high) if t == int(t)], left, left + wide, numbers.short)
    for row in rows_of(counts):
        for n, paint in ((row.n, paper.theme.others), (row.n_flagged, paper.theme.ink)):
            if n:
                paper.rect(x(row.low) + 0.2, y(n), x(row.high) - x(row.low) - 0.4, y(0) - y(n), paint, hold=False)
    _marks_below(paper, x, 8 + PANEL)
    threshold = x(sheet.asides["threshold"])
    paper.line([threshold, threshold], [5.5, 8 + PANEL], paper.theme.second, AXIS, dash=True, above=4)
    words = f"threshold {sheet.asides['threshold']:.2f}"
    paper.text(
        threshold - 1,
        3,
        words,
        role="note",
        across="right" if threshold - paper.wide(words, "note") > left + 30 else "left",
    )
    if not curve.empty:
        _calibration(paper, curve, sheet.asides["basis"])


def _marks_below(paper: Paper, x: Scale, bottom: float) -> None:
    for at in (0, 0.25, 0.5, 0.75, 1.0):
        paper.line([x(at), x(at)], [bottom, bottom + 1], paper.theme.second, AXIS)
        paper.text(x(at), bottom + 3.2, f"{at:.2f}", role="note", across="center", colour=paper.theme.second)
    paper.text((x(0) + x(1)) / 2, bottom + 7.5, "score", role="note", across="center", colour=paper.theme.second)


def _calibration(paper: Paper, curve: pd.DataFrame, basis: str) -> None:
    left, right = paper.width * 0.5 + 14, paper.width - 4
    x, y = Scale(0, 1, left, right), Scale(0, 1, 8 + PANEL, 8)
    paper.text(left, 3, f"Held, of those said (judged by {basis})", role="note", colour=paper.theme.second)
    rules(paper, y, [0, 0.5, 1.0], left, right, lambda v: f"{v:.1f}")
    paper.line([x(0), x(1)], [y(0), y(1)], paper.theme.others, OTHER)
    for row in rows_of(curve):
        paper.line([x(row.said)] * 2, [y(row.held_low), y(row.held_high)], paper.theme.ink, FOCUS)
        paper.mark(x(row.said), y(row.held), 0, 2.0, hold=False)
    _marks_below(paper, x, 8 + PANEL)
