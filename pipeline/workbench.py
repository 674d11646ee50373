"""What a stage is given beside its tables: a bench to spread work on, the input files, prompts to read again.

Mostly shapes stand here; `pipeline.storage` makes them. A stage never opens anything by a path of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
R = TypeVar("R")

# what a part of clean_events says of itself in its Parquet metadata
FILES = b"ringtrace.files"  # JSON list of the input files its rows stand in, by the number in its column `source`
MADE_FROM = b"ringtrace.made_from"  # digest of all that the part depends on

FileFormat = Literal["parquet", "csv", "jsonl"]


class Workbench(Protocol):
    """Carries out the work of a wide stage as Dask tasks."""

    @property
    def scratch(self) -> str:
        """Private folder of this stage (a local path); parts are written here, the runner moves them into place."""

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    @property
    def memory(self) -> int:
        """Bytes that one task may use."""

    def map(self, function: Callable[[T], R], items: Iterable[T], *, what: str) -> list[R]:
        """Apply a top-level function to each item, as tasks; results in the order of the items. Both must pickle."""


@dataclass(frozen=True)
class InPlace:
    """A bench inside a task: what is spread elsewhere is done here, one after the other."""

    scratch: str
    memory: int
    workers: int = 1

    def map(self, function: Callable[[T], R], items: Iterable[T], *, what: str) -> list[R]:
        """Apply a function to each item."""
        return [function(item) for item in items]


class Shelf(Protocol):
    """Work kept from run to run, by a key that names all it was made from. It pickles; it changes no result."""

    @property
    def code(self) -> str:
        """What stands for the code that makes the kept work."""

    def find(self, kind: str, key: str) -> str | None:
        """Folder of an entry, or None where there is no whole one. Its files are never written to."""

    def new(self) -> str:
        """A fresh private folder to make an entry in."""

    def keep(self, kind: str, key: str, made: str) -> str:
        """Put a folder from `new` into its place; returns where it lies now."""

    def note(self, kind: str, key: str, value: object) -> None:
        """Keep a small plain value."""

    def noted(self, kind: str, key: str) -> object | None:
        """A small plain value, or None."""


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """The same file under a second name, or a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@dataclass(frozen=True)
class InputTable:
    """The files of one input table, sorted by path. `files` are URLs that `fsspec.open(url, **options)` understands
    (plain absolute paths where local); `shown` are their names as people know them, relative to the input."""

    name: str
    format: FileFormat
    files: tuple[str, ...]
    shown: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    # for each file what hive folders such as date=2026-05-01 say of all its rows
    partitions: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Inputs:
    """The input tables that were found, by name. `uri` is the input as the user named it."""

    uri: str
    tables: Mapping[str, InputTable]


class PromptSource(Protocol):
    """Prompts, read again from the input; only the templates stage is given this."""

    def batches(self, part: str) -> Iterator[pa.Array]:
        """Prompts of a clean_events part, in its order and of its length; null where there is none."""
