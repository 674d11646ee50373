"""Carries out `ringtrace export`: one run, or one STIX bundle, to one file for another system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline import storage
from pipeline.errors import InputError, Place, UsageError
from pipeline.exports.approval import read_approval
from pipeline.exports.brief import redacted
from pipeline.exports.enforcement import accused_csv
from pipeline.exports.safe_csv import csv_bytes
from pipeline.exports.tables import DESCRIBED, INTERNAL, RunTables, Tables

FORMATS = ("stix", "gexf", "graphml", "csv", "misp", "indicators")
GRAPHS = ("gexf", "graphml")


def carry_out(
    run: str, form: str, to: str, *, audience: str = INTERNAL, recipient: str = "", key_file: str | None = None,
    approval: str | None = None, table: str = "",
) -> int:  # fmt: skip
    """Write one file; returns its size in bytes. Raises UsageError, InputError."""
    made = from_stix(run) if form == "indicators" else _made(run, form, audience, recipient, key_file, approval, table)
    target = Path(to)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(made)
    return len(made)


def _made(
    run: str, form: str, audience: str, recipient: str, key_file: str | None, approval: str | None, table: str
) -> bytes:
    inner = RunTables.of(storage.open_run(run))
    tables: Tables = inner
    if audience != INTERNAL:
        if form in GRAPHS:
            raise UsageError(
                "pictures of single accounts are for inside use",
                found=form,
                expected="stix, misp or csv",
                mend="Choose another format.",
            )
        read_approval(approval, run_id=inner.manifest["run_id"], audience=audience, recipient=recipient, rings=())
        tables = redacted(inner, audience, recipient, key_file)
    if form == "csv":
        return _csv(tables, table)
    return _writers()[form](tables)


def _csv(tables: Tables, table: str) -> bytes:
    if not table:
        return accused_csv(tables)
    if table not in DESCRIBED:
        raise UsageError(
            "the run has no such table", found=table, expected=", ".join(DESCRIBED), mend="Choose one of these."
        )
    return csv_bytes(tables.table(table))


def _writers() -> dict[str, Callable[[Tables], bytes]]:
    """Writers by format; those that need the `briefing` extra say so."""
    from pipeline.exports import graph_files, misp

    def stix(tables: Tables) -> bytes:
        try:
            from pipeline.exports.stix import bundle_bytes
        except ImportError as fault:
            raise UsageError(
                "STIX needs the `briefing` extra", expected="stix2 installed", mend="Install ringtrace[briefing]."
            ) from fault
        return bundle_bytes(tables)

    return {
        "stix": stix,
        "misp": misp.event_bytes,
        "gexf": lambda tables: graph_files.gexf(graph_files.graph_of(tables)),
        "graphml": lambda tables: graph_files.graphml(graph_files.graph_of(tables)),
    }


def from_stix(path: str) -> bytes:
    """A STIX bundle as the input table `indicators` in CSV. Raises InputError."""
    from pipeline.exports.stix import indicators_of

    place = Place(path)
    try:
        return csv_bytes(indicators_of(Path(path).read_bytes()))
    except OSError as fault:
        raise InputError(
            "the bundle cannot be read", place=place, mend="Name a file with a STIX 2.1 bundle."
        ) from fault
    except Exception as fault:
        raise InputError(
            "this is no STIX 2.1 bundle",
            place=place,
            found=type(fault).__name__,
            expected="a bundle that stix2 reads strictly",
        ) from fault
