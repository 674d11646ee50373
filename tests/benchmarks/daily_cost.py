"""What a morning costs: the stages that read the log, on the last day after the day before, and from scratch.

    python -m tests.benchmarks.daily_cost --to FOLDER [--accounts 5000] [--volume 2.0] [--ids] [--json FILE]

Writes an `onset` world of 45 days where there is none (with `--ids` it tells template ids in place of prompts), runs
the look over the input and the three stages up to day 44, then the morning of day 45, then the same window in an output
of its own. Processor seconds of this process, one worker; the gates' look after a stage is part of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from pipeline.period import instant
from pipeline.run import Request, Result, carry_out, one_stage
from pipeline.run.unfinished import open_unfinished
from pipeline.settings import RunSettings, Settings
from pipeline.storage import folder
from pipeline.worlds import build
from pipeline.worlds.world import WORLDS

RULES = Settings(run=RunSettings(workers=1, scheduler="sync"))
STEPS = ("look over the input", "intake", "templates", "sightings")


def early(source: Path, output: Path, until: date) -> tuple[dict[str, float], int]:
    """Processor seconds of each step of one run, which is then given up, and the requests of its window."""
    took: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Result]) -> Result:
        before = time.process_time()
        made = work()
        took[step] = time.process_time() - before
        return made

    request = Request(str(source), str(output), RULES, until=instant(until.isoformat()), previous="none")
    run_id = timed(STEPS[0], partial(carry_out, request, only_begin=True)).run_id
    for stage in STEPS[1:]:
        timed(stage, partial(one_stage, stage, run_id, output=str(output)))
    run = open_unfinished(folder(str(output)), run_id)
    n_events = int(run.stages["intake"]["counts"]["events"]["out"])
    shutil.rmtree(run.folder)
    return took, n_events


def main() -> None:
    """Make the world, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--volume", type=float, default=2.0)
    parser.add_argument("--ids", action="store_true", help="template ids in place of prompts")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    world = replace(
        WORLDS["onset"], n_accounts=args.accounts, volume=args.volume, ring_size=(12.0, 60.0), prompts=not args.ids
    )
    source = args.to / "world"
    if not source.exists():
        build(world, source, seed=11)
    last = date.fromisoformat(world.start) + timedelta(days=world.days)
    for name in ("daily", "once"):
        shutil.rmtree(args.to / name, ignore_errors=True)
    early(source, args.to / "daily", last - timedelta(days=1))
    morning, n_events = early(source, args.to / "daily", last)
    scratch, _ = early(source, args.to / "once", last)
    print(f"{args.accounts:,} accounts, {n_events:,} requests, {'template ids' if args.ids else 'prompts'}\n")
    print("| step | morning | from scratch | share |\n|---|---|---|---|")
    rows = [(step, morning[step], scratch[step]) for step in STEPS]
    rows.append(("together", sum(morning.values()), sum(scratch.values())))
    for step, a, b in rows:
        print(f"| {step} | {a:.2f} | {b:.2f} | {a / b:.0%} |")
    if args.json:
        args.json.write_text(json.dumps({"accounts": args.accounts, "requests": n_events, "steps": rows}) + "\n")


if __name__ == "__main__":
    main()
