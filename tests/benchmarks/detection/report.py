"""The bench as pages, tables and pictures under docs/benchmarks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tests.benchmarks.detection.methods import METHODS, NOT_RUN
from tests.benchmarks.detection.ours import ABLATIONS
from tests.benchmarks.detection.points import SHIFT, Scale
from tests.benchmarks.detection.pooled import Row, calibration, countries, populations, rows
from tests.benchmarks.detection.price import PRICES
from tests.benchmarks.digest import front_matter

Cell = Mapping[str, Any]

_HEAD = (
    "method", "precision", "recall", "F1", "B-cubed F1", "rings at 0.5", "rings at 0.8", "precision at k",
    "innocent rings", "s", "GB",
)  # fmt: skip


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def interval(share: Mapping[str, Any]) -> str:
    """A share with its interval."""
    if not share["of"]:
        return "–"
    return f"{number(share['share'])} [{number(share['low'])}, {number(share['high'])}]"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in body), ""]


def row_of(row: Row) -> list[str]:
    """A pooled row as the main table shows it."""
    return [
        row["method"], interval(row["precision"]), interval(row["recall"]), number(row["f1"]),
        number(row["b_cubed"]), _counted(row["rings_05"]), _counted(row["rings_08"]), number(row["at_guilty"]),
        str(row["innocent_rings"]), number(row["seconds"], 1), number(row["peak_memory"] / 1e9, 2),
    ]  # fmt: skip


def _counted(share: Mapping[str, Any]) -> str:
    return f"{share['hits']} of {share['of']}"


def page(cells: Sequence[Cell], knobs: Mapping[str, Mapping[str, Any]], scale: Scale) -> str:
    """The page: what was run, the tables, what was not run."""
    made = rows(cells)
    names = {a.name for a in ABLATIONS}
    lines = [
        front_matter("settings", "model"), "# Detection, side by side", "",
        _said(scale), "",
    ]  # fmt: skip
    for factor, title in _TITLES.items():
        for level in dict.fromkeys(r["level"] for r in made if r["factor"] == factor):
            chosen = [r for r in made if (r["factor"], r["level"]) == (factor, level)]
            seeds = sorted({c["seed"] for c in cells if (c["factor"], c["level"]) == (factor, level)})
            lines += [f"## {title}: {level}", "", f"Seeds {', '.join(map(str, seeds))}.", ""]
            lines += table(_HEAD, (row_of(r) for r in chosen if r["method"] not in names))
            taken_out = [r for r in chosen if r["method"] in names]
            if taken_out:
                lines += ["The line with one thing taken out, nothing trained anew:", ""]
                lines += table(_HEAD, (row_of(r) for r in taken_out))
    lines += _attribution(made) + _calibration(cells) + _errors(cells) + _methods(knobs)
    return "\n".join(lines)


def _said(scale: Scale) -> str:
    """What was run, and how to read it."""
    return (
        f"`python -m tests.benchmarks.detection --scale {scale.name}`: worlds of {scale.accounts:,} accounts (the "
        f"world `mixed`, {100 * scale.prevalence:g} % guilty, requests {scale.volume / 0.75:.2g} times its own, "
        f"generator settings shifted by {SHIFT}), one thing changed at a time. Every method gets the same allowlist, "
        "address ranges, normal forms and template ids; knobs were chosen by mean F1 on other seeds. Intervals are "
        "Wilson's at 95 % over all accounts of a row's worlds; accounts of one ring are not independent, so the truth "
        "is wider. Precision at k: k is the number of guilty accounts. Innocent rings: flagged rings made of innocents "
        "by half or more. Seconds are of the method alone, once the shared graph is there, on a machine kept busy by "
        "other work."
    )


_TITLES = {
    "base": "Base point", "prevalence": "Prevalence", "evasion": "Care of the operators", "attacker": "The attacker",
    "world": "World", "size": "Accounts", "settings": "Settings of the generator",
    "followers": "Crowd",
}  # fmt: skip


def _attribution(made: Sequence[Row]) -> list[str]:
    chosen = [r for r in made if r["method"] == "ours" and r["named"]["of"]]
    body = [
        [r["level"], interval(r["named_wrongly"]), interval(r["named"]), interval(r["attributable"]),
         interval(r["joined_right"]), interval(r["joined_found"])]
        for r in chosen
    ]  # fmt: skip
    head = (
        "level", "named wrongly", "true rings named", "attributable ones named", "pairs under one id that are right",
        "pairs found",
    )  # fmt: skip
    return ["## Attribution (ours; no other method names anybody)", "", *table(head, body)]


def _calibration(cells: Sequence[Cell]) -> list[str]:
    """Reliability of what ours claims, pooled over every cell."""
    lines = ["## Calibration (ours, all worlds together)", ""]
    for what, title in (("ring_claims", "Score of a ring"), ("name_claims", "Probability of a named operator")):
        found = calibration(cells, what)
        if found is None:
            continue
        lines += [
            f"{title}: {found['n']:,} claims, {found['middle']:,} of them between 0.05 and 0.95; expected error "
            f"{number(found['error'])} (so many claims that hold exactly as often as they say: "
            f"{number(found['error_by_chance'])}) and Brier skill {number(found['skill'])} over these, "
            f"{number(found['error_all'])} and {number(found['skill_all'])} over all.", "",
        ]  # fmt: skip
        lines += table(("said", "held", "claims"), (
            [number(b["said"], 2), interval(b), str(b["of"])] for b in found["bins"]))  # fmt: skip
    return lines


def _errors(cells: Sequence[Cell]) -> list[str]:
    base = [c for c in cells if c["factor"] in ("base", "world", "settings") and c["method"] in _SHOWN]
    lines = ["## Innocent accounts accused, by sub-population (base point, settings as shipped, no fraud)", ""]
    for title, found in (("sub-population", populations(base)), ("country", countries(base))):
        methods = [m for m in _SHOWN if any(k[0] == m for k in found)]
        keys = sorted({k[1] for k in found})
        body = [[key, *(_small(found.get((m, key))) for m in methods)] for key in keys]
        lines += table((title, *methods), body)
    return lines


_SHOWN = ("ours", "F2", "F3", "F15")


def _small(share: Mapping[str, Any] | None) -> str:
    if share is None:
        return "–"
    return f"{100 * share['share']:.2f} % ({share['hits']} of {share['of']:,})"


def _methods(knobs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    body = [[n, METHODS[n].says, json.dumps(dict(knobs[n]), sort_keys=True)] for n in METHODS if n in knobs]
    lines = ["## Methods and their knobs", "", *table(("method", "what it does", "knobs chosen"), body)]
    lines += ["Not run here:", ""] + [f"* {name}: {why}." for name, why in NOT_RUN.items()]
    prices = ", ".join(f"{what} {price:g}" for what, price in PRICES.items())
    return [*lines, "", "Prices behind the evasion price list, in plain accounts (assumed): " + prices + ".", ""]


def flat(made: Sequence[Row]) -> pd.DataFrame:
    """Pooled rows as a flat table."""
    return pd.DataFrame([
        {
            "factor": r["factor"], "level": r["level"], "method": r["method"], "seeds": r["seeds"],
            **{
                f"{what}{end}": round(r[what][part], 4) if r[what]["of"] else None
                for what in ("precision", "recall", "rings_05", "rings_08")
                for end, part in (("", "share"), ("_low", "low"), ("_high", "high"))
            },
            **{w: None if r[w] is None else round(r[w], 4) for w in ("f1", "b_cubed", "at_guilty")},
            "innocent_rings": r["innocent_rings"], "seconds": round(r["seconds"], 2),
            "peak_memory": r["peak_memory"],
        }
        for r in made
    ])  # fmt: skip


def draw(made: Sequence[Row], to: Path) -> None:
    """Precision against recall at the base point, one mark a method with its intervals."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "detection"
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for r in made:
        p, c = r["precision"], r["recall"]
        if r["factor"] != "base" or not p["of"] or r["method"].startswith("without"):
            continue
        ours = r["method"] == "ours"
        colour = "#20558a" if ours else "#888888"
        axes.plot([c["low"], c["high"]], [p["share"]] * 2, color=colour, linewidth=1)
        axes.plot([c["share"]] * 2, [p["low"], p["high"]], color=colour, linewidth=1)
        axes.plot(c["share"], p["share"], "o", color=colour, markersize=5)
        axes.annotate(
            r["method"], (c["share"], p["share"]), xytext=(4, 4), textcoords="offset points", fontsize=8,
            color=colour, fontweight="bold" if ours else "normal",
        )  # fmt: skip
    axes.set(xlabel="guilty accounts accused (recall)", ylabel="accused accounts guilty (precision)",
             xlim=(0, 1.02), ylim=(0, 1.02))  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(to, metadata={"Date": None})
