"""`ringtrace status`: the last runs, their gates, what is under way and what is late."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from pipeline.arrivals import Arrivals

HELP = "show the last runs, their gates and what is late"
EXAMPLE = "ringtrace status output --input world"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("output", metavar="OUTPUT", nargs="?", default="output", help="folder of finished runs")
    parser.add_argument("--input", metavar="INPUT", help="the input, to say which days have come and are not yet run")
    parser.add_argument(
        "--day", metavar="D", help="only say whether this day's input is complete (exit code 1 where it is not)"
    )
    parser.add_argument(
        "--marker", metavar="PATH", help='file in the input that marks a day, such as "events/date={day}/_SUCCESS"'
    )
    parser.add_argument(
        "--min-share", type=float, default=0.4, metavar="X",
        help="without marker: rows that a complete day has at least, as a share of a usual day (default: 0.4)",
    )  # fmt: skip
    parser.add_argument("--last", type=int, default=7, metavar="N", help="runs to show (default: 7)")
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")


def main(args: argparse.Namespace) -> int:
    """Show it; with --day, answer whether that day can be run."""
    if args.day:
        return _complete(args)
    found = status(args.output, args.input, last=args.last)
    if args.json:
        print(json.dumps(found, indent=1, sort_keys=True))
    else:
        print("\n".join(_lines(found)))
    return 0


def _complete(args: argparse.Namespace) -> int:
    from pipeline.arrivals import require
    from pipeline.errors import UsageError
    from pipeline.period import instant
    from pipeline.settings import WindowSettings
    from pipeline.storage import folder

    if not args.input:
        raise UsageError("--day asks about an input", expected="--input INPUT", mend="Name the input.")
    day = instant(args.day, what="--day").date()
    marker = (args.marker or "").replace("{day}", day.isoformat())
    marked = folder(args.input).below(*marker.split("/")).exists() if marker else None
    said = require(
        arrived(args.input), day, marked=marked, marker=marker, min_share=args.min_share, days=WindowSettings().days
    )
    print(json.dumps({"day": day.isoformat(), "complete": True}) if args.json else said)
    return 0


def arrived(uri: str) -> Arrivals:
    """Which days of events lie in an input."""
    from fsspec.core import url_to_fs

    from pipeline.arrivals import arrivals
    from pipeline.storage import find_inputs

    table = find_inputs(uri).tables["events"]
    if table.format == "parquet":
        import pyarrow.parquet as pq

        from pipeline.rows import open_file

        sizes = []
        for number in range(len(table.files)):
            with open_file(table, number, unpack=False) as file:
                sizes.append(int(pq.read_metadata(file).num_rows))
        return arrivals(uri, table.shown, sizes, "rows")
    opened = [url_to_fs(url, **table.options) for url in table.files]
    return arrivals(uri, table.shown, [int(fs.size(path) or 0) for fs, path in opened], "bytes")


def status(output: str, input_uri: str | None, *, last: int = 7) -> dict[str, Any]:
    """The last runs, newest first, what is under way, and the days that have come since the newest run's end."""
    from pipeline.run.unfinished import Unfinished, workshop
    from pipeline.storage import folder, list_runs

    place = folder(output)
    runs = list_runs(place)
    under_way = [Unfinished.open(f) for f in sorted(workshop(place).glob("*-*-*-*"))]
    found: dict[str, Any] = {
        "runs": [_run(r.manifest) for r in reversed(runs[-last:])],
        "under_way": [_waiting(u) for u in under_way if u is not None],
    }
    if input_uri:
        here = arrived(input_uri)
        newest = max(here.sizes)
        end = runs[-1].until.date() if runs else min(here.sizes)
        late: list[date] = sorted(d for d in here.sizes if d >= end)
        found["late"] = [d.isoformat() for d in late]
        found["missing"] = [d.isoformat() for d in here.gaps(newest, 45)]
    return found


def _run(manifest: dict[str, Any]) -> dict[str, Any]:
    scores = manifest.get("drift", {}).get("scores", {})
    return {
        "run_id": manifest["run_id"], "until": manifest["until"], "rings": scores.get("rings"),
        "flagged": scores.get("flagged"), "seconds": round(sum(s["seconds"] for s in manifest["stages"].values()), 1),
        "shut": [g for g in manifest.get("gates", []) if not g["open"]],
        "warnings": manifest.get("drift", {}).get("warnings", []),
    }  # fmt: skip


def _waiting(run: Any) -> dict[str, Any]:
    from pipeline.plan import STAGES

    missing = [s.name for s in STAGES if s.name not in run.stages]
    looks = run.record.get("looks", {}).values()
    shut = [g for found in looks for g in found.get("gates", ()) if not g["open"]]
    return {"run_id": run.run_id, "next": missing[0] if missing else "publish", "shut": shut}


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [] if found["runs"] else ["There is no finished run yet."]
    for run in found["runs"]:
        told = f"{run['rings']} rings, {run['flagged']} flagged, " if run["rings"] is not None else ""
        lines.append(f"{run['run_id']}  to {run['until'][:10]}  {told}{run['seconds']} s")
        lines += [f"    gate {g['name']} was shut: {g['says']}" for g in run["shut"]]
        lines += [f"    {w}" for w in run["warnings"]]
    for waiting in found["under_way"]:
        lines.append(f"{waiting['run_id']}  under way, next: {waiting['next']}")
        lines += [f"    gate {g['name']} is shut: {g['says']}" for g in waiting["shut"]]
    if "late" in found:
        lines.append(f"not yet run: {', '.join(found['late'])}" if found["late"] else "No day waits to be run.")
        lines += [f"missing: {', '.join(found['missing'])}"] if found["missing"] else []
    return lines
