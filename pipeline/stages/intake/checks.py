"""Checks rows and brings their values to normal form, a batch at a time; says of each refused row what is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import normal, rows
from pipeline.errors import InputError, Place, quoted
from pipeline.link_types import ADDRESS_TYPES
from pipeline.schemas.inputs import RESERVED_OPERATORS, RESERVED_PREFIX
from pipeline.schemas.model import Column, arrow_type
from pipeline.stages.intake.plans import MAX_TEXT_BYTES, MAX_TOKENS, Chunk, Piece, Reading, readable

if TYPE_CHECKING:
    from collections.abc import Callable

Codes = npt.NDArray[np.int16]
ROWS_AT_ONCE = 1 << 17

# kinds of fault; a code is 16 * number of the column + kind, 0 where the row is good
MISSING, UNREADABLE, ABSURD, NO_CHOICE, TOO_LONG, RESERVED, BROKEN_LINE = 1, 2, 3, 4, 5, 6, 7
REASONS = {
    MISSING: "the value is missing",
    UNREADABLE: "the value cannot be read",
    ABSURD: "the value is outside its bounds",
    NO_CHOICE: "the value is none of those allowed",
    TOO_LONG: "the value is too long",
    RESERVED: "the word is reserved",
    BROKEN_LINE: "the line cannot be read",
}

REJECTED = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("column", pa.string()), ("found", pa.string()),
     ("digest", pa.string()), ("reason", pa.string())]
)  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """Rows after the checks: `table` has our columns in normal form; `source` and `row` say where each row stands
    (number of the file, row in it from 0), `codes` what is wrong with it; all of one length."""

    table: pa.Table
    codes: Codes
    source: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]
    rejected: pa.Table  # one row a refused row, schema REJECTED; digests not yet keyed
    extras: pa.Table  # columns nobody named, as they came


@dataclass(frozen=True)
class _Raw:
    """Rows of one file as they came; `lines` are those (from 0, within these rows) that could not be read."""

    table: pa.Table
    source: int
    first_row: int
    lines: tuple[int, ...]


def checked(reading: Reading, chunk: Chunk, *, extras: bool = False) -> Iterator[Checked]:
    """Read the rows of a chunk and check them, in the order of the input, many at a time."""
    held: list[_Raw] = []
    for raw in _raw(reading, chunk, extras):
        if held and not raw.table.schema.equals(held[0].table.schema):
            yield _check(reading, held, extras)
            held = []
        held.append(raw)
        if sum(r.table.num_rows for r in held) >= ROWS_AT_ONCE:
            yield _check(reading, held, extras)
            held = []
    if held:
        yield _check(reading, held, extras)


def _raw(reading: Reading, chunk: Chunk, extras: bool) -> Iterator[_Raw]:
    named = [n for n in reading.theirs if n is not None]
    wanted = list(dict.fromkeys([*named, *(reading.extras if extras else ())]))
    for piece in chunk.pieces:
        folders = reading.table.partitions[piece.source] if reading.table.partitions else {}
        told = {name: value for name, value in folders.items() if name in wanted}
        broken: dict[int, str] = {}
        at = piece.first_row
        for batch in _batches(reading, piece, wanted, broken):
            table = pa.Table.from_batches([batch])
            for name, value in told.items():
                if table.column(name).null_count == table.num_rows:
                    constant = pa.array([value] * table.num_rows, pa.string())
                    table = table.set_column(wanted.index(name), name, constant)
            lines = tuple(r - at for r in sorted(broken) if at <= r < at + table.num_rows)
            yield _Raw(table, piece.source, at, lines)
            at += table.num_rows


def _batches(reading: Reading, piece: Piece, wanted: list[str], broken: dict[int, str]) -> Iterator[pa.RecordBatch]:
    """The rows of a piece; what goes wrong while they are read is told as a fault of the file."""
    given = rows.batches(
        reading.table, piece.source, wanted, broken=broken.__setitem__, row_groups=piece.row_groups
    )
    while True:
        with readable(reading.table, piece.source):
            batch = next(given, None)
        if batch is None:
            return
        yield batch


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _check(reading: Reading, held: list[_Raw], extras: bool) -> Checked:
    raw = pa.concat_tables([r.table for r in held])
    n = raw.num_rows
    source = np.repeat(np.array([r.source for r in held], dtype=np.int32), [r.table.num_rows for r in held])
    row = np.concatenate([np.arange(r.first_row, r.first_row + r.table.num_rows) for r in held])
    codes = np.zeros(n, dtype=np.int16)
    start = 0
    for r in held:
        codes[[start + line for line in r.lines]] = BROKEN_LINE
        start += r.table.num_rows
    made: list[pa.Array] = []
    given: list[pa.Array | None] = []
    for number, (column, theirs) in enumerate(zip(reading.columns, reading.theirs, strict=True)):
        if theirs is None:
            made.append(pa.nulls(n, arrow_type(column.type)))
            given.append(None)
            continue
        value = _one(raw.column(theirs))
        given.append(value)
        try:
            made.append(_column(column, value, reading, codes, number))
        except TypeError as fault:
            raise InputError(
                "the column has the wrong type", place=Place(reading.table.shown[held[0].source], theirs),
                found=quoted(fault), expected=EXPECTED[column.type], mend=MEND[column.type],
            ) from fault  # fmt: skip
    table = pa.table(dict(zip(reading.names, made, strict=True)))
    special = _SPECIAL.get(reading.table.name)
    if special is not None:
        table = special(table, codes)
    rejected = _rejected(reading, codes, given, source, row)
    return Checked(table, codes, source, row, rejected, raw.select(list(reading.extras) if extras else []))


EXPECTED = {
    "string": "text", "timestamp": "moments in UTC, as ISO 8601 text or a timestamp", "int64": "whole numbers",
    "float64": "numbers",
}  # fmt: skip
MEND = {
    "string": "Write the column as text; identifiers must not pass through floating numbers.",
    "timestamp": "A bare number has no unit: write timestamps, or say in the settings what it counts, such as "
    "[input] timestamp_format = \"epoch_ms\" (or epoch_s, epoch_us).",
    "int64": "Write the column as whole numbers.",
    "float64": "Write the column as numbers.",
}


def _mark(codes: Codes, bad: pa.Array, number: int, kind: int) -> None:
    """Note a fault of the rows in a mask that have none yet."""
    mask = np.asarray(bad.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
    codes[mask & (codes == 0)] = 16 * number + kind


def _column(column: Column, value: pa.Array, reading: Reading, codes: Codes, number: int) -> pa.Array:
    """One column in normal form; its faults are noted in `codes`."""
    made = _converted(column, value, reading)
    if made.null_count > value.null_count:
        lost = pc.and_(pc.is_null(made), pc.is_valid(value))
        empty = _empty(value)
        _mark(codes, lost if empty is None else pc.and_not(lost, empty), number, UNREADABLE)
    if not column.nullable and made.null_count:
        _mark(codes, pc.is_null(made), number, MISSING)
    if column.type == "string" and column.name != "prompt":
        length = pc.binary_length(made)
        if (pc.max(length).as_py() or 0) > MAX_TEXT_BYTES:
            _mark(codes, pc.greater(length, MAX_TEXT_BYTES), number, TOO_LONG)
    if column.choices:
        _mark(codes, pc.and_(pc.is_valid(made), pc.invert(pc.is_in(made, pa.array(column.choices)))), number, NO_CHOICE)
    low, high = _BOUNDS.get(column.type, (None, None))
    if low is not None and len(made):
        _mark(codes, pc.or_(pc.less(made, low), pc.greater(made, high)), number, ABSURD)
    return made


_BOUNDS: dict[str, tuple[Any, Any]] = {"int64": (0, MAX_TOKENS), "float64": (0.0, 1.0)}


def _converted(column: Column, value: pa.Array, reading: Reading) -> pa.Array:
    if column.type == "timestamp":
        return normal.timestamps(value, reading.timestamp_format)
    if column.type == "int64":
        return normal.integers(value)
    if column.type == "float64":
        return normal.numbers(value)
    text = normal.text(value)
    if column.name in ADDRESS_TYPES:
        return normal.addresses(text)
    return normal.networks(text) if column.name == "cidr" else text


def _empty(value: pa.Array) -> pa.Array | None:
    """Which values are empty text; None where the column is no text."""
    kind = value.type
    if pa.types.is_dictionary(kind):
        value = value.cast(kind.value_type)
        kind = value.type
    textual = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    if not (textual or pa.types.is_large_binary(kind) or pa.types.is_string_view(kind)):
        return None
    return pc.fill_null(pc.equal(pc.binary_length(value.cast(pa.large_binary())), 0), False)


def _values_by_type(table: pa.Table, codes: Codes) -> pa.Table:
    """Normal form of the column `value`, whose meaning the column `entity_type` tells."""
    kinds, values = table.column("entity_type").to_pylist(), table.column("value").to_pylist()
    number = table.column_names.index("value")
    for row, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        if codes[row] or value is None:
            continue
        if kind in ADDRESS_TYPES:
            plain = normal.address(value)
            made = normal.address_entity(plain) if plain is not None else normal.network(value)
        elif kind == "cidr":
            made = normal.network(value)
        else:
            made = value
        if made is None:
            codes[row] = 16 * number + UNREADABLE
        values[row] = made
    return table.set_column(number, "value", pa.array(values, pa.string()))


def _indicators(table: pa.Table, codes: Codes) -> pa.Table:
    """Reserved words name no operator."""
    for row, name in enumerate(table.column("operator").to_pylist()):
        folded = (name or "").strip().casefold()
        if folded in RESERVED_OPERATORS or folded.startswith(RESERVED_PREFIX.casefold()):
            codes[row] = codes[row] or 16 * table.column_names.index("operator") + RESERVED
    return _values_by_type(table, codes)


_SPECIAL: dict[str, Callable[[pa.Table, Codes], pa.Table]] = {"indicators": _indicators, "allowlist": _values_by_type}


def _rejected(
    reading: Reading, codes: Codes, given: list[pa.Array | None], source: npt.NDArray[np.int32],
    row_numbers: npt.NDArray[np.int64],
) -> pa.Table:  # fmt: skip
    """What is kept of the refused rows: of a sensitive value its length and digest only."""
    places = np.flatnonzero(codes)
    if places.size == 0:
        return REJECTED.empty_table()
    columns: list[str | None] = []
    found: list[str | None] = []
    digests: list[str | None] = []
    reasons: list[str] = []
    for row in places.tolist():
        number, kind = divmod(int(codes[row]), 16)
        reasons.append(REASONS[kind])
        if kind == BROKEN_LINE:
            columns.append(None)
            found.append(None)
            digests.append(None)
            continue
        column, array = reading.columns[number], given[number]
        value = _plain(array[row]) if array is not None else None
        columns.append(column.name)
        found.append(quoted(value, sensitive=column.sensitive))
        digests.append(plain_digest(value) if column.sensitive and value is not None else None)
    return pa.table(
        [
            [reading.table.shown[i] for i in source[places].tolist()], row_numbers[places] + 1, columns, found, digests,
            reasons,
        ],
        schema=REJECTED,
    )


def _plain(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except (ValueError, OverflowError):  # bytes that are no UTF-8, moments that Python cannot hold
        return f"bytes of {value.type}"


def plain_digest(value: object) -> str:
    """Digest of a value; kept nowhere before `keyed` has been at it."""
    return hashlib.blake2b(str(value).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def keyed(rejected: pa.Table, key: bytes) -> pa.Table:
    """The refused rows with their digests keyed: who has not the input cannot find values by trying."""
    digests = [
        None if d is None else hashlib.blake2b(d.encode(), key=key, digest_size=8).hexdigest()
        for d in rejected.column("digest").to_pylist()
    ]
    return rejected.set_column(rejected.column_names.index("digest"), "digest", pa.array(digests, pa.string()))
