"""The checked tables with pseudonyms in place of names, addresses and cards, where that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE, TEMPLATE_TYPE, LinkType
from pipeline.pseudonyms import Pseudonyms
from pipeline.schemas.inputs import INPUTS
from pipeline.stages.intake.duplicates import part_writer
from pipeline.workbench import Workbench

Hide = Callable[[str], str]
ACCOUNT, MAIL = "account", "email_domain"
_BY_KIND = ("indicators", "allowlist")  # tables in which `entity_type` says what `value` is


def hidden_parts(parts: list[str], names: Pseudonyms, bench: Workbench) -> None:
    """Write every part of the events again, in its place, with pseudonyms."""
    asides = bench.map(_hidden_part, [(part, names) for part in parts], what="put pseudonyms in place")
    for part, aside in zip(parts, asides, strict=True):
        Path(aside).replace(part)


def _hidden_part(task: tuple[str, Pseudonyms]) -> str:
    part, names = task
    aside = f"{part}.hidden"
    with pq.ParquetFile(part) as file, part_writer(aside, file.schema_arrow) as out:
        for group in range(file.num_row_groups):
            out.write_table(hidden("events", file.read_row_group(group), names, ()))
    return aside


def hidden(name: str, table: pa.Table, names: Pseudonyms, declared: tuple[LinkType, ...]) -> pa.Table:
    """A checked table with pseudonyms. Decisions stay: they were made on runs that have pseudonyms already."""
    if name in _BY_KIND:
        return _hidden_values(table, names, declared)
    for column, hide in _columns(name, table, names).items():
        table = table.set_column(table.column_names.index(column), column, _over(table.column(column), hide))
    return table


def _columns(name: str, table: pa.Table, names: Pseudonyms) -> dict[str, Hide]:
    """How each column of a table is hidden; columns that are not named stay."""
    if name == "ip_ranges":
        return {"cidr": names.place}
    if name == "decisions":
        return {}
    ways: dict[str, Hide] = {"account_id": names.account, "payment_fingerprint": _digest(names, PAYMENT_TYPE)}
    ways |= {"request_id": _digest(names, "request"), MAIL: _mail(names)}
    ways |= dict.fromkeys(ADDRESS_TYPES, names.place)
    known = {*INPUTS[name].names, "source", "row"}
    ways |= {c: _digest(names, c) for c in table.column_names if c not in known}
    return {c: way for c, way in ways.items() if c in table.column_names}


def _digest(names: Pseudonyms, kind: str) -> Hide:
    return lambda value: names.token(kind, value)


def _mail(names: Pseudonyms) -> Hide:
    return lambda value: names.token(MAIL, value.strip().lower())


def _hidden_values(table: pa.Table, names: Pseudonyms, declared: tuple[LinkType, ...]) -> pa.Table:
    """Indicators and allowances: each value is hidden as the column is that it is held against."""
    ways: dict[str, Hide] = {
        **dict.fromkeys((*ADDRESS_TYPES, "cidr"), names.place), PAYMENT_TYPE: _digest(names, PAYMENT_TYPE),
        ACCOUNT: names.account, MAIL: _mail(names),
    }  # fmt: skip
    for kind in declared:
        if kind.table in INPUTS and kind.column not in INPUTS[kind.table].names:
            ways[kind.name] = _digest(names, kind.column)
    ways.pop(TEMPLATE_TYPE, None)
    kinds, values = table.column("entity_type").to_pylist(), table.column("value").to_pylist()
    made = [ways[k](v) if k in ways and v is not None else v for k, v in zip(kinds, values, strict=True)]
    return table.set_column(table.column_names.index("value"), "value", pa.array(made, pa.string()))


def _over(column: pa.ChunkedArray, hide: Hide) -> pa.ChunkedArray:
    """A text column with each distinct value hidden once; nulls stay."""
    chunks = []
    for chunk in column.chunks:
        coded = chunk.dictionary_encode()
        made = pa.array([None if v is None else hide(v) for v in coded.dictionary.to_pylist()], pa.string())
        chunks.append(made.take(coded.indices))
    return pa.chunked_array(chunks, pa.string())
