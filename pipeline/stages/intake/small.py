"""The tables that fit in memory: payments, accounts, intelligence and decisions, each checked as one task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.stages.intake.checks import REJECTED, checked
from pipeline.stages.intake.digests import Hashes, added, row_hashes, total
from pipeline.stages.intake.plans import Chunk, Reading, chunks_of, declared_columns

# rows of one key are the same thing: the one that sorts first by these columns, then by its digest, stays
_KEYS = {"accounts": ("account_id",), "ip_ranges": ("cidr",), "decisions": ("decision_id",)}
_FIRST = {"accounts": "created_at", "decisions": "decided_at"}
_TIMES = {"payments": "timestamp", "accounts": "created_at", "decisions": "decided_at"}  # must lie before `until`


@dataclass(frozen=True)
class SmallTable:
    """A checked table, its refused rows (digests not yet keyed), counts, and digest sums of its good rows."""

    clean: pa.Table
    rejected: pa.Table
    counts: dict[str, int]
    sums: tuple[int, int]


def clean_schema(name: str, settings: Settings) -> pa.Schema:
    """Schema of a checked table with the columns that link types ask for."""
    extra = dict.fromkeys(declared_columns(name, settings.link_types), "string")
    return arrow_schema(TABLES[f"clean_{name}"], extra)  # type: ignore[arg-type]


def empty(name: str, settings: Settings) -> SmallTable:
    """What an input that is not there comes to."""
    counts = {"in": 0, "out": 0, "rejected": 0, "duplicates": 0, "outside_window": 0}
    return SmallTable(clean_schema(name, settings).empty_table(), REJECTED.empty_table(), counts, (0, 0))


def bring_in(task: tuple[Reading, Settings, int]) -> SmallTable:
    """Check one table; `until` in microseconds since 1970."""
    reading, settings, until = task
    name = reading.table.name
    schema = clean_schema(name, settings)
    tables, refused, whole = [schema.empty_table()], [REJECTED.empty_table()], [np.empty(0, np.uint64)]
    sums = [(0, 0)]
    n_in = n_rejected = n_outside = 0
    for batch in checked(reading, _everything(reading), extras=True):
        digest = row_hashes(batch.table, reading.names)
        good = batch.codes == 0
        sums.append(total(digest[good]))
        inside = good & _before(batch.table, name, until)
        if batch.extras.num_columns:
            digest = digest ^ row_hashes(batch.extras, batch.extras.column_names, salt=3)
        tables.append(batch.table.select(schema.names).cast(schema).take(np.flatnonzero(inside)))
        whole.append(digest[inside])
        refused.append(batch.rejected)
        n_in += len(good)
        n_rejected += int((~good).sum())
        n_outside += int((good & ~inside).sum())
    table = pa.concat_tables(tables).combine_chunks()
    kept = _once(table, np.concatenate(whole), name)
    counts = {
        "in": n_in, "out": len(kept), "rejected": n_rejected, "duplicates": table.num_rows - len(kept),
        "outside_window": n_outside,
    }  # fmt: skip
    return SmallTable(table.take(kept), pa.concat_tables(refused), counts, added(sums))


def _everything(reading: Reading) -> Chunk:
    pieces = [piece for chunk in chunks_of(reading.table, 1 << 62) for piece in chunk.pieces]
    return Chunk(0, tuple(pieces))


def _before(table: pa.Table, name: str, until: int) -> npt.NDArray[np.bool_]:
    """Which rows are known before the end of the window; rows without a time are."""
    if name not in _TIMES:
        return np.ones(table.num_rows, dtype=bool)
    moments = table.column(_TIMES[name]).cast(pa.int64()).fill_null(-(1 << 62)).to_numpy()
    return np.asarray(moments < until)


def _once(table: pa.Table, digest: Hashes, name: str) -> npt.NDArray[np.int64]:
    """Places of the rows that stay, ascending: one of equal rows, and one of the rows of one key."""
    if table.num_rows == 0:
        return np.empty(0, dtype=np.int64)
    key = row_hashes(table, _KEYS[name]) if name in _KEYS else digest
    first = np.zeros(table.num_rows, dtype=np.int64)
    if name in _FIRST:
        first = table.column(_FIRST[name]).cast(pa.int64()).fill_null(1 << 62).to_numpy()
    order = np.lexsort((digest, first, key))
    new = np.ones(len(order), dtype=bool)
    new[1:] = key[order][1:] != key[order][:-1]
    return np.sort(order[new])
