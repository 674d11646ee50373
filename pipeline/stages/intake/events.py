"""The wide way in: chunks of events are checked as tasks and written as parts, then duplicates are taken out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import normal
from pipeline.link_types import ADDRESS_TYPES
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.stages.intake.checks import REJECTED, Checked, checked
from pipeline.stages.intake.digests import Hasher, Hashes, added, microseconds, total
from pipeline.stages.intake.duplicates import Part, losers, part_writer, without
from pipeline.stages.intake.plans import Chunk, Reading, chunks_of
from pipeline.workbench import Workbench


@dataclass(frozen=True)
class EventsIn:
    """All of the events: parts, refused rows (digests not yet keyed), counts and sums of the keys of the rows."""

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


@dataclass(frozen=True)
class _Done:
    """What became of a chunk; paths lie in the stage's scratch."""

    part: Part
    rejected: str
    n_in: int
    n_rejected: int
    n_outside: int
    sums: tuple[int, int]


def bring_in(reading: Reading, period: Period | None, chunk_rows: int, bench: Workbench) -> EventsIn:
    """Check all events, write the parts, take out duplicates."""
    since, until = bounds(period)
    chunks = chunks_of(reading.table, chunk_rows) or [Chunk(0, ())]
    tasks = [_Task(reading, chunk, since, until, bench.scratch) for chunk in chunks]
    done = bench.map(_write_part, tasks, what="check the events")
    parts = [d.part for d in done]
    lost = losers(reading, parts, bench)
    bench.map(without, [(part, lost[part.number]) for part in parts if part.number in lost], what="take out duplicates")
    for part in parts:
        Path(part.keys).unlink()
    n_double = sum(len(places) for places in lost.values())
    counts = {
        "in": sum(d.n_in for d in done),
        "out": sum(p.n_rows for p in parts) - n_double,
        "rejected": sum(d.n_rejected for d in done),
        "duplicates": n_double,
        "outside_window": sum(d.n_outside for d in done),
    }
    rejected = pa.concat_tables([pq.read_table(d.rejected) for d in done])
    return EventsIn([p.path for p in parts], rejected, counts, added([d.sums for d in done]))


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


def _write_part(task: _Task) -> _Done:
    """One task: read, check, write the good rows of the window and their keys, and the refused rows.

    Prompts are not read here; they are looked at only where nothing else tells two rows apart.
    """
    base = str(Path(task.folder) / f"part-{task.chunk.number:05d}")
    schema = clean_schema(task.reading)
    reading = task.reading.only(tuple(n for n in task.reading.names if n != "prompt"))
    n_in = n_out = n_rejected = n_outside = 0
    sums = [(0, 0)]
    with (
        Hasher() as hasher,
        part_writer(f"{base}.parquet", schema) as part,
        Path(f"{base}.keys").open("wb") as keys,
        pq.ParquetWriter(f"{base}.rejected.parquet", REJECTED) as refused,
    ):
        for batch in checked(reading, task.chunk):
            good = batch.codes == 0
            moments = batch.table.column("timestamp").cast(pa.int64()).fill_null(0).to_numpy()
            inside = good & (moments >= task.since) & (moments < task.until)
            key = _keys(batch, reading, hasher)[inside]
            keys.write(key.tobytes())
            sums.append(total(key))
            clean = _clean(batch, schema)
            part.write_table(clean if inside.all() else clean.filter(pa.array(inside)))
            if batch.rejected.num_rows:
                refused.write_table(batch.rejected)
            n_in += len(good)
            n_out += len(key)
            n_rejected += int((~good).sum())
            n_outside += int(good.sum()) - len(key)
    made = Part(task.chunk.number, f"{base}.parquet", f"{base}.keys", n_out)
    return _Done(made, f"{base}.rejected.parquet", n_in, n_rejected, n_outside, added(sums))


def _keys(batch: Checked, reading: Reading, hasher: Hasher) -> Hashes:
    """What two deliveries of one request share: its request_id, else all that the row says but for its prompt."""
    if not reading.has("request_id"):
        return hasher.rows(batch.table, reading.names, salt=1)
    ids = batch.table.column("request_id")
    key = hasher.rows(batch.table, ["request_id"])
    if ids.null_count:
        nameless = np.flatnonzero(ids.is_null().to_numpy())
        key[nameless] = hasher.rows(batch.table.take(nameless), reading.names, salt=1)
    return key


def _clean(batch: Checked, schema: pa.Schema) -> pa.Table:
    """The rows as they pass on: an address stands for its entity, and each row knows where its prompt lies."""
    table = batch.table.append_column("source", pa.array(batch.source)).append_column("row", pa.array(batch.row))
    for name in ADDRESS_TYPES:
        folded = [normal.address_entities(c) for c in table.column(name).chunks]
        table = table.set_column(table.column_names.index(name), name, pa.chunked_array(folded, pa.string()))
    return table.select(schema.names).cast(schema)
