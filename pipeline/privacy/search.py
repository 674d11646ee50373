"""Looks for values in everything that lies in a folder: the proof that something is gone.

A value counts as found where it stands whole: as a cell of a table, as an item of a list, or within text with no
letter, digit, dash or underscore on either side, plain or as JSON and HTML escape it. Compressed parts of a PDF are
opened.
"""

from __future__ import annotations

import html
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.storage.tables import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

_A_PATTERN = 500  # values looked for at once
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)


@dataclass(frozen=True)
class Sought:
    """Values to be found, made ready once."""

    values: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> Sought:
        """Make values ready; empty ones are left out."""
        held = frozenset(v for v in values if v)
        spelled = sorted({s for v in held for s in spellings(v)}, key=lambda s: (-len(s), s))
        groups = [spelled[i : i + _A_PATTERN] for i in range(0, len(spelled), _A_PATTERN)]
        return cls(held, tuple(_pattern(group) for group in groups))

    def in_text(self, text: str) -> bool:
        """Whether any value stands whole in a text."""
        return any(pattern.search(text) for pattern in self.patterns)

    def replaced(self, text: str, by: str) -> str:
        """The text with every value that stands whole in it replaced."""
        for pattern in self.patterns:
            text = pattern.sub(by, text)
        return text


def _pattern(group: list[str]) -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(?:" + "|".join(re.escape(v) for v in group) + r")(?![\w-])")


def spellings(value: str) -> set[str]:
    """A value as text formats write it."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}


def files_with(folder: Path, sought: Sought) -> list[str]:
    """Files below a folder in which a value stands, as paths relative to it, sorted; links are not followed."""
    if not sought.values:
        return []
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink() and in_file(p, sought)]
    return [p.relative_to(folder).as_posix() for p in found]


def in_file(path: Path, sought: Sought) -> bool:
    """Whether a value stands in a file."""
    if sought.in_text(path.name):
        return True
    if path.suffix == ".parquet":
        return in_table(read_parquet(path), sought)
    content = path.read_bytes()
    return any(sought.in_text(piece.decode("utf-8", "replace")) for piece in _pieces(path, content))


def _pieces(path: Path, content: bytes) -> Iterator[bytes]:
    yield content
    if path.suffix == ".pdf":
        for match in _STREAM.finditer(content):
            try:
                yield zlib.decompress(match.group(1))
            except zlib.error:
                continue


def in_table(table: pa.Table, sought: Sought) -> bool:
    """Whether a value stands in a text column of a table, or in a list of texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_list(column.type):
            column = pc.list_flatten(column)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        distinct = pc.unique(column).drop_null()
        wanted = pa.array(sorted(sought.values), distinct.type)
        if pc.any(pc.is_in(distinct, value_set=wanted), min_count=0).as_py():
            return True
        if any(sought.in_text(text) for text in distinct.to_pylist()):
            return True
    return False
