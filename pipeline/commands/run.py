"""`ringtrace run`: the main job."""

from __future__ import annotations

import argparse
import json
import sys

HELP = "find rings in an input and write one finished run"
EXAMPLE = "ringtrace run world --output output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("input", metavar="INPUT", help="folder (or fsspec URI) with events, payments, accounts ...")
    parser.add_argument("--output", default="output", help="folder of finished runs (default: output)")
    parser.add_argument("--settings", metavar="FILE", help="settings file (TOML)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask cluster to work on, such as tcp://host:8786")
    parser.add_argument("--since", metavar="T", help="beginning of the window, UTC (default: 45 days before its end)")
    parser.add_argument("--until", metavar="T", help="end of the window, UTC (default: midnight after the last event)")
    parser.add_argument("--previous", metavar="RUN|none", help="the run before this one (default: the latest)")
    parser.add_argument("--decisions", metavar="URI", help="analysts' decisions, where they do not lie in the input")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--keep-working", action="store_true", help="leave the working tables in the run")
    parser.add_argument("--begin", action="store_true", help="only begin the run; `ringtrace stage` goes on with it")
    parser.add_argument(
        "--progress", choices=("auto", "bars", "plain", "none"), default="auto", help="progress on standard error"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")


def main(args: argparse.Namespace) -> int:
    """Carry out the run and say where it is."""
    from pipeline.commands._progress import watching
    from pipeline.period import instant
    from pipeline.run import Request, carry_out
    from pipeline.settings_reader import read_settings

    request = Request(
        input=args.input, output=args.output, settings=read_settings(args.settings),
        since=instant(args.since, what="--since") if args.since else None,
        until=instant(args.until, what="--until") if args.until else None, previous=args.previous,
        decisions=args.decisions, scheduler=args.scheduler, resume=args.resume, keep_working=args.keep_working,
        scheduled=args.begin,
    )  # fmt: skip
    with watching(args.progress) as watch:
        result = carry_out(request, watch=watch, only_begin=args.begin)
    if args.json:
        values = {"run_id": result.run_id, "run": result.place, "already_whole": result.already, "whole": result.whole}
        print(json.dumps(values))
    elif args.begin and not result.already:
        print(result.run_id)
    else:
        print(f"The run {result.run_id} was whole already." if result.already else f"The run {result.run_id} is whole.")
        print(result.place)
        if sys.stdout.isatty():
            print(_outlook(result.place, args.output))
    return 0


def _outlook(place: str, output: str) -> str:
    """How many rings there are, and where to look next."""
    from pipeline.storage import open_run

    table = open_run(place).read("rings")
    rings = sorted(zip(table["score"].to_pylist(), table["ring_id"].to_pylist(), strict=True), reverse=True)
    said = f"{len(rings)} rings reported, {sum(table['flagged'].to_pylist())} of them flagged."
    explained = f"ringtrace explain {place} {rings[0][1]}, or " if rings else ""
    return f"{said}\nLook at them with: {explained}ringtrace review {output}"
