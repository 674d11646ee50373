"""What is read of an input table: which of its columns, under which names, in which pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from pipeline import rows
from pipeline.arrivals import day_of
from pipeline.errors import FaultList, InputError, Place, RingtraceError, quoted
from pipeline.link_types import LinkType
from pipeline.schemas.inputs import INPUTS
from pipeline.schemas.model import Column
from pipeline.settings import Settings
from pipeline.workbench import InputTable

MAX_TEXT_BYTES = 8192  # longest value of any column but the prompt
MAX_TOKENS = 1_000_000_000
FILE_BYTES_A_CHUNK = 256 << 20  # CSV and JSONL: files are put together up to this


@dataclass(frozen=True)
class Reading:
    """How a table is read: our columns, for each the name it has in the files (None where no file has it)."""

    table: InputTable
    columns: tuple[Column, ...]
    theirs: tuple[str | None, ...]
    extras: tuple[str, ...]  # columns nobody named: they only tell equal rows apart
    timestamp_format: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Our column names, in order."""
        return tuple(c.name for c in self.columns)

    def has(self, name: str) -> bool:
        """Whether any file has that column of ours."""
        return self.theirs[self.names.index(name)] is not None if name in self.names else False

    def only(self, names: tuple[str, ...]) -> Reading:
        """The same reading of some of our columns alone."""
        kept = [i for i, c in enumerate(self.columns) if c.name in names]
        return Reading(
            self.table, tuple(self.columns[i] for i in kept), tuple(self.theirs[i] for i in kept), (),
            self.timestamp_format,
        )  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """Rows of one file; `row_groups` None means all of it. `first_row` is the number of its first row in the file."""

    source: int
    row_groups: tuple[int, ...] | None = None
    first_row: int = 0


@dataclass(frozen=True)
class Chunk:
    """What one task reads: pieces in the order of the input."""

    number: int
    pieces: tuple[Piece, ...]


@contextmanager
def readable(table: InputTable, source: int) -> Iterator[None]:
    """Whatever a reader raises while it reads a file becomes an InputError that names the file."""
    import csv
    import zlib

    import pyarrow as pa

    try:
        yield
    except (OSError, ValueError, EOFError, MemoryError, csv.Error, zlib.error, pa.ArrowException) as fault:
        told = str(fault).splitlines()
        raise InputError(
            f"the file cannot be read as {table.format}", place=Place(table.shown[source]),
            found=quoted(told[0] if told else type(fault).__name__),
            mend="Write the file again, or take it out of the input.",
        ) from fault  # fmt: skip


def declared_columns(name: str, declared: tuple[LinkType, ...]) -> tuple[str, ...]:
    """Columns that link types ask of an input table beside those of the contract, sorted."""
    known = set(INPUTS[name].names)
    return tuple(sorted({t.column for t in declared if t.table == name and t.column not in known}))


def reading_of(table: InputTable, settings: Settings) -> Reading:
    """Match a table's files with our columns. Raises FaultList naming every column that is missing."""
    described = INPUTS[table.name]
    declared = declared_columns(table.name, settings.link_types)
    columns = (*described.columns, *(Column(n, "string", "declared link type", sensitive=True) for n in declared))
    mapping = settings.input.columns.get(table.name, {})
    present = [_names(table, i) for i in range(len(table.files))]
    anywhere = set().union(*present) if present else set()
    theirs = tuple(mapping.get(c.name, c.name) for c in columns)
    faults: list[RingtraceError] = []
    for column, name in zip(columns, theirs, strict=True):
        if column.name in declared and name not in anywhere:
            faults.append(_missing(table, 0, column.name, name, present[0], "a column that a link type is declared on"))
        if column.required and column.name not in declared:
            lacking = [i for i, have in enumerate(present) if name not in have]
            if lacking:
                faults.append(_missing(table, lacking[0], column.name, name, present[lacking[0]], column.meaning))
    if table.name == "events" and not {mapping.get(n, n) for n in ("prompt", "template_id")} & anywhere:
        faults.append(_missing(table, 0, "prompt", "prompt", present[0], "prompt or template_id, at least one of them"))
    if faults:
        raise faults[0] if len(faults) == 1 else FaultList(faults)
    used = {n for n in theirs if n in anywhere}
    extras = tuple(sorted(anywhere - used - set(_partitions(table))))
    return Reading(
        table, columns, tuple(n if n in anywhere else None for n in theirs), extras, settings.input.timestamp_format
    )


