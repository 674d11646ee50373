"""Digests of rows: 64-bit hashes made by the compiled engine, the same for equal rows whatever file they stand in.

They order and count; a value is never known again by its hash alone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]
_MASK = (1 << 64) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN = threading.local()


def microseconds(value: datetime) -> int:
    """Microseconds since 1970."""
    return (value - _EPOCH) // timedelta(microseconds=1)


def moment(since_1970: int) -> datetime:
    """The datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=since_1970)


def row_hashes(table: pa.Table, columns: Sequence[str], *, salt: int = 0) -> Hashes:
    """One hash a row over the named columns, shape (rows,); nulls count as values."""
    if table.num_rows == 0 or not columns:
        return np.full(table.num_rows, salt, dtype=np.uint64)
    engine = getattr(_OPEN, "engine", None)
    if engine is None:  # one a thread: opening one costs more than hashing a hundred thousand rows
        engine = _OPEN.engine = duckdb.connect(config={"threads": 1})
    names = [f"c{i}" for i in range(len(columns))]
    engine.register("given", pa.table([_plain(table.column(c)) for c in columns], names=names))
    try:
        answer = engine.sql(f"select hash({salt}, {', '.join(names)}) as h from given").to_arrow_table()
    finally:
        engine.unregister("given")
    return np.array(answer.column("h").to_numpy(), dtype=np.uint64)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as whole numbers, so that no zone of this machine enters."""
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def total(hashes: Hashes) -> tuple[int, int]:
    """Two sums of hashes that do not depend on the order of the rows."""
    mixed = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return int(hashes.sum(dtype=np.uint64)), int((mixed * mixed).sum(dtype=np.uint64))


def added(sums: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Sums of several batches as one."""
    return sum(s for s, _ in sums) & _MASK, sum(s for _, s in sums) & _MASK


def written(n_rows: int, sums: tuple[int, int]) -> str:
    """A table's digest as text."""
    return f"{n_rows:x}-{sums[0]:016x}{sums[1]:016x}"
