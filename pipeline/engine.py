"""The compiled engine for group-bys: DuckDB, one thread inside a task, bounded memory, UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(scratch: str, memory: int, *, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine; what does not fit in `memory` bytes spills into `scratch`. More than one thread only
    outside tasks, where no other engine is at work."""
    import duckdb

    engine = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": f"{max(memory // 2**20, 256)}MiB",
            "temp_directory": scratch,
            "preserve_insertion_order": False,
        }
    )
    engine.execute("set TimeZone = 'UTC'")
    return engine


def text_literal(value: str) -> str:
    """A value as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