def _partitions(table: InputTable) -> Mapping[str, str]:
    return table.partitions[0] if table.partitions else {}


def _names(table: InputTable, source: int) -> list[str]:
    """Columns of a file, and those that its folders tell; an empty JSONL file lacks nothing that it could show."""
    with readable(table, source):
        names = rows.column_names(table, source)
    if not names and table.format == "jsonl":
        return [c.name for c in INPUTS[table.name].columns if c.required]
    return [*names, *(n for n in (table.partitions[source] if table.partitions else {}) if n not in names)]


def _missing(table: InputTable, source: int, ours: str, theirs: str, have: list[str], what: str) -> InputError:
    shown = ", ".join(quoted(n) for n in have[:12]) or "no column at all"
    near = get_close_matches(theirs, have, 1, 0.75)
    hint = f"If it is {quoted(near[0])} there, say so" if near else "If it has another name there, say so"
    return InputError(
        f"the column {theirs} is missing", place=Place(table.shown[source], theirs), found=shown, expected=what,
        mend=f"{hint} in the settings: [input.{table.name}.columns] {ours} = \"its name\"; "
        "`ringtrace validate INPUT --suggest` proposes names.",
    )  # fmt: skip


def chunks_of(table: InputTable, chunk_rows: int) -> list[Chunk]:
    """Cut a table into chunks of at most about `chunk_rows` rows; depends on the files alone, never on workers.

    A chunk holds files of one day, where their names tell a day: so the chunks of earlier days stay as they are when
    a new day comes.
    """
    pieces = _parquet_pieces(table, chunk_rows) if table.format == "parquet" else _file_pieces(table)
    limit = chunk_rows if table.format == "parquet" else FILE_BYTES_A_CHUNK
    grouped: list[list[Piece]] = []
    held = 0
    day: date | None = None
    for piece, size in pieces:
        of_piece = day_of(table.shown[piece.source])
        if not grouped or held + size > limit or of_piece != day:
            grouped.append([])
            held, day = 0, of_piece
        grouped[-1].append(piece)
        held += size
    return [Chunk(i, tuple(group)) for i, group in enumerate(grouped)]


def sources_of(chunk: Chunk) -> tuple[int, ...]:
    """Numbers of the files that a chunk's rows stand in, ascending; parts count them from 0."""
    return tuple(sorted({piece.source for piece in chunk.pieces}))


def _parquet_pieces(table: InputTable, chunk_rows: int) -> list[tuple[Piece, int]]:
    """Runs of row groups of at most `chunk_rows` rows (a single larger group stays whole) with their rows."""
    made: list[tuple[Piece, int]] = []
    for source in range(len(table.files)):
        first = at = size = 0
        groups: list[int] = []
        for group, n_rows in enumerate(rows_of_groups(table, source)):
            if groups and size + n_rows > chunk_rows:
                made.append((Piece(source, tuple(groups), first), size))
                groups, first, size = [], at, 0
            groups.append(group)
            size += n_rows
            at += n_rows
        if groups:
            made.append((Piece(source, tuple(groups), first), size))
    return made


def rows_of_groups(table: InputTable, source: int) -> list[int]:
    """Rows of each row group of a Parquet file. Raises InputError where the file cannot be read."""
    import pyarrow.parquet as pq

    with readable(table, source), rows.open_file(table, source, unpack=False) as file:
        meta = pq.read_metadata(file)
        return [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]


def _file_pieces(table: InputTable) -> list[tuple[Piece, int]]:
    import fsspec

    made = []
    for source, name in enumerate(table.files):
        filesystem, path = fsspec.core.url_to_fs(name, **table.options)
        made.append((Piece(source), int(filesystem.size(path) or 0)))
    return made
