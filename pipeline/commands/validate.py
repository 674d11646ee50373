"""`ringtrace validate`: what is wrong with an input, where, and how to mend it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.validate import Report

HELP = "check the input tables and say what is wrong, where, and how to mend it"
EXAMPLE = "ringtrace validate world"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("input", metavar="INPUT", help="folder (or fsspec URI) with events, payments, accounts ...")
    parser.add_argument("--settings", metavar="FILE", help="settings file (TOML)")
    parser.add_argument(
        "--suggest", action="store_true", help="propose, as settings, which column of the log is which of ours"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")


def main(args: argparse.Namespace) -> int:
    """Check, or propose names; 0 where a run would accept the input, else 2."""
    from pipeline.settings_reader import read_settings
    from pipeline.storage.find import find_inputs

    inputs = find_inputs(args.input)
    if args.suggest:
        return _suggest(inputs, args.json)
    import tempfile

    from pipeline.storage.tasks import DaskBench, cores
    from pipeline.validate import validate

    settings = read_settings(args.settings)
    workers = settings.run.workers or cores()
    with tempfile.TemporaryDirectory(prefix="ringtrace-") as scratch:
        bench = DaskBench(scratch, workers, int(settings.run.memory_gb * 1e9 / workers), settings.run.scheduler)
        report = validate(inputs, settings, bench)
    print(json.dumps(report.as_dict()) if args.json else as_text(report))
    return 0 if report.good else 2


def _suggest(inputs: object, as_json: bool) -> int:
    from dataclasses import asdict

    from pipeline.suggest import as_toml, suggest
    from pipeline.workbench import Inputs

    assert isinstance(inputs, Inputs)
    found = suggest(inputs)
    if as_json:
        print(json.dumps([asdict(s) for s in found]))
    elif found:
        print("# Put this into a settings file, look it over, and name it with --settings.")
        print(as_toml(found))
    else:
        print("Nothing to propose: every column that could be told bears our name already.")
    return 0


def as_text(report: Report) -> str:
    """The report for people."""
    lines = []
    for table in report.tables:
        files = f"{table.n_files} file" + ("" if table.n_files == 1 else "s")
        counted = f"{table.n_rows:,} rows in {files}, {table.n_refused:,} refused" if table.n_rows else f"in {files}"
        lines.append(f"{table.name}: {counted}")
        lines += [f"  FAULT  {fault}" for fault in table.faults]
        lines += [f"  refused  {refused}" for refused in table.refused]
        lines += [f"  {note}" for note in table.notes]
    lines += report.notes
    good, bad = "A run would accept this input.", "A run would refuse this input; mend the faults above."
    lines.append(good if report.good else bad)
    return "\n".join(lines)
