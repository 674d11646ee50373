"""`ringtrace stage`: one stage of a run under way, for schedulers."""

from __future__ import annotations

import argparse
import json

from pipeline.gates import NAMES as GATES
from pipeline.plan import STAGES

HELP = "carry out one stage of a run that is under way (for schedulers)"
EXAMPLE = "ringtrace stage intake --run 2026-06-05-1a2b3c4d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    names = [s.name for s in STAGES]
    parser.add_argument(
        "name", metavar="NAME", choices=[*names, "publish"], help=f"{', '.join(names)}, or publish at the end"
    )
    parser.add_argument("--run", required=True, metavar="RUN_ID", help="the run, as `ringtrace run --begin` printed it")
    parser.add_argument("--output", default="output", help="folder of finished runs (default: output)")
    parser.add_argument("--gates", action="store_true", help="stop (exit code 2) where a gate of the stage is shut")
    parser.add_argument(
        "--let-through", metavar="GATE", choices=GATES, action="append", default=[],
        help=f"a gate that need not open (may be repeated): {', '.join(GATES)}",
    )  # fmt: skip
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask cluster to work on")
    parser.add_argument(
        "--progress", choices=("auto", "bars", "plain", "none"), default="auto", help="progress on standard error"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")


def main(args: argparse.Namespace) -> int:
    """Carry out the stage."""
    from pipeline.commands._progress import watching
    from pipeline.run import one_stage

    with watching(args.progress) as watch:
        result = one_stage(
            args.name, args.run, output=args.output, scheduler=args.scheduler, watch=watch, gates=args.gates,
            let_through=args.let_through,
        )  # fmt: skip
    if args.json:
        print(json.dumps({"run_id": result.run_id, "stage": args.name, "already_whole": result.already}))
    else:
        print(f"The run {result.run_id} was whole already." if result.already else f"{args.name} is done.")
    return 0
