"""A second opinion on every number of a briefing: its source, read as text, worked out in SQL on the run's files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb

Row = tuple[str, str, str]


def value_of(run: Path, source: str) -> float | str:
    """The value that a source says, from the run's own files."""
    what, _, tail = source.partition(" where ")
    how, _, name = what.partition(" ")
    table, _, column = name.partition(".")
    where = [tuple(w.split(" ", 2)) for w in tail.split("; ")] if tail else []
    if table == "manifest":
        found = json.loads((run / "manifest.json").read_text())
        for step in column.split("."):
            found = found[step]
        return float(found)
    sql = RULES.get(how, plain)(how, f"'{run}/{table}.parquet'", column, where, str(run))
    got = base().execute(sql).fetchone()
    assert got is not None
    return got[0] if isinstance(got[0], str) else float(got[0] or 0)


@cache
def base() -> duckdb.DuckDBPyConnection:
    """One connection for all numbers."""
    made = duckdb.connect(config={"threads": 1})
    made.execute("SET TimeZone='UTC'")
    return made


def condition(where: list[Row]) -> str:
    """Rows of a source as SQL."""
    made = []
    for column, operator, value in where:
        if operator == "in":
            made.append(f"{column} IN ({', '.join(quoted(v) for v in value.split(', '))})")
        elif value == "null":
            made.append(f"{column} IS NULL")
        elif value in ("true", "false") or re.fullmatch(r"-?\d+(\.\d+)?", value):
            made.append(f"{column} {operator} {value}")
        else:
            made.append(f"{column} {operator} {quoted(value)}")
    return " AND ".join(made) or "true"


def quoted(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def plain(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Plain ways of counting."""
    ways = {
        "value": f"any_value({column})",
        "count": "count(*)",
        "sum": f"sum({column})",
        "min": f"min({column})",
        "max": f"max({column})",
        "distinct": f"count(DISTINCT {column})",
    }
    if column.endswith("_seen"):
        ways["value"] = f"strftime(any_value({column}), '%Y-%m-%d')"
    return f"SELECT {ways[how]} FROM {table} WHERE {condition(where)}"


def accused(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Members of flagged rings with membership 0.5 or more."""
    return (
        f"SELECT count(*) FROM {table} m JOIN '{run}/rings.parquet' r USING (ring_id) "
        "WHERE r.flagged AND m.membership >= 0.5"
    )


def days_half_together(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Days with an hour in which half the ring was active."""
    return (
        f"SELECT count(DISTINCT date_trunc('day', h.hour)) FROM {table} h JOIN '{run}/rings.parquet' r USING (ring_id) "
        f"WHERE h.n_accounts >= 2 AND h.n_accounts >= 0.5 * r.size AND {condition(where)}"
    )


def days_seen(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Days from the first to the last, both counted."""
    first, last = (f"date_trunc('day', {c}_seen)" for c in ("first", "last"))
    return f"SELECT date_diff('day', {first}, {last}) + 1 FROM {table} WHERE {condition(where)}"


def max_shared(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """The most accounts that share one of the twelve strongest things that speak for the ring."""
    strongest = (
        f"SELECT * FROM {table} WHERE bits > 0 AND n_accounts_in_ring >= 2 AND {condition(where)} "
        "ORDER BY bits_counted DESC, bits DESC, n_accounts_in_ring DESC, entity_type, entity LIMIT 12"
    )
    return f"SELECT max(n_accounts_in_ring) FROM ({strongest})"


def shared_by_rings(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Things that two or more flagged rings of an operator share."""
    return (
        f"SELECT count(*) FROM (SELECT entity_type, entity FROM {table} e JOIN '{run}/rings.parquet' r USING (ring_id) "
        f"WHERE r.flagged AND e.bits > 0 AND {condition(where)} GROUP BY ALL HAVING count(DISTINCT ring_id) >= 2)"
    )


def families_counted(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Families of evidence with three bits or more; what the rest of the run says is none."""
    return (
        f"SELECT count(*) FROM (SELECT family FROM {table} "
        f"WHERE part <> 'start' AND family <> 'run' AND {condition(where)} "
        "GROUP BY family HAVING sum(bits) >= 3.0)"
    )


def flagged_beyond(how: str, table: str, column: str, where: list[Row], run: str) -> str:
    """Flagged rings beyond the rows that are listed."""
    return f"SELECT count(*) - {int(where[0][2])} FROM {table} WHERE flagged"


RULES: dict[str, Callable[[str, str, str, list[Row], str], str]] = {
    "accused": accused,
    "days_half_together": days_half_together,
    "days_seen": days_seen,
    "max_shared": max_shared,
    "shared_by_rings": shared_by_rings,
    "families_counted": families_counted,
    "flagged_beyond": flagged_beyond,
}
