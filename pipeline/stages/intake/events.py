"""The wide way in: chunks of events are checked as tasks and written as parts, then duplicates are taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import normal
from pipeline.link_types import ADDRESS_TYPES
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.stages.intake.checks import REJECTED, Checked, checked
from pipeline.stages.intake.digests import added, engine, microseconds, row_hashes, total
from pipeline.stages.intake.plans import Chunk, Reading, chunks_of
from pipeline.workbench import Workbench

ROWS_A_GROUP = 1 << 19
KEYS_A_BUCKET = 24_000_000
KEYS = pa.schema(
    [("key", pa.uint64()), ("check", pa.uint64()), ("timestamp", pa.int64()), ("digest", pa.uint64()),
     ("place", pa.int64())]
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What became of a chunk; paths lie in the stage's scratch."""

    path: str
    keys: str
    rejected: str
    n_in: int
    n_out: int
    n_rejected: int
    n_outside: int
    sums: tuple[int, int]


@dataclass(frozen=True)
class EventsIn:
    """All of the events: parts, refused rows (digests not yet keyed), counts and the digest sums of the good rows."""

    parts: list[str]
    rejected: pa.Table
    counts: dict[str, int]
    sums: tuple[int, int]


@dataclass(frozen=True)
class _Task:
    reading: Reading
    chunk: Chunk
    since: int
    until: int
    folder: str


def bring_in(reading: Reading, period: Period | None, chunk_rows: int, bench: Workbench) -> EventsIn:
    """Check all events, write the parts, take out duplicates."""
    since, until = bounds(period)
    tasks = [
        _Task(reading, chunk, since, until, bench.scratch) for chunk in chunks_of(reading.table, chunk_rows)
    ] or [_Task(reading, Chunk(0, ()), since, until, bench.scratch)]
    parts = bench.map(_write_part, tasks, what="check the events")
    losers = _losers(parts, bench)
    again = [(part.path, losers[i]) for i, part in enumerate(parts) if i in losers]
    bench.map(_without, again, what="take out duplicates")
    for part in parts:
        Path(part.keys).unlink()
    rejected = pa.concat_tables([pq.read_table(p.rejected) for p in parts])
    n_double = sum(len(v) for v in losers.values())
    counts = {
        "in": sum(p.n_in for p in parts),
        "out": sum(p.n_out for p in parts) - n_double,
        "rejected": sum(p.n_rejected for p in parts),
        "duplicates": n_double,
        "outside_window": sum(p.n_outside for p in parts),
    }
    return EventsIn([p.path for p in parts], rejected, counts, added([p.sums for p in parts]))


def bounds(period: Period | None) -> tuple[int, int]:
    """The window in microseconds since 1970; all of time where there is none."""
    if period is None:
        return -(1 << 62), 1 << 62
    return microseconds(period.since), microseconds(period.until)


def clean_schema(reading: Reading) -> pa.Schema:
    """Schema of the parts: that of the table and one string column a declared link type."""
    known = set(TABLES["clean_events"].names)
    extra = dict.fromkeys((n for n in reading.names if n not in known and n != "prompt"), "string")
    return arrow_schema(TABLES["clean_events"], extra)  # type: ignore[arg-type]


def _write_part(task: _Task) -> Part:
    """One task: read, check, write the good rows of the window and their keys, and the refused rows."""
    base = Path(task.folder) / f"part-{task.chunk.number:05d}"
    schema = clean_schema(task.reading)
    names = [str(base) + tail for tail in (".parquet", ".keys.parquet", ".rejected.parquet")]
    n_in = n_out = n_rejected = n_outside = 0
    sums = [(0, 0)]
    with (
        pq.ParquetWriter(names[0], schema, compression="snappy", write_statistics=False) as part,
        pq.ParquetWriter(names[1], KEYS, compression="none", use_dictionary=False, write_statistics=False) as keys,
        pq.ParquetWriter(names[2], REJECTED) as refused,
    ):
        for batch in checked(task.reading, task.chunk, extras=True):
            moments = batch.table.column("timestamp").cast(pa.int64()).to_numpy()
            good = batch.codes == 0
            inside = good & (moments >= task.since) & (moments < task.until)
            places = pa.array(np.flatnonzero(inside))
            digest = row_hashes(batch.table, task.reading.names)
            sums.append(total(digest[good]))
            keys.write_table(_keys(task.reading, batch, digest, n_out).take(places))
            part.write_table(_clean(batch, schema).take(places))
            if batch.rejected.num_rows:
                refused.write_table(batch.rejected)
            n_in += len(good)
            n_out += len(places)
            n_rejected += int((~good).sum())
            n_outside += int(good.sum()) - len(places)
    return Part(names[0], names[1], names[2], n_in, n_out, n_rejected, n_outside, added(sums))


