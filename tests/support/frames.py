"""Tables as stages are given them, from a few rows; and a workbench that works at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from pipeline.schemas import TABLES, arrow_schema
from pipeline.storage.tables import to_frame

T = TypeVar("T")
R = TypeVar("R")


def frame(table: str, rows: Sequence[dict[str, Any]] = ()) -> pd.DataFrame:
    """A table with the types of its schema; what a row leaves out is null, or 0 and "" where it may not be null."""
    schema = arrow_schema(TABLES[table])
    filled = [{name: row.get(name, _default(table, name)) for name in schema.names} for row in rows]
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"{table} has no columns {unknown}"
    return to_frame(pa.Table.from_pylist(filled, schema=schema))


def _default(table: str, name: str) -> Any:
    column = TABLES[table].column(name)
    if column.nullable:
        return None
    zero = {"string": "", "bool": False, "list<string>": []}
    return zero.get(column.type, 0)


@dataclass(frozen=True)
class PlainBench:
    """A workbench without Dask."""

    scratch: str
    workers: int = 1
    memory: int = 500_000_000
    backwards: bool = False

    def map(self, function: Callable[[T], R], items: Iterable[T], *, what: str) -> list[R]:
        """One after the other, in the order given or backwards; the results stand in the order given."""
        assert what
        listed = list(items)
        if self.backwards:
            return [function(item) for item in reversed(listed)][::-1]
        return [function(item) for item in listed]
