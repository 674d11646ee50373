"""Takes out what was delivered twice, in memory that does not grow with the events.

Every row has a 64-bit key (of its request_id, else of all it says). Keys are looked through a bucket at a time; only
rows whose key occurs again are looked at closely, and prompts only of rows that nothing else tells apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import rows
from pipeline.engine import connect, text_literal
from pipeline.link_types import ADDRESS_TYPES
from pipeline.stages.intake.digests import Hashes, row_hashes
from pipeline.stages.intake.plans import Reading, rows_of_groups
from pipeline.workbench import MADE_FROM, Shelf, Workbench, link_or_copy

KEYS_A_BUCKET = 1 << 24
_SEEN_BITS = 1 << 22
Places = npt.NDArray[np.int64]

# `source` counts the files of a part from 0; `prompt` and `whole` are digests of the prompt and of it with the columns
# that nobody named, which tell rows apart where all else is equal
CANDIDATES = pa.schema(
    [("place", pa.int64()), ("source", pa.int32()), ("row", pa.int64()), ("named", pa.bool_()), ("key", pa.uint64()),
     ("check", pa.uint64()), ("timestamp", pa.int64()), ("digest", pa.uint64()), ("prompt", pa.uint64()),
     ("whole", pa.uint64())]
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of clean_events, the file of its rows' keys (uint64, in order), how many rows both have, and the numbers
    in the input of the files that the rows stand in."""

    number: int
    path: str
    keys: str
    n_rows: int
    sources: tuple[int, ...]


def part_writer(path: str, schema: pa.Schema) -> pq.ParquetWriter:
    """Writer of a working part: light compression, dictionaries where values come again."""
    unlike = (*ADDRESS_TYPES, "request_id", "row", "timestamp", "input_tokens", "output_tokens")
    repeated = [n for n in schema.names if n not in unlike]
    return pq.ParquetWriter(path, schema, compression="snappy", use_dictionary=repeated, write_statistics=False)


