"""Seconds, memory and disk of the whole line by stage, beside the bare group-by of the same files.

    python -m tests.benchmarks.scale_line --to FOLDER [--scales 0.01,0.03] [--prompts] [--workers 2] [--rounds 1]

Worlds are `campaign-2026` at some scales, written once below --to and used again. Each run is a process of its own;
beside it, in the same round, DuckDB groups the same files by account, address and day. The ratio of the processor
times is what to look at where the machine is shared. With two sizes or more, growth is fitted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks.scale_measure import child, exponent, machine, processor_seconds

SELF = "tests.benchmarks.scale_line"


class Clock:
    """Notes wall and processor seconds of each stage of a run."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}
        self._now = ("", 0.0, 0.0)

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """A stage begins; the one before it has ended."""
        self.end()
        self._now = (name, time.perf_counter(), processor_seconds())

    def end(self) -> None:
        """Note the stage under way."""
        name, wall, cpu = self._now
        if name:
            took = {"wall": time.perf_counter() - wall, "cpu": processor_seconds() - cpu}
            self.stages[name] = {k: round(v, 2) for k, v in took.items()}

    def tasks(self, what: str, done: int, total: int) -> None:
        """Some tasks are done."""

    def done(self, name: str, rows: int, seconds: float, *, kept: bool) -> None:
        """A stage is done."""


def one_run(source: str, output: str, workers: int, scheduler: str) -> dict[str, Any]:
    """Carry a run out; its stages with seconds, peak memory of this process and rows."""
    from pipeline.run import Request, carry_out
    from pipeline.settings import ExportsSettings, RunSettings, Settings

    settings = Settings(run=RunSettings(workers=workers, scheduler=scheduler), exports=ExportsSettings(make=False))
    clock = Clock()
    start, cpu = time.perf_counter(), processor_seconds()
    place = Path(carry_out(Request(source, output, settings), watch=clock).place)
    clock.end()
    manifest = json.loads((place / "manifest.json").read_text())
    for name, told in manifest["stages"].items():
        clock.stages[name] |= {"peak_memory": told["peak_memory"], "rows": sum(told["rows_out"].values())}
    events = manifest["stages"]["intake"]["counts"]["events"]["in"]
    return {
        "events": events, "wall": round(time.perf_counter() - start, 2), "cpu": round(processor_seconds() - cpu, 2),
        "stages": clock.stages, "rings": manifest["drift"]["scores"],
    }  # fmt: skip


def bare_run(source: str, threads: int) -> dict[str, Any]:
    """The engine's own group-by of the events with the same aggregates."""
    from tests.benchmarks.bench_wide import bare

    paths = sorted(str(p) for p in (Path(source) / "events").rglob("*.parquet"))
    start, cpu = time.perf_counter(), processor_seconds()
    rows = bare(paths, threads)
    return {"rows": rows, "wall": round(time.perf_counter() - start, 2), "cpu": round(processor_seconds() - cpu, 2)}


def world(folder: Path, scale: float, prompts: bool) -> tuple[Path, dict[str, Any]]:
    """The input of that scale, written where it is not there yet, and what its writing took."""
    place = folder / f"campaign-{scale:g}-{'text' if prompts else 'plain'}"
    note = place.with_name(f"{place.name}.json")
    if not note.exists():
        shutil.rmtree(place, ignore_errors=True)
        said, wall, peaks = child(SELF, ["--write", str(place), "--scales", str(scale), *["--prompts"] * prompts])
        note.write_text(json.dumps(json.loads(said) | {"wall": round(wall, 1), "peak_memory": peaks.memory}))
    return place, json.loads(note.read_text())


def write(place: str, scale: float, prompts: bool) -> dict[str, Any]:
    """Write a world."""
    from pipeline.worlds import WORLDS, build

    summary = build(replace(WORLDS["campaign-2026"], prompts=prompts), place, scale=scale)
    return {"events": summary.n_events, "accounts": summary.n_accounts, "cpu": round(processor_seconds(), 1)}


def found(output: Path, source: Path) -> dict[str, Any]:
    """How right the run is: accounts accused, how many of them rightly, and of each operation those found and all."""
    import pandas as pd

    run = output / "latest"
    rings, members = (pd.read_parquet(run / f"{name}.parquet") for name in ("rings", "members"))
    truth = pd.read_parquet(source / "truth.parquet")
    flagged = rings.loc[rings["flagged"], "ring_id"]
    accused = members[members["ring_id"].isin(flagged) & (members["membership"] >= 0.5)]["account_id"].unique()
    guilty = truth[truth["ring_id"].notna()]
    right = guilty.assign(found=guilty["account_id"].isin(accused)).groupby("operator")["found"].agg(["sum", "count"])
    return {
        "accused": int(accused.size), "right": int(right["sum"].sum()), "guilty": len(guilty),
        "operations": {name: [int(n) for n in row] for name, row in zip(right.index, right.to_numpy(), strict=True)},
    }  # fmt: skip


