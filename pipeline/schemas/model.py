"""How a table is described. Plain data, so that reading the plan costs no heavy import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Type = Literal[
    "string", "timestamp", "date", "int32", "int64", "uint32", "uint64", "float64", "bool", "list<string>", "dynamic"
]
Audience = Literal["pipeline", "analysts", "restricted", "everyone"]


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means, whether it may be null, whether its values may be shown in messages."""

    name: str
    type: Type
    meaning: str
    nullable: bool = True
    required: bool = True
    sensitive: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its key, its columns, who may see it, what its readers are warned of."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    audience: Audience = "analysts"
    warning: str = ""
    wide: bool = False  # kept as many Parquet parts, never read whole

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [c.name for c in self.columns]


def arrow_type(name: Type) -> pa.DataType:
    """The Arrow type that a described type is written as (timestamps: microseconds, UTC)."""
    import pyarrow as pa

    simple = {
        "string": pa.string(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "uint32": pa.uint32(),
        "uint64": pa.uint64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "list<string>": pa.list_(pa.string()),
    }
    return simple[name]


def arrow_schema(table: Table, extra: dict[str, Type] | None = None) -> pa.Schema:
    """Arrow schema of a table; `extra` adds the columns that depend on the settings (one a link type)."""
    import pyarrow as pa

    fields = [pa.field(c.name, arrow_type(c.type)) for c in table.columns if c.type != "dynamic"]
    fields += [pa.field(name, arrow_type(kind)) for name, kind in sorted((extra or {}).items())]
    return pa.schema(fields)
