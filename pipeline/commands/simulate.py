"""`ringtrace simulate`: a synthetic world with its truth."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

HELP = "write a synthetic world with its truth"
EXAMPLE = "ringtrace simulate small --to world"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("world", metavar="WORLD", help="small, mixed, calm, confounders, evasion, campaign-2026 ...")
    parser.add_argument("--to", required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="size against its own (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    parser.add_argument("--format", choices=("parquet", "csv", "jsonl"), default="parquet", help="file format")
    parser.add_argument("--json", action="store_true", help="machine-readable summary on standard output")


def main(args: argparse.Namespace) -> int:
    """Write the world and say what is in it."""
    from pipeline.errors import UsageError, quoted
    from pipeline.worlds import WORLDS, simulate

    if args.world not in WORLDS:
        raise UsageError("there is no such world", found=quoted(args.world), expected=", ".join(WORLDS))
    if not 0 < args.scale <= 1000:
        raise UsageError("--scale is out of bounds", found=f"{args.scale:g}", expected="a number above 0")
    shown = _bar() if sys.stderr.isatty() else None
    summary = simulate(
        args.world, args.to, scale=args.scale, seed=args.seed, format=args.format, progress=shown
    )
    values = _plain(summary)
    if args.json:
        print(json.dumps(values, default=str))
    else:
        print(f"The world {args.world} lies in {args.to}.")
        print(", ".join(f"{k}: {v:,}" for k, v in values.items() if isinstance(v, int) and not isinstance(v, bool)))
    return 0


def _plain(summary: Any) -> dict[str, Any]:
    """The summary as plain values."""
    if dataclasses.is_dataclass(summary) and not isinstance(summary, type):
        return dataclasses.asdict(summary)
    return dict(summary._asdict())


def _bar() -> Any:
    """Tells how far the writing is, on one line of standard error."""

    def show(what: str, done: int, total: int) -> None:
        end = "\n" if done >= total else ""
        print(f"\r{what}: {done} of {total}   ", end=end, file=sys.stderr, flush=True)

    return show
