"""Tables of the house on disk: checked against their schema, sorted by their key, the same bytes every time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import RunError
from pipeline.schemas import TABLES, Table, arrow_schema
from pipeline.schemas.model import Type
from pipeline.storage.places import store_errors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipeline.link_types import LinkType

_ROWS_A_GROUP = 1 << 18
_CLEAN = "clean_"


def extra_columns(name: str, types: Iterable[LinkType]) -> dict[str, Type]:
    """Columns of a table that depend on the link types: `bits_<type>` of links, declared columns of checked tables."""
    kinds = tuple(types)
    if name == "links":
        return {f"bits_{t.name}": "float64" for t in kinds}
    if name.startswith(_CLEAN):
        known = set(TABLES[name].names)
        return {t.column: "string" for t in kinds if t.table == name.removeprefix(_CLEAN) and t.column not in known}
    return {}


def conform(name: str, made: pd.DataFrame | pa.Table, types: Iterable[LinkType]) -> pa.Table:
    """The table as its schema says: columns in order, cast, sorted by key. RunError says what a stage broke."""
    import pyarrow as pa

    described = TABLES[name]
    schema = arrow_schema(described, extra_columns(name, types))
    table = made if isinstance(made, pa.Table) else None
    present = table.column_names if table is not None else list(made.columns)
    wrong = set(schema.names).symmetric_difference(present)
    if wrong:
        raise RunError(
            f"the table {name} was made with other columns than its schema", found=", ".join(sorted(map(str, present))),
            expected=", ".join(schema.names), mend="This is a fault of ringtrace itself; please report it.",
        )  # fmt: skip
    arrays = [_column(name, made, field) for field in schema]
    table = pa.Table.from_arrays(arrays, schema=schema)
    _check_nulls(described, table)
    table = sort_table(table, described.key)
    _check_key(described, table)
    return table


def _column(name: str, made: Any, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    """One column cast to its type."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = field.type
    try:
        column = made[field.name]
        array = column if isinstance(column, (pa.ChunkedArray, pa.Array)) else pa.array(column, from_pandas=True)
        if isinstance(array, pa.Array):
            array = pa.chunked_array([array])
        if array.null_count == len(array):  # nothing in it: a frame cannot say what type that nothing has
            return pa.chunked_array([pa.nulls(len(array), kind)])
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        if pa.types.is_floating(array.type) and pa.types.is_integer(kind):
            array = pc.round(array)
        return array.cast(kind, safe=not pa.types.is_timestamp(kind))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as fault:
        raise RunError(
            f"the column {field.name} of the table {name} cannot be brought to its type", found=str(fault)[:120],
            expected=str(kind), mend="This is a fault of ringtrace itself; please report it.",
        ) from fault  # fmt: skip


def _check_nulls(described: Table, table: pa.Table) -> None:
    for column in described.columns:
        if column.nullable or column.type == "dynamic":
            continue
        n_null = table.column(column.name).null_count
        if n_null:
            raise RunError(
                f"the column {column.name} of the table {described.name} must not be null", found=f"{n_null} nulls",
                expected="a value in every row", mend="This is a fault of ringtrace itself; please report it.",
            )  # fmt: skip


def sort_table(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """The table sorted by its key, then by every other column that has an order: independent of the order given."""
    import pyarrow as pa

    rest = [n for n in table.column_names if n not in key and not pa.types.is_nested(table.schema.field(n).type)]
    order = [(n, "ascending") for n in (*key, *rest)]
    if table.num_rows < 2 or not order:
        return table.combine_chunks()
    return table.sort_by(order).combine_chunks()


def _check_key(described: Table, table: pa.Table) -> None:
    """No two rows with one key, in the tables whose key we make ourselves."""
    import numpy as np
    import pyarrow.compute as pc

    if not described.key or described.name.startswith((_CLEAN, "rejected_")) or table.num_rows < 2:
        return
    same = np.ones(table.num_rows - 1, dtype=bool)
    for name in described.key:
        column = table.column(name).combine_chunks()
        upper, lower = column.slice(1), column.slice(0, len(column) - 1)
        equal = pc.fill_null(pc.equal(upper, lower), False).to_numpy(zero_copy_only=False)
        both_null = pc.and_(pc.is_null(upper), pc.is_null(lower)).to_numpy(zero_copy_only=False)
        same &= equal | both_null
        if not same.any():
            return
    raise RunError(
        f"a row of the table {described.name} stands twice", found=f"{int(same.sum())} repeated keys",
        expected=f"one row for each ({', '.join(described.key)})",
        mend="This is a fault of ringtrace itself; please report it.",
    )  # fmt: skip


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write one Parquet file aside and rename it into place; equal tables give equal bytes."""
    import pyarrow.parquet as pq

    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    with store_errors(path, "write it"):
        try:
            pq.write_table(table.replace_schema_metadata(None), aside, **WRITING)
            _synced(aside)
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


WRITING: Mapping[str, Any] = {
    "version": "2.6", "compression": "zstd", "compression_level": 3, "row_group_size": _ROWS_A_GROUP,
    "use_dictionary": True, "write_statistics": True, "data_page_version": "1.0", "store_schema": True,
}  # fmt: skip


def _synced(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def read_parquet(path: Path) -> pa.Table:
    """A whole Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with store_errors(path, "read it"):
        try:
            return pq.read_table(path, partitioning=None)
        except pa.ArrowInvalid as fault:
            raise RunError(
                "a table of the run is damaged", found=str(fault)[:120], mend="Run again with --resume.",
            ) from fault  # fmt: skip


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as stages see it: text as `str`, times as datetime64[us, UTC], dates as datetime.date."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas(date_as_object=True)
    if frame.empty:  # text columns then come without any chunk, and pandas cannot join on those
        for name in frame.columns[frame.dtypes == "str"]:
            frame[name] = pd.Series([], dtype="str")
    return frame


def rows_of(path: Path) -> int:
    """Number of rows of a Parquet file, from its end alone."""
    import pyarrow.parquet as pq

    with store_errors(path, "read it"):
        return int(pq.read_metadata(path).num_rows)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with store_errors(path, "read it"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def merge_parts(parts: list[Path], path: Path, *, scratch: Path, memory: int) -> None:
    """Write the parts of a wide table as one file, sorted by all its columns, without holding it in memory."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not parts:
        return
    schema = pq.read_schema(parts[0])
    with store_errors(path, "write it"), duckdb.connect() as base:
        base.execute(f"SET memory_limit='{max(memory >> 20, 256)}MB'")
        base.execute("SET temp_directory=$1", [str(scratch)])
        base.execute("SET preserve_insertion_order=false")
        base.execute("SET TimeZone='UTC'")
        names = [str(p) for p in parts]
        answer = base.sql("SELECT * FROM read_parquet($1) ORDER BY ALL", params=[names])
        with pq.ParquetWriter(path, schema.remove_metadata(), **_stream_options()) as writer:
            for batch in answer.to_arrow_reader(_ROWS_A_GROUP):
                writer.write_table(pa.Table.from_batches([batch]).cast(schema), row_group_size=_ROWS_A_GROUP)


def _stream_options() -> dict[str, Any]:
    return {k: v for k, v in WRITING.items() if k != "row_group_size"}
