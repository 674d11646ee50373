"""`ringtrace plan-capacity`: how many cores, how much memory and disk a run will need."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.capacity import Need

HELP = "say how many cores, how much memory and disk a run of a given size needs"
EXAMPLE = "ringtrace plan-capacity --events 1e9 --accounts 3e6 --hours 2"
SIZES = (1e8, 1e9, 1e10, 1e11)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--events", type=float, metavar="N", help="requests of a window (default: a table of sizes)")
    parser.add_argument("--accounts", type=float, metavar="N", help="accounts with requests (default: events / 350)")
    parser.add_argument("--hours", type=float, default=1.0, metavar="H", help="hours a run may take (default: 1)")
    parser.add_argument("--no-text", action="store_true", help="the log has template ids or no prompts at all")
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="X", help="speed of a core against the measured one (default: 1)"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")


def main(args: argparse.Namespace) -> int:
    """Say it."""
    from pipeline.capacity import EVENTS_AN_ACCOUNT, Load, need
    from pipeline.errors import UsageError

    for name in ("events", "accounts", "hours", "speed"):
        value = getattr(args, name)
        if value is not None and not 0 < value <= 1e15:
            raise UsageError(f"--{name} is out of bounds", found=f"{value:g}", expected="a number above 0")
    found = []
    for events in [args.events] if args.events else SIZES:
        load = Load(events, args.accounts or max(1.0, events / EVENTS_AN_ACCOUNT), not args.no_text)
        found.append((load, need(load, args.hours, speed=args.speed)))
    if args.json:
        told = [{"events": x.events, "accounts": x.accounts, "text": x.text, **n.as_dict()} for x, n in found]
        print(json.dumps(told if args.events is None else told[0]))
        return 0
    if args.events is None:
        print(f"{'events':>8} {'accounts':>9} {'cores':>6} {'hours':>7} {'core hours':>10} {'workers':>9} "
              f"{'driver':>9} {'disk':>9} {'graph rows':>11}")  # fmt: skip
        for load, n in found:
            print(f"{load.events:8.0e} {load.accounts:9.1e} {n.cores:6d} {n.hours:7.2f} {n.processor_hours:10.1f} "
                  f"{n.workers_gb:6.0f} GB {n.driver_gb:6.0f} GB {n.disk_gb:6.0f} GB {n.graph_rows:11.1e}")  # fmt: skip
    else:
        print("\n".join(_lines(found[0][1])))
    if any("refuses" in n.bound for _, n in found):
        print("Above incidence.max_rows rows of the graph a run refuses to go on: one machine searches the graph.")
    print("From measured costs of one machine (docs/benchmarks/scale.md); beyond its sizes this is an extrapolation.")
    return 0


def _lines(n: Need) -> list[str]:
    top = sorted(n.share.items(), key=lambda item: -item[1])[:4]
    return [
        f"cores   {n.cores} (about {n.hours:g} hours; {n.processor_hours:g} hours of processor time)",
        f"memory  {n.workers_gb:g} GB for the workers, {n.driver_gb:g} GB for the process that walks the plan",
        f"disk    {n.disk_gb:g} GB for working tables, beside the input and the finished runs",
        f"bound   {n.bound}",
        "most of the time goes to " + ", ".join(f"{name} ({share:.0%})" for name, share in top),
    ]