def losers(
    reading: Reading, parts: Sequence[Part], bench: Workbench, shelf: Shelf | None = None
) -> dict[int, Places]:
    """For each part the rows (numbers within it, ascending) that repeat a request kept elsewhere."""
    n_buckets = max(1, -(-sum(p.n_rows for p in parts) // KEYS_A_BUCKET))
    tasks = [(tuple(parts), bucket, n_buckets) for bucket in range(n_buckets)]
    doubled = bench.map(_doubled, tasks, what="look for duplicates")
    if not any(len(keys) for keys in doubled):
        return {}
    paths = [str(Path(bench.scratch) / f"doubled-{bucket:05d}.npy") for bucket in range(n_buckets)]
    for path, keys in zip(paths, doubled, strict=True):
        np.save(path, keys)
    wanted = [(reading, part, tuple(paths), shelf) for part in parts]
    found = bench.map(_candidates, wanted, what="look closely at duplicates")
    by_bucket = [tuple(files[bucket] for files in found if files) for bucket in range(n_buckets)]
    tasks_of = [(files, bench.memory, bench.scratch) for files in by_bucket]
    settled = bench.map(_settle, tasks_of, what="settle duplicates")
    for again in {path for files in found for path in files}:
        Path(again).unlink()
    table = pa.concat_tables(settled)
    part_of, place = table.column("part").to_numpy(), table.column("place").to_numpy()
    return {int(n): np.sort(place[part_of == n]) for n in np.unique(part_of)}


def _doubled(task: tuple[tuple[Part, ...], int, int]) -> Hashes:
    """The keys of one bucket that occur more than once, ascending."""
    parts, bucket, n_buckets = task
    mine = [_in_bucket(np.fromfile(p.keys, dtype=np.uint64), bucket, n_buckets) for p in parts]
    keys = np.sort(np.concatenate([np.empty(0, np.uint64), *mine]))
    return np.unique(keys[1:][keys[1:] == keys[:-1]])


def _in_bucket(keys: Hashes, bucket: int, n_buckets: int) -> Hashes:
    return keys if n_buckets == 1 else keys[keys % np.uint64(n_buckets) == bucket]


def _candidates(task: tuple[Reading, Part, tuple[str, ...], Shelf | None]) -> list[str]:
    """The rows of a part whose key occurs again, written apart by bucket; the paths, one a bucket, or none at all."""
    reading, part, doubled, shelf = task
    keys = np.fromfile(part.keys, dtype=np.uint64)
    wanted = [np.load(path) for path in doubled]
    bucket_of = np.full(len(keys), -1, dtype=np.int32)
    for bucket, again in enumerate(wanted):
        bucket_of[_among(keys, again)] = bucket
    places = np.flatnonzero(bucket_of >= 0)
    if not places.size:
        return []
    table = _looked_at(reading, part, keys, places, shelf)
    source = np.array(part.sources, np.int32)[table.column("source").to_numpy()]
    table = table.set_column(1, "source", pa.array(source))
    table = table.append_column("part", pa.array(np.full(len(places), part.number, np.int32)))
    paths = []
    for bucket in range(len(doubled)):
        path = f"{part.path}.again-{bucket:05d}"
        pq.write_table(table.filter(pa.array(bucket_of[places] == bucket)), path)
        paths.append(path)
    return paths


def _among(keys: Hashes, again: Hashes) -> Places:
    """Places of the keys that are among the sorted `again`; a table of bits spares most of them the search."""
    if again.size == 0:
        return np.empty(0, dtype=np.int64)
    bits = np.zeros(_SEEN_BITS, dtype=bool)
    bits[again & np.uint64(_SEEN_BITS - 1)] = True
    places = np.flatnonzero(bits[keys & np.uint64(_SEEN_BITS - 1)])
    at = np.minimum(np.searchsorted(again, keys[places]), again.size - 1)
    return np.asarray(places[again[at] == keys[places]], dtype=np.int64)


def _looked_at(reading: Reading, part: Part, keys: Hashes, places: Places, shelf: Shelf | None) -> pa.Table:
    """A close look at some rows of a part, or what an earlier run saw of the same rows: schema CANDIDATES."""
    made_from = (pq.read_schema(part.path).metadata or {}).get(MADE_FROM)
    if shelf is None or made_from is None:
        return _close_up(reading, part, keys, places)
    key = hashlib.sha256(made_from + places.tobytes()).hexdigest()
    found = shelf.find("again", key)
    if found is None:
        made = shelf.new()
        pq.write_table(_close_up(reading, part, keys, places), Path(made) / "rows")
        found = shelf.keep("again", key, made)
    return pq.read_table(Path(found) / "rows")


def _close_up(reading: Reading, part: Part, keys: Hashes, places: Places) -> pa.Table:
    """The wanted rows of a part with all that settles between them, schema CANDIDATES."""
    plain = [n for n in reading.names if n != "prompt"]
    made = []
    at = 0
    with pq.ParquetFile(part.path) as file:
        for group in range(file.num_row_groups):
            n = file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(places, [at, at + n])
            if high > low:
                here = places[low:high]
                table = file.read_row_group(group).take(pa.array(here - at))
                named = table.column("request_id").is_valid().to_numpy()
                digest = row_hashes(table, plain)
                check = np.where(named, row_hashes(table, ["request_id"], salt=2), digest)
                moments = table.column("timestamp").cast(pa.int64())
                stands = [here, table.column("source"), table.column("row"), named]
                columns = [*stands, keys[here], check, moments, digest]
                made.append(pa.table(columns, schema=pa.schema(list(CANDIDATES)[: len(columns)])))
            at += n
        table = pa.concat_tables(made)
        prompt, whole = _fine(reading, part, table)
    return table.append_column("prompt", pa.array(prompt)).append_column("whole", pa.array(whole))


# A named request keeps its earliest row; rows without a name are one request where they say the same.
_LOST = """
select part, place from {again} where named qualify row_number() over
    (partition by "key", "check" order by "timestamp", digest, prompt, source, row) > 1
union all
select part, place from {again} where not named qualify row_number() over
    (partition by "key", "check", "timestamp", digest, prompt, whole order by source, row) > 1
"""


def _fine(reading: Reading, part: Part, table: pa.Table) -> tuple[Hashes, Hashes]:
    """Digests of the prompt, and of prompt and unnamed columns, of some rows of a part; 0 where there are none."""
    if not (reading.has("prompt") or reading.extras):
        none = np.zeros(table.num_rows, np.uint64)
        return none, none
    source, row = table.column("source").to_numpy(), table.column("row").to_numpy()
    # a part keeps the order of the input: its files follow one another, and rows ascend within each
    said = [
        pair for number in np.unique(source)
        for pair in _fine_of_file(reading, part.sources[number], row[source == number])
    ]  # fmt: skip
    return np.concatenate([p for p, _ in said]), np.concatenate([w for _, w in said])


def _fine_of_file(reading: Reading, source: int, wanted: Places) -> Iterator[tuple[Hashes, Hashes]]:
    """The two digests of some rows (ascending) of a file of the input, some rows at a time."""
    prompt = [reading.theirs[reading.names.index("prompt")]] if reading.has("prompt") else []
    columns = [*(n for n in prompt if n is not None), *reading.extras]
    first, groups = 0, None
    if reading.table.format == "parquet":
        starts = np.cumsum([0, *rows_of_groups(reading.table, source)])
        hit = np.unique(np.searchsorted(starts, wanted, side="right") - 1)
        first, groups = int(starts[hit[0]]), list(range(int(hit[0]), int(hit[-1]) + 1))
    for batch in rows.batches(reading.table, source, columns, row_groups=groups):
        low, high = np.searchsorted(wanted, [first, first + batch.num_rows])
        if high > low:
            table = pa.Table.from_batches([batch]).take(pa.array(wanted[low:high] - first))
            yield row_hashes(table, columns[: len(prompt)]), row_hashes(table, columns)
        first += batch.num_rows


def _source(paths: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(text_literal(p) for p in paths)}])"


