"""`make demo`: a small world is simulated, the line runs over it, and what it found is held against the truth.

Run as `python -m tests.support.demo [FOLDER]`; the world goes to FOLDER/world and the run to FOLDER/output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pipeline.cli import main as ringtrace
from pipeline.words import number


def say(words: str) -> None:
    """A line of the demonstration itself."""
    print(f"\n\033[1m{words}\033[0m" if sys.stdout.isatty() else f"\n{words}", flush=True)


def step(*words: str) -> None:
    """Show a command and run it; the demonstration ends where it fails."""
    say("$ ringtrace " + " ".join(words))
    code = ringtrace(words)
    if code:
        sys.exit(code)


def main() -> None:
    """The demonstration."""
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    world, output = base / "world", base / "output"
    if not (world / "truth.parquet").exists():
        step("simulate", "small", "--to", str(world))
    progress = "bars" if sys.stderr.isatty() else "plain"
    step("run", str(world), "--output", str(output), "--resume", "--progress", progress)
    run = output / "latest"
    show_rings(run)
    step("evaluate", str(run), "--truth", str(world / "truth.parquet"))
    show_pictures(run)


def show_rings(run: Path) -> None:
    """The rings of a run, strongest first."""
    import pyarrow.parquet as pq

    columns = ["ring_id", "size", "score", "flagged", "kind", "operator", "reason"]
    order = [("score", "descending"), ("ring_id", "ascending")]
    rings = pq.read_table(run / "rings.parquet", columns=columns).sort_by(order)
    say(f"{rings.num_rows} rings, {sum(rings['flagged'].to_pylist())} of them flagged:")
    for ring in rings.to_pylist()[:12]:
        mark = "flagged" if ring["flagged"] else "       "
        operator = ring["operator"] or "-"
        size, kind = f"{ring['size']:>5} accounts", f"{ring['kind']:<14}"
        print(f"  {ring['ring_id']:<12} {mark}  score {number(ring['score'])}  {size}  {kind} {operator}")
        print(f"      {ring['reason']}")
    if strongest := next((r["ring_id"] for r in rings.to_pylist() if not r["flagged"]), None):
        print(f"  What keeps a ring from being flagged: .venv/bin/ringtrace explain {run} {strongest}")


def show_pictures(run: Path) -> None:
    """Where to look next."""
    manifest = json.loads((run / "manifest.json").read_text())
    place = run.resolve()
    say(f"The run {manifest['run_id']} lies in {place}")
    for name, words in (("figures", "pictures"), ("briefing.html", "briefing"), ("briefing.pdf", "briefing as PDF")):
        if (run / name).exists():
            print(f"  {words}: {place / name}")
    print("  workspace: .venv/bin/ringtrace review output")


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.SubprocessError) as fault:
        sys.exit(f"demo: {fault}")
