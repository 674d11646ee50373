"""The compiled engine for group-bys inside one task: DuckDB, one thread, bounded memory, UTC."""

from __future__ import annotations

import duckdb


def connect(scratch: str, memory: int) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine; what does not fit in `memory` bytes spills into `scratch`."""
    engine = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": f"{max(memory // 2**20, 256)}MiB",
            "temp_directory": scratch,
            "preserve_insertion_order": False,
        }
    )
    engine.execute("set TimeZone = 'UTC'")
    return engine
