"""Reads the rows of one input file in the order they stand in, whatever its format.

Intake checks these rows; the templates stage reads the prompt column of the same rows again. Both count rows through
this one door, so that row number `n` means the same row to both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from pipeline.errors import InputError, Place, quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.workbench import InputTable

_BLOCK = 32 << 20
_LINES = 65_536

# told of a line that cannot be read at all: (row from 0 as batches count it, what is wrong)
Broken = Callable[[int, str], None]


def open_file(table: InputTable, source: int, *, unpack: bool = True) -> IO[bytes]:
    """The opened file number `source` of a table, unpacked where its name ends in .gz."""
    import fsspec

    name = table.files[source]
    packed = unpack and name.lower().endswith(".gz")
    return fsspec.open(name, "rb", compression="gzip" if packed else None, **table.options).open()  # type: ignore[no-any-return]


def column_names(table: InputTable, source: int) -> list[str]:
    """Names of the columns of a file, in its order; for JSONL those of its first thousand rows, sorted.

    Raises InputError where the file cannot be read.
    """
    with _readable(table, source):
        if table.format == "parquet":
            import pyarrow.parquet as pq

            with open_file(table, source, unpack=False) as file:
                return list(pq.read_schema(file).names)
        if table.format == "csv":
            return _csv_header(table, source)
        with open_file(table, source) as file:
            seen: set[str] = set()
            for _, line in zip(range(1000), file, strict=False):
                value = _parsed(line)
                seen.update(value if isinstance(value, dict) else ())
            return sorted(seen)


def batches(
    table: InputTable, source: int, columns: Sequence[str], *, broken: Broken | None = None,
    row_groups: Sequence[int] | None = None,
) -> Iterator[pa.RecordBatch]:  # fmt: skip
    """The rows of a file as record batches with exactly `columns`, in order; every row of the file is in a batch.

    Parquet columns keep their types; CSV and JSONL columns are strings (JSON text for nested values). A column that
    the file lacks is null. A line that cannot be read is a row of nulls, told to `broken`. `row_groups` limits a
    Parquet file to some of its row groups. Raises InputError where the file as a whole cannot be read.
    """
    with _readable(table, source):
        if table.format == "parquet":
            yield from _parquet(table, source, columns, row_groups)
        elif table.format == "csv":
            yield from _csv(table, source, columns, broken)
        else:
            yield from _jsonl(table, source, columns, broken)


class _readable:  # noqa: N801 - used as a with-block
    """Turns what readers raise into an InputError that names the file."""

    def __init__(self, table: InputTable, source: int) -> None:
        self.table, self.source = table, source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if fault is None or not isinstance(fault, (OSError, ValueError, EOFError)) or isinstance(fault, InputError):
            return
        if type(fault).__module__ == "zlib":
            return
        raise InputError(
            f"the file cannot be read as {self.table.format}", place=Place(self.table.shown[self.source]),
            found=quoted(str(fault).splitlines()[0] if str(fault) else type(fault).__name__),
            mend="Write the file again, or take it out of the input.",
        ) from fault  # fmt: skip


def _parquet(
    table: InputTable, source: int, columns: Sequence[str], row_groups: Sequence[int] | None
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_file(table, source, unpack=False) as file:
        reader = pq.ParquetFile(file)
        present = [c for c in columns if c in set(reader.schema_arrow.names)]
        groups = list(range(reader.num_row_groups)) if row_groups is None else list(row_groups)
        if not present:
            for group in groups:
                rows = reader.metadata.row_group(group).num_rows
                yield pa.RecordBatch.from_arrays([pa.nulls(rows) for _ in columns], names=list(columns))
            return
        for batch in reader.iter_batches(batch_size=_LINES, row_groups=groups, columns=present):
            yield _complete(batch, columns)


def _complete(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    import pyarrow as pa

    have = set(batch.schema.names)
    arrays = [batch.column(c) if c in have else pa.nulls(batch.num_rows) for c in columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _csv_header(table: InputTable, source: int) -> list[str]:
    import csv
    import io

    with open_file(table, source) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        return next(csv.reader(text), [])


def _csv(
    table: InputTable, source: int, columns: Sequence[str], broken: Broken | None
) -> Iterator[pa.RecordBatch]:
    """Python's reader: slower than Arrow's, but a broken line costs one row and never the file."""
    import csv
    import io

    csv.field_size_limit(1 << 30)
    with open_file(table, source) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text, strict=False)
        header = next(reader, [])
        places = [header.index(c) if c in header else None for c in columns]
        rows: list[list[str | None]] = []
        number = 0
        for line in reader:
            if not line:
                continue
            if len(line) != len(header):
                if broken is not None:
                    broken(number, f"{len(line)} fields where the header has {len(header)}")
                rows.append([None] * len(columns))
            else:
                rows.append([None if p is None else line[p] or None for p in places])
            number += 1
            if len(rows) == _LINES:
                yield _strings(rows, columns)
                rows = []
        if rows:
            yield _strings(rows, columns)


def _jsonl(
    table: InputTable, source: int, columns: Sequence[str], broken: Broken | None
) -> Iterator[pa.RecordBatch]:
    with open_file(table, source) as file:
        rows: list[list[str | None]] = []
        number = 0
        for line in file:
            if not line.strip():
                continue
            value = _parsed(line)
            if isinstance(value, dict):
                rows.append([_text(value.get(c)) for c in columns])
            else:
                if broken is not None:
                    broken(number, "a line that is no JSON object")
                rows.append([None] * len(columns))
            number += 1
            if len(rows) == _LINES:
                yield _strings(rows, columns)
                rows = []
        if rows:
            yield _strings(rows, columns)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def _strings(rows: list[list[str | None]], columns: Sequence[str]) -> pa.RecordBatch:
    import pyarrow as pa

    columns_of = ([_whole(row[i]) for row in rows] for i in range(len(columns)))
    arrays = [pa.array(values, type=pa.large_string()) for values in columns_of]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _whole(value: str | None) -> str | None:
    """Text that UTF-8 can hold: half pairs of surrogates become the replacement mark."""
    if value is None or value.isascii():
        return value
    return value.encode("utf-8", errors="replace").decode("utf-8") if _has_surrogate(value) else value


def _has_surrogate(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
