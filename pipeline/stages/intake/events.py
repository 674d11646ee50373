"""The wide way in: chunks of events are checked as tasks and written as parts, then duplicates are taken out."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import normal
from pipeline.link_types import ADDRESS_TYPES
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.stages.intake.checks import REJECTED, Checked, checked
from pipeline.stages.intake.digests import Hashes, added, microseconds, row_hashes, total
from pipeline.stages.intake.duplicates import Part, losers, part_writer, without
from pipeline.stages.intake.kept import Lasting, digest, lasting
from pipeline.stages.intake.plans import Chunk, Reading, chunks_of, sources_of
from pipeline.workbench import FILES, MADE_FROM, InPlace, Shelf, Workbench, link_or_copy


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
    memory: int
    kept: Lasting


@dataclass(frozen=True)
class _Done:
    """What became of a chunk; paths lie in the stage's scratch."""

    part: Part
    rejected: str
    n_in: int
    n_rejected: int
    n_outside: int
    n_double: int  # rows that repeat another row of the chunk
    sums: tuple[int, int]
    span: tuple[int, int] | None  # first and last moment of the good rows, in the window or not


def bring_in(
    reading: Reading, period: Period | None, chunk_rows: int, bench: Workbench, shelf: Shelf | None = None
) -> EventsIn:
    """Check all events (but for chunks that are known from before), write the parts, take out duplicates."""
    since, until = bounds(period)
    chunks = chunks_of(reading.table, chunk_rows) or [Chunk(0, ())]
    kept = lasting(reading.table, shelf, bench)
    tasks = [_Task(reading, chunk, since, until, bench.scratch, bench.memory, kept) for chunk in chunks]
    done = bench.map(_part, tasks, what="check the events")
    parts = [d.part for d in done]
    lost = losers(reading, parts, bench, shelf)
    doubled = [part for part in parts if part.number in lost]
    asides = bench.map(without, [(part, lost[part.number], shelf) for part in doubled], what="take out duplicates")
    for part, aside in zip(doubled, asides, strict=True):
        Path(aside).replace(part.path)
    for part in parts:
        Path(part.keys).unlink()
    n_double = sum(len(places) for places in lost.values())
    counts = {
        "in": sum(d.n_in for d in done),
        "out": sum(p.n_rows for p in parts) - n_double,
        "rejected": sum(d.n_rejected for d in done),
        "duplicates": n_double + sum(d.n_double for d in done),
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


def _part(task: _Task) -> _Done:
    """One task: a part made before, where nothing it depends on has changed; else made now, and kept for later.

    A kept part holds all good rows of its chunk, so it serves every window that they all lie in. A chunk that lies
    outside the window leaves nothing but its counts. One that the window cuts is made anew.
    """
    # a try before, whose worker died, may have left names that share their content with what is kept
    for left in _files(_path(task)).values():
        Path(left).unlink(missing_ok=True)
    shelf = task.kept.shelf
    if shelf is None:
        return _write_part(task)
    key = task.kept.key(task.reading, task.chunk)
    found = shelf.find("intake", key) or shelf.find("outside", key)
    taken = _taken(task, Path(found)) if found is not None else None
    if taken is not None:
        return taken
    done = _write_part(task)
    if done.n_outside and done.part.n_rows:
        return done
    made = Path(shelf.new())
    (made / "about.json").write_text(json.dumps(asdict(done)))
    for name, path in _files(done.part.path).items():
        if not done.n_outside or name == "rejected":
            link_or_copy(path, made / name)
    shelf.keep("intake" if not done.n_outside else "outside", key, str(made))
    return done


def _path(task: _Task) -> str:
    """Where the rows of a chunk go."""
    return str(Path(task.folder) / f"part-{task.chunk.number:05d}.parquet")


def _files(path: str) -> dict[str, str]:
    """The three files of a part by what they hold."""
    base = path.removesuffix(".parquet")
    return {"rows": path, "keys": f"{base}.keys", "rejected": f"{base}.rejected.parquet"}


def _taken(task: _Task, found: Path) -> _Done | None:
    """A part from what is kept of its chunk, or an empty one beside the window; None where the window cuts it."""
    about = json.loads((found / "about.json").read_bytes())
    first, last = about["span"] or (task.since, task.since)
    files = _files(_path(task))
    n_rows, n_outside, sums = about["part"]["n_rows"], 0, (about["sums"][0], about["sums"][1])
    n_double = about["n_double"]
    if last < task.since or first >= task.until:
        n_rows, n_outside, n_double, sums = 0, about["n_in"] - about["n_rejected"], 0, (0, 0)
        with part_writer(files["rows"], _marked(clean_schema(task.reading), task)):
            pass
        Path(files["keys"]).write_bytes(b"")
        link_or_copy(found / "rejected", files["rejected"])
    elif task.since <= first and last < task.until and (found / "rows").exists():
        for name, path in files.items():
            link_or_copy(found / name, path)
    else:
        return None
    part = Part(task.chunk.number, files["rows"], files["keys"], n_rows, sources_of(task.chunk))
    n_rejected = about["n_rejected"]
    return _Done(part, files["rejected"], about["n_in"], n_rejected, n_outside, n_double, sums, about["span"])


def _write_part(task: _Task) -> _Done:
    """Read, check, write the good rows of the window and their keys, each once, and the refused rows.

    Prompts are not read here; they are looked at only where nothing else tells two rows apart.
    """
    files = _files(_path(task))
    schema = _marked(clean_schema(task.reading), task)
    reading = task.reading.only(tuple(n for n in task.reading.names if n != "prompt"))
    n_in = n_out = n_rejected = n_outside = 0
    sums = [(0, 0)]
    spans: list[int] = []
    with (
        part_writer(files["rows"], schema) as part,
        Path(files["keys"]).open("wb") as keys,
        pq.ParquetWriter(files["rejected"], REJECTED) as refused,
    ):
        for batch in checked(reading, task.chunk):
            good = batch.codes == 0
            moments = batch.table.column("timestamp").cast(pa.int64()).fill_null(0).to_numpy()
            spans += [int(moments[good].min()), int(moments[good].max())] if good.any() else []
            inside = good & (moments >= task.since) & (moments < task.until)
            key = _keys(batch, reading)[inside]
            keys.write(key.tobytes())
            sums.append(total(key))
            clean = _clean(batch, schema, task.chunk)
            part.write_table(clean if inside.all() else clean.filter(pa.array(inside)))
            if batch.rejected.num_rows:
                refused.write_table(batch.rejected)
            n_in += len(good)
            n_out += len(key)
            n_rejected += int((~good).sum())
            n_outside += int(good.sum()) - len(key)
    made = _once(task, Part(task.chunk.number, files["rows"], files["keys"], n_out, sources_of(task.chunk)))
    span = (min(spans), max(spans)) if spans else None
    return _Done(made, files["rejected"], n_in, n_rejected, n_outside, n_out - made.n_rows, added(sums), span)


def _once(task: _Task, part: Part) -> Part:
    """The part without the rows that repeat another of the same chunk: most deliveries that come twice come at once.

    Which of several rows stays is an order of rows, so it is the same whether settled here first or all at once.
    """
    inner = Path(part.path.removesuffix(".parquet"))
    shutil.rmtree(inner, ignore_errors=True)  # of a try before, whose worker died
    inner.mkdir()
    lost = losers(task.reading, [part], InPlace(str(inner), task.memory)).get(part.number)
    shutil.rmtree(inner)
    if lost is None:
        return part
    Path(without((part, lost, None))).replace(part.path)
    keys = np.delete(np.fromfile(part.keys, dtype=np.uint64), lost)
    Path(part.keys).write_bytes(keys.tobytes())
    return replace(part, n_rows=len(keys))


def _marked(schema: pa.Schema, task: _Task) -> pa.Schema:
    """The schema with what a part must say of itself: the files its rows stand in, and what it was made from."""
    said = {FILES: json.dumps([task.reading.table.shown[s] for s in sources_of(task.chunk)])}
    if task.kept.shelf is not None:
        said[MADE_FROM] = digest(
            [task.kept.shelf.code, task.kept.key(task.reading, task.chunk), task.since, task.until]
        )
    return schema.with_metadata(said)


def _keys(batch: Checked, reading: Reading) -> Hashes:
    """What two deliveries of one request share: its request_id, else all that the row says but for its prompt."""
    if not reading.has("request_id"):
        return row_hashes(batch.table, reading.names, salt=1)
    ids = batch.table.column("request_id")
    key = row_hashes(batch.table, ["request_id"])
    if ids.null_count:
        nameless = np.flatnonzero(ids.is_null().to_numpy())
        key[nameless] = row_hashes(batch.table.take(nameless), reading.names, salt=1)
    return key


def _clean(batch: Checked, schema: pa.Schema, chunk: Chunk) -> pa.Table:
    """The rows as they pass on: an address stands for its entity, and each row knows where its prompt lies."""
    source = np.searchsorted(sources_of(chunk), batch.source).astype(np.int32)
    table = batch.table.append_column("source", pa.array(source)).append_column("row", pa.array(batch.row))
    for name in ADDRESS_TYPES:
        folded = [normal.address_entities(c) for c in table.column(name).chunks]
        table = table.set_column(table.column_names.index(name), name, pa.chunked_array(folded, pa.string()))
    return table.select(schema.names).cast(schema)
