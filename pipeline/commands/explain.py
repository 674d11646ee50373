"""`ringtrace explain`: the evidence on a ring or an account, in the terminal."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

HELP = "show the evidence on a ring or an account"
EXAMPLE = "ringtrace explain output/latest R-1A2B3C"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("run", metavar="RUN", help="a finished run, such as output/latest")
    parser.add_argument("name", metavar="RING_OR_ACCOUNT", help="a ring id, or an account id")
    parser.add_argument("--json", action="store_true", help="machine-readable facts on standard output")


def main(args: argparse.Namespace) -> int:
    """Print the evidence."""
    from pipeline.explain import as_lines, explain
    from pipeline.storage import open_run
    from pipeline.storage.tables import to_frame

    run = open_run(args.run)
    facts = explain(args.name, lambda table: to_frame(run.read(table)), _families(run.manifest))
    facts = {"run_id": run.run_id, **facts}
    if args.json:
        json.dump(_plain(facts), sys.stdout, indent=2, sort_keys=True)
        print()
    else:
        print("\n".join(as_lines(facts)))
    return 0


def _families(manifest: dict[str, Any]) -> dict[str, str]:
    """Family of each link type of the run: built in, or declared in its settings."""
    from pipeline.link_types import BUILT_IN

    declared = manifest.get("settings", {}).get("link_types", [])
    return {t.name: t.family for t in BUILT_IN} | {str(t["name"]): str(t["family"]) for t in declared}


def _plain(value: Any) -> Any:
    """Values that JSON knows: times as ISO 8601, missing ones as null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if value is None or value != value:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
