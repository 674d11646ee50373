"""The page of scale: figures kept in docs/benchmarks/scale.json, the bounds they are held against beside them."""

from __future__ import annotations

import json
from typing import Any

from tests.benchmarks.scale_measure import exponent
from tests.support.house import ROOT
from tests.support.reference_text import table

KEPT = ROOT / "docs/benchmarks/scale.json"
Run = dict[str, Any]

# floor and goal of each ratio, as `scale_goals` numbers them
ASKED = {
    4: ("Dask's own group-by against sightings", "5", "7"),
    5: ("a self-merge in pandas against pairs of rare things", "10", "20"),
    6: ("all pairs searched against pairs pruned first", "10", "20"),
    7: ("communities against one call of igraph, lower is better", "1.0", "0.6"),
    8: ("the reference implementation against communities", "8", "10"),
    13: ("`--help` against an interpreter that imports numpy, lower is better", "3", "2"),
}


def page() -> str:
    """What a run costs by stage, how it grows, and single functions beside what stands for them elsewhere."""
    kept = json.loads(KEPT.read_text())
    runs: list[Run] = kept["runs"]
    parts = [_head(kept["machine"]), _sizes(runs), _growth(runs)]
    parts += [_stages(max((r for r in runs if r["text"] == text), key=_events)) for text in (False, True)]
    parts += [_found(runs), _functions(kept["functions"]), _limits(kept)]
    return "\n\n".join(parts)


def _events(run: Run) -> int:
    return int(run["events"])


def _head(machine: dict[str, Any]) -> str:
    names = ("python", "duckdb", "dask", "distributed", "pyarrow", "pandas", "numpy", "igraph", "scipy")
    versions = ", ".join(f"{name} {machine[name]}" for name in names)
    return f"""# What scale costs

`python -m tests.benchmarks.scale_line` runs worlds of the campaign at several scales from beginning to end, each in a
process of its own, and beside each DuckDB's bare group-by of the same files by account, address and day. Numbers lie in
`scale.json`; the capacity model (`ringtrace plan-capacity`) is held against them by a test.

Measured on {machine["date"]}: {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gb"]} GB;
{versions}.
Each size was run once, most of them beside other work: processor seconds are roughly fit
to be compared, wall seconds say little. The largest was run before the templates of a circle had a class of their own
([decision 28](../decisions/0028-the-templates-of-a-circle.md), which says what is found of it since)."""


def _sizes(runs: list[Run]) -> str:
    rows = [
        (
            f"{_events(r):,}", f"{r['accounts']:,}", "yes" if r["text"] else "no", f"{r['cpu']:.0f}",
            f"{r['wall']:.0f}", f"{r['ratio']['cpu']:.0f}", f"{r['peak_memory'] / 1e9:.2f}",
            f"{r['peak_disk'] / 1e9:.2f}",
        )
        for r in runs
    ]  # fmt: skip
    head = ("events", "accounts", "prompts", "processor s", "wall s", "times the bare group-by, processor",
            "memory GB, peak of all processes", "disk GB, peak")  # fmt: skip
    return "## The whole line\n\n" + table(head, rows)


def _growth(runs: list[Run]) -> str:
    rows = []
    for text in (False, True):
        some = [r for r in runs if r["text"] == text]
        events = [float(_events(r)) for r in some]
        fitted = [exponent(events, [r[what] for r in some]) for what in ("cpu", "peak_memory", "peak_disk")]
        span = f"{min(events) / 1e6:.1f} to {max(events) / 1e6:.1f} million"
        rows.append(("with" if text else "without", span, *(f"{x:.2f}" for x in fitted)))
    head = ("prompts", "events", "processor", "memory", "disk")
    asked = "1.05 is asked of the cost, 0.5 of the memory"
    return f"Growth with the events, as an exponent ({asked}):\n\n{table(head, rows)}"


def _stages(run: Run) -> str:
    rows = []
    for name, told in run["stages"].items():
        rows.append((
            name, f"{told['cpu']:.1f}", f"{told['cpu'] / run['cpu']:.0%}", f"{told['cpu'] * 1e6 / run['events']:.2f}",
            f"{told['wall']:.1f}", f"{told.get('peak_memory', 0) / 1e9:.2f}", f"{told.get('rows', 0):,}",
        ))  # fmt: skip
    head = ("stage", "processor s", "share", "us an event", "wall s", "memory GB, peak of the process", "rows out")
    words = "with prompts" if run["text"] else "without prompts"
    return f"## Where the time goes: {run['events']:,} events, {words}\n\n" + table(head, rows)


def _found(runs: list[Run]) -> str:
    """What the campaign's runs accuse."""
    rows = []
    for r in runs:
        found = r["found"]
        operations = (f"{n:,} of {of:,}" for n, of in found["operations"].values())
        said = (f"{found[what]:,}" for what in ("accused", "right", "guilty"))
        rows.append((f"{_events(r):,}", "yes" if r["text"] else "no", *said, *operations))
    head = ("events", "prompts", "accused", "rightly", "guilty", *runs[0]["found"]["operations"])
    return "## What is found\n\nAccounts, and by operation those that are accused.\n\n" + table(head, rows)


def _functions(found: list[dict[str, Any]]) -> str:
    rows = [(*ASKED[f["goal"]], f"{f['ratio']:.2f}", f["note"]) for f in found]
    head = ("what", "floor", "goal", "measured", "on what")
    return f"""## Single functions beside what a user would call instead

`python -m tests.benchmarks.scale_goals --rounds 3 --events 1000000`: medians of three alternating rounds in one
process, both sides checked to give the same answer. A ratio is the processor time of the first by that of the second.

{table(head, rows)}"""


def _missed(found: list[dict[str, Any]]) -> str:
    """Names of the functions whose floor was not held."""
    missed = []
    for f in found:
        what, floor, _ = ASKED[f["goal"]]
        held = f["ratio"] <= float(floor) if "lower" in what else f["ratio"] >= float(floor)
        missed += [] if held else [what]
    return "; ".join(missed) or "none"


def _limits(kept: dict[str, Any]) -> str:
    runs: list[Run] = kept["runs"]
    plain = max((r for r in runs if not r["text"]), key=_events)
    text = max((r for r in runs if r["text"]), key=_events)
    first = {r["text"]: max(r["stages"], key=lambda s: r["stages"][s]["cpu"]) for r in (plain, text)}
    return f"""## What was not shown

* With prompts the largest size that was run is {_events(text):,} events; the full scale was not waited for.
* Where operators have thousands of accounts fewer of them are found: {plain["found"]["right"]:,} of
  {plain["found"]["guilty"]:,} at the largest size, of {plain["found"]["accused"]:,} accused.
* The whole line is far from a few times the bare group-by: {plain["ratio"]["cpu"]:.0f} times at {_events(plain):,}
  events. Without prompts most of it goes to `{first[False]}`, with prompts to `{first[True]}`: they are what to work
  on next.
* Floors missed by single functions: {_missed(kept["functions"])}.
* Two workers against one were not timed: the machine has two cores, and others used them."""