def measure(source: Path, about: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """One size: alternating rounds of the bare group-by and of a whole run; medians."""
    rounds = []
    for _ in range(args.rounds):
        bare = json.loads(child(SELF, ["--bare", str(source), "--workers", str(args.workers)])[0])
        output = Path(args.to) / "output"
        shutil.rmtree(output, ignore_errors=True)
        words = ["--one", str(source), "--out", str(output), "--workers", str(args.workers)]
        said, _, peaks = child(SELF, [*words, "--scheduler", args.scheduler], folder=output)
        run = json.loads(said)
        run |= {"found": found(output, source)}
        rounds.append(run | {"bare": bare, "peak_memory": peaks.memory, "peak_disk": peaks.disk})
        shutil.rmtree(output, ignore_errors=True)
    middle = sorted(rounds, key=lambda r: r["cpu"])[len(rounds) // 2]
    ratios = {k: round(statistics.median(r[k] / r["bare"][k] for r in rounds), 2) for k in ("wall", "cpu")}
    told: dict[str, Any] = {"text": args.prompts, "accounts": about["accounts"], "generated": about}
    return told | middle | {"ratio": ratios, "rounds": len(rounds)}


def report(found: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = []
    for run in found:
        lines += [
            f"\n{run['events']:,} events, {run['accounts']:,} accounts: {run['cpu']} s of processor, "
            f"{run['ratio']['cpu']} x the bare group-by ({run['bare']['cpu']} s); wall {run['wall']} s, "
            f"{run['ratio']['wall']} x; peak memory {run['peak_memory'] / 1e9:.2f} GB, "
            f"disk {run['peak_disk'] / 1e9:.2f} GB; accused {run['found']['accused']:,}, rightly "
            f"{run['found']['right']:,} of {run['found']['guilty']:,}",
            "", "| stage | processor s | share | us an event | wall s | peak memory of the process, GB | rows out |",
            "|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for name, told in run["stages"].items():
            lines.append(
                f"| {name} | {told['cpu']} | {told['cpu'] / run['cpu']:.0%} | {told['cpu'] * 1e6 / run['events']:.2f} "
                f"| {told['wall']} | {told.get('peak_memory', 0) / 1e9:.2f} | {told.get('rows', 0):,} |"
            )
    if len({r["events"] for r in found}) > 1:
        events = [float(r["events"]) for r in found]
        lines += ["", "| grows with the events | exponent |", "|---|---|"]
        for what in ("cpu", "peak_memory", "peak_disk"):
            lines.append(f"| {what} | {exponent(events, [r[what] for r in found]):.2f} |")
        for name in found[0]["stages"]:
            costs = [max(r["stages"][name]["cpu"], 0.01) for r in found]
            lines.append(f"| {name}, processor | {exponent(events, costs):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print, or do one of the pieces in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", default=".cache/bench/scale")
    parser.add_argument("--scales", default="0.01")
    parser.add_argument("--prompts", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", default="threads")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="add the figures to those there")
    for piece in ("--write", "--bare", "--one", "--out"):
        parser.add_argument(piece, help=argparse.SUPPRESS)
    args = parser.parse_args()
    scales = [float(s) for s in args.scales.split(",")]
    if args.write:
        print(json.dumps(write(args.write, scales[0], args.prompts)))
    elif args.bare:
        print(json.dumps(bare_run(args.bare, args.workers)))
    elif args.one:
        print(json.dumps(one_run(args.one, args.out, args.workers, args.scheduler)))
    else:
        Path(args.to).mkdir(parents=True, exist_ok=True)
        found = []
        for scale in scales:
            source, about = world(Path(args.to), scale, args.prompts)
            found.append(measure(source, about, args))
            print(f"{scale:g}: {found[-1]['cpu']} s", file=sys.stderr)
        if args.json:
            note = Path(args.json)
            before = json.loads(note.read_text())["runs"] if note.exists() else []
            note.write_text(json.dumps({"machine": machine(), "runs": before + found}, indent=1) + "\n")
        print(json.dumps(machine()))
        print(report(found))


if __name__ == "__main__":
    main()
