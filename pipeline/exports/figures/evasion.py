"""F9 Evasion price list: what an operator must spend to get by."""

from __future__ import annotations

import math

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.axes import Scale, rules
from pipeline.exports.figures.paper import Paper, spread
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import AXIS, FOCUS, OTHER, Size
from pipeline.exports.trace import Source, cite, safe

PANEL = 48.0
LABELLED = 5


def sheet(results: pd.DataFrame, ours: str, frame: Frame, meaning: dict[float, str] | None = None) -> Sheet:
    """Marks of recall against cost.

    `results`: method, level, cost (multiples of the base level), recall, low, high, seeds.

    `ours` is the method in focus; a method named `chance` is drawn dashed; `meaning` says in words what a cost buys.
    """
    own = results[results["method"] == ours].sort_values("cost")
    if own["level"].nunique() < 2:
        return sentence(
            "f9-evasion",
            "evasion",
            frame,
            "the bench",
            "Evasion was measured at one level only; the table has the numbers.",
        )
    half = own[own["recall"] >= 0.5]
    price = float(half["cost"].max()) if len(half) else float(own["cost"].min())
    seeds = int(own["seeds"].min())
    held = cite(numbers.measure(price), Source("cost_half_found", "results", "cost", (("method", "=", ours),)), price)
    title = (
        f"Half or more of the accounts are found at {held} times the cost"
        if len(half)
        else "Fewer than half of the accounts are found at every cost measured"
    )
    marks = results[["method", "level", "cost", "recall", "low", "high", "seeds"]].sort_values(
        ["method", "cost"], ignore_index=True
    )
    base = results[(results["method"] != ours) & (results["cost"] == price)]["recall"].max()
    return Sheet(
        "f9-evasion",
        "evasion",
        title=title,
        see="Follow the heavy line to the right: the further it stays up, the dearer it is to get by.",
        sure=f"Band: 95% over {seeds} seeds. Simulated operators only; costs are multiples, not money.",
        alt=(
            f"Lines of recall by cost an account, {results['method'].nunique()} methods, bench on "
            f"simulated worlds. {ours} finds half at "
            f"{numbers.measure(price)} times the base cost; the best other method finds "
            f"{numbers.measure(0.0 if pd.isna(base) else float(base))} there. Numbers: results."
        ),
        tables="bench results",
        frame=frame,
        marks=marks,
        asides={"ours": ours, "meaning": meaning or {}},
    )


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return PANEL + 20.0 + (4.2 * math.ceil(len(sheet.asides["meaning"]) / 1) if size.name != "slide" else 0)


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw one line a method, ours in ink with its band, labels at the ends of the lines."""
    marks, theme = sheet.marks, paper.theme
    methods = _order(marks, sheet.asides["ours"])
    tail = max(paper.wide(safe(m)) for m in methods[:LABELLED]) + 4
    low, high = math.log10(marks["cost"].min()), math.log10(max(marks["cost"].max(), marks["cost"].min() * 1.01))
    x, y = Scale(low, high, 12.0, paper.width - tail), Scale(0, 1, 7 + PANEL, 7)
    paper.text(12, 2.5, "Share of the operator's accounts that are found (recall)", role="note", colour=theme.second)
    rules(paper, y, [0, 0.25, 0.5, 0.75, 1.0], 12.0, paper.width - tail, lambda v: f"{v:.2f}")
    ends = []
    for method in reversed(methods):
        rows = marks[marks["method"] == method].sort_values("cost")
        xs, ys = [x(math.log10(c)) for c in rows["cost"]], [y(r) for r in rows["recall"]]
        ours = method == sheet.asides["ours"]
        if ours:
            paper.area(xs, [y(v) for v in rows["high"]], [y(v) for v in rows["low"]], theme.grid)
        paper.line(
            xs,
            ys,
            theme.ink if ours else theme.second if method in methods[:LABELLED] else theme.others,
            FOCUS if ours else OTHER,
            dash=method == "chance",
            above=3 if ours else 2,
        )
        ends.append((ys[-1], method))
    labelled = sorted(e for e in ends if e[1] in methods[:LABELLED])
    for (_, method), place in zip(labelled, spread((e[0] for e in labelled), 3.6, 7, 7 + PANEL), strict=True):
        paper.text(paper.width - tail + 1.5, place, safe(method), bold=method == sheet.asides["ours"])
    bottom = 7 + PANEL
    written = -1e9
    for cost in sorted(set(marks["cost"])):
        at = x(math.log10(cost))
        text = f"{numbers.measure(cost)}x"
        paper.line([at, at], [bottom, bottom + 1], theme.second, AXIS)
        half = paper.wide(text, "note") / 2
        if at - half > written + 1.5:
            paper.text(at, bottom + 3.2, text, role="note", across="center", colour=theme.second)
            written = at + half
    paper.text(
        12,
        bottom + 8,
        "Cost an account, in multiples of the careless operator (log scale)",
        role="note",
        colour=theme.second,
    )
    if paper.size.name != "slide":
        for at, (cost, words) in enumerate(sorted(sheet.asides["meaning"].items())):
            paper.text(
                12,
                bottom + 13 + 4.2 * at,
                paper.fits(f"{numbers.measure(cost)}x: {words}", paper.width - 14, "note"),
                role="note",
            )


def _order(marks: pd.DataFrame, ours: str) -> list[str]:
    best = marks.groupby("method")["recall"].mean().sort_values(ascending=False, kind="stable").index.tolist()
    rest = [m for m in best if m not in (ours, "chance")]
    return [ours, *(["chance"] if "chance" in best else []), *rest]
