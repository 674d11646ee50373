"""Stages that make empty tables: the runner is tested without the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.link_types import link_types
from pipeline.plan import BY_NAME
from pipeline.schemas import TABLES, arrow_schema
from pipeline.storage.tables import extra_columns


class Stubs:
    """`find` for a walk; notes which stages were called, and may fail at one of them."""

    def __init__(self, *, fail_at: str | None = None, fault: Exception | None = None) -> None:
        self.called: list[str] = []
        self.given: dict[str, dict[str, Any]] = {}
        self.fail_at, self.fault = fail_at, fault or RuntimeError("stub")

    def __call__(self, stage: str) -> Callable[..., Any]:
        """The stub of a stage."""

        def make(**given: Any) -> Any:
            self.called.append(stage)
            self.given[stage] = given
            if stage == self.fail_at:
                raise self.fault
            kinds = link_types(given["settings"].link_types)
            return SimpleNamespace(**{t: empty(t, kinds, given["bench"].scratch) for t in BY_NAME[stage].writes})

        return make


def empty(table: str, kinds: Any, scratch: str) -> Any:
    """An empty table; of a wide one a single part without rows."""
    schema = arrow_schema(TABLES[table], extra_columns(table, kinds))
    if not TABLES[table].wide:
        return pa.Table.from_batches([], schema=schema)
    path = Path(scratch) / f"{table}.parquet"
    pq.write_table(pa.Table.from_batches([], schema=schema), path)
    return [str(path)]
