"""Reference pages of tables: what comes in, what passes between stages, what a finished run holds."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.plan import STAGES, writer_of
from pipeline.schemas import INPUTS, OUTPUTS, WORKING, Column, Table
from pipeline.schemas.inputs import RESERVED_OPERATORS, RESERVED_PREFIX
from tests.support.reference_text import cell, code, sentence, table

AUDIENCES = {
    "pipeline": "the line alone",
    "analysts": "analysts",
    "restricted": "analysts, and whoever may see single requests",
    "everyone": "everyone",
}
TYPES = {"timestamp": "timestamp (microseconds, UTC)", "dynamic": "one column a link type"}


def inputs() -> str:
    """The input tables."""
    reserved = ", ".join(code(w) for w in (*RESERVED_OPERATORS, RESERVED_PREFIX + "..."))
    head = f"""# Input tables

The input is a folder, or any URI that fsspec opens. A table is found by its stem: a Parquet file, a folder of Parquet,
CSV or JSON lines (flat or by `date=YYYY-MM-DD`), or one CSV or JSON-lines file, each also as `.gz`. Only `events` is
needed. Logs with other names are mapped in the settings (`[input.events.columns]`); `ringtrace validate --suggest`
proposes the mapping. Identifiers are opaque text, timestamps are UTC, empty CSV fields are null. Further columns are no
fault: a link type can name them.

Of `prompt` and `template_id` one is needed. Rows with one `request_id` are one request; without it, rows that agree in
every column are. An operator may not be called {reserved}."""
    return head + "\n\n" + "\n\n".join(_input(t) for t in INPUTS.values())


def _input(described: Table) -> str:
    rows = [(code(c.name), _type(c), _needed(c), _meaning(c)) for c in described.columns]
    needed = ("column", "type", "needed", "meaning")
    return _section(described, [table(needed, rows)], read_by=_readers_of_input(described.name))


def _needed(column: Column) -> str:
    if not column.required:
        return "no"
    return "yes, null allowed" if column.nullable else "yes"


def outputs() -> str:
    """The tables of a finished run."""
    head = """# Tables of a finished run

A run is a folder `<output>/<run_id>/` that appears whole or not at all and is never changed again. Each table is one
Parquet file, sorted by its key. Columns may be added in later versions, none is renamed or dropped.

Beside them lie `manifest.json` (window, settings, seed, digests of inputs and model, what each stage counted),
`rejected/` (refused rows, see [working tables](working.md)), and, where exports are on, `figures/`, `briefing.pdf`,
`briefing.html`, `stix.json` and `graph.gexf`.

An **accused account** is a member of a flagged ring with `membership` of 0.5 or more."""
    return head + "\n\n" + "\n\n".join(_written(t) for t in OUTPUTS)


def working() -> str:
    """The tables that pass between stages."""
    head = """# Working tables

What stages hand to one another. They are removed when the run is whole, unless `ringtrace run --keep-working` leaves
them in `<run>/working/`. Wide tables are kept as many Parquet parts and are never read whole."""
    return head + "\n\n" + "\n\n".join(_written(t) for t in WORKING)


def _written(described: Table) -> str:
    rows = [(code(c.name), _type(c), "" if c.nullable else "yes", _meaning(c)) for c in described.columns]
    body = table(("column", "type", "never null", "meaning"), rows)
    readers = [s.name for s in STAGES if described.name in s.reads]
    readers += [f"{s.name} of the next run" for s in STAGES if described.name in s.previous]
    return _section(described, [body], written_by=writer_of(described.name).name, read_by=readers)


def _section(described: Table, body: list[str], *, written_by: str = "", read_by: Iterable[str] = ()) -> str:
    facts = [f"One row is {described.grain}."]
    if described.key:
        facts.append("Key: " + ", ".join(code(k) for k in described.key) + ".")
    if written_by:
        facts.append(f"Written by {code(written_by)}.")
    readers = [code(r) if " " not in r else f"{code(r.split(' ')[0])} {r.split(' ', 1)[1]}" for r in read_by]
    if readers:
        facts.append("Read by " + ", ".join(readers) + ".")
    facts.append(f"For {AUDIENCES[described.audience]}.")
    parts = [f"## {described.name}", cell(" ".join(facts))]
    if described.warning:
        parts.append("**" + sentence(described.warning) + "**")
    return "\n\n".join([*parts, *body])


def _type(column: Column) -> str:
    return cell(TYPES.get(column.type, column.type))


def _meaning(column: Column) -> str:
    words = cell(column.meaning)
    if column.choices:
        words += ": " + ", ".join(code(c) for c in column.choices)
    return words + (" (sensitive)" if column.sensitive else "")


def _readers_of_input(name: str) -> list[str]:
    return [s.name for s in STAGES if name in s.inputs or (name == "events" and "prompts" in s.inputs)]