def _settle(task: tuple[tuple[str, ...], int, str]) -> pa.Table:
    """Rows (part, place) of one bucket that repeat another."""
    files, memory, scratch = task
    with connect(scratch, memory) as db:
        return db.sql(_LOST.format(again=_source(files))).to_arrow_table()


def _without(schema: pa.Schema, gone: Places) -> pa.Schema:
    """The schema of a part whose rows are no longer all those it was made from."""
    said = dict(schema.metadata or {})
    if MADE_FROM in said:
        said[MADE_FROM] = hashlib.sha256(said[MADE_FROM] + gone.tobytes()).hexdigest().encode()
    return schema.with_metadata(said)


def without(task: tuple[Part, Places, Shelf | None]) -> str:
    """Write a part again without some of its rows (ascending), or find it so; the path of what is to take its place.

    The part itself stays as it is: where a worker dies, the task is done over, and must find what it found before.
    """
    part, gone, shelf = task
    aside = part.path + ".aside"
    said = _without(pq.read_schema(part.path), gone)
    made_from = (said.metadata or {}).get(MADE_FROM)
    if shelf is None or made_from is None:
        _write_without(part, gone, said, aside)
        return aside
    found = shelf.find("thinned", made_from.decode())
    if found is None:
        made = shelf.new()
        _write_without(part, gone, said, f"{made}/rows")
        found = shelf.keep("thinned", made_from.decode(), made)
    Path(aside).unlink(missing_ok=True)
    link_or_copy(f"{found}/rows", aside)
    return aside


def _write_without(part: Part, gone: Places, schema: pa.Schema, to: str) -> None:
    """Copy the rows of a part, but for those that are gone."""
    at = 0
    with pq.ParquetFile(part.path) as file, part_writer(to, schema) as out:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            low, high = np.searchsorted(gone, [at, at + table.num_rows])
            if high > low:
                kept = np.ones(table.num_rows, dtype=bool)
                kept[gone[low:high] - at] = False
                table = pc.filter(table, pa.array(kept))
            out.write_table(table)
            at += int(file.metadata.row_group(group).num_rows)