def _clean(batch: Checked, schema: pa.Schema) -> pa.Table:
    """The rows as they pass on: an address stands for its entity, and each row knows where its prompt lies."""
    n = batch.table.num_rows
    table = batch.table.append_column("source", pa.array(np.full(n, batch.source, dtype=np.int32)))
    table = table.append_column("row", pa.array(np.arange(batch.first_row, batch.first_row + n)))
    for name in ADDRESS_TYPES:
        folded = [normal.address_entities(c) for c in table.column(name).chunks]
        table = table.set_column(table.column_names.index(name), name, pa.chunked_array(folded, pa.string()))
    return table.select(schema.names).cast(schema)


def _keys(reading: Reading, batch: Checked, digest: npt.NDArray[np.uint64], first: int) -> pa.Table:
    """The key two deliveries of one request share: its request_id, else all that the row says.

    `place` is the row's number within the part.
    """
    table = batch.table
    whole = digest ^ row_hashes(batch.extras, batch.extras.column_names, salt=3) if batch.extras.num_columns else digest
    key, check = whole, row_hashes(table, ["timestamp", "account_id", "ip"], salt=2)
    if reading.has("request_id"):
        named = table.column("request_id").is_valid().to_numpy()
        key = np.where(named, row_hashes(table, ["request_id"]), key)
        check = np.where(named, row_hashes(table, ["request_id"], salt=1), check)
    inside = batch.codes == 0
    place = first + np.cumsum(inside) - 1
    moments = table.column("timestamp").cast(pa.int64()).fill_null(0)
    return pa.table([key, check, moments, digest, place], schema=KEYS)


def _losers(parts: list[Part], bench: Workbench) -> dict[int, npt.NDArray[np.int64]]:
    """For each part the rows (numbers within it, ascending) that repeat a request kept elsewhere."""
    n_keys = sum(p.n_out for p in parts)
    n_buckets = max(1, -(-n_keys // KEYS_A_BUCKET))
    files = [p.keys for p in parts]
    tasks = [(files, bucket, n_buckets, bench.memory, bench.scratch) for bucket in range(n_buckets)]
    found: dict[int, list[npt.NDArray[np.int64]]] = {}
    for table in bench.map(_bucket_losers, tasks, what="look for duplicates"):
        part, place = table.column("part").to_numpy(), table.column("place").to_numpy()
        for number in np.unique(part).tolist():
            found.setdefault(number, []).append(place[part == number])
    return {number: np.sort(np.concatenate(places)) for number, places in found.items()}


def _bucket_losers(task: tuple[list[str], int, int, int, str]) -> pa.Table:
    """Of the rows that share a key, all but the one with the smallest (timestamp, digest)."""
    files, bucket, n_buckets, memory, scratch = task
    with engine(memory, scratch) as db:
        listed = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
        number = "case filename " + " ".join(
            f"when '{f.replace(chr(39), chr(39) * 2)}' then {i}" for i, f in enumerate(files)
        ) + " end"  # fmt: skip
        source = f"read_parquet([{listed}], filename=true)"
        mine = f"key % {n_buckets} = {bucket}"
        return db.sql(
            f"with doubled as (select key, \"check\" from {source} where {mine} group by all having count(*) > 1) "
            f"select part, place from (select {number} as part, place, row_number() over "
            f"(partition by key, \"check\" order by \"timestamp\", digest, {number}, place) as n "
            f"from {source} semi join doubled using (key, \"check\") where {mine}) where n > 1"
        ).to_arrow_table()  # fmt: skip


def _without(task: tuple[str, npt.NDArray[np.int64]]) -> None:
    """Write a part again without some of its rows."""
    path, gone = task
    reader = pq.ParquetFile(path)
    aside = path + ".aside"
    at = 0
    with pq.ParquetWriter(aside, reader.schema_arrow, compression="snappy", write_statistics=False) as out:
        for table in _row_groups(reader):
            mask = np.ones(table.num_rows, dtype=bool)
            low, high = np.searchsorted(gone, [at, at + table.num_rows])
            mask[gone[low:high] - at] = False
            out.write_table(table.filter(pa.array(mask)))
            at += table.num_rows
    reader.close()
    Path(aside).replace(path)


def _row_groups(reader: pq.ParquetFile) -> Iterator[pa.Table]:
    for group in range(reader.num_row_groups):
        yield reader.read_row_group(group)
