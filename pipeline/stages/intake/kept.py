"""What was made of a chunk of the input before: known again by the content of its files and all else that matters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from pipeline.stages.intake.plans import Chunk, Reading, sources_of
from pipeline.workbench import InputTable, Shelf, Workbench

_BLOCK = 1 << 24


def digest(value: object) -> str:
    """SHA-256 of a plain value, written in one way."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Lasting:
    """Where kept work lies, and what stands for the content of each file of the table; `shelf` None keeps nothing."""

    shelf: Shelf | None = None
    marks: tuple[str, ...] = ()

    def key(self, reading: Reading, chunk: Chunk) -> str:
        """All that the reading of a chunk depends on, the window aside."""
        table = reading.table
        sources = sources_of(chunk)
        files = [
            [self.marks[s] if self.marks else table.files[s], table.shown[s],
             dict(table.partitions[s]) if table.partitions else {}] for s in sources
        ]  # fmt: skip
        first = sources[0] if sources else 0
        pieces = [astuple(replace(p, source=p.source - first)) for p in chunk.pieces]
        columns = [astuple(c) for c in reading.columns]
        said = [columns, reading.theirs, reading.extras, reading.timestamp_format, table.format, table.name]
        return digest([files, pieces, said])


def lasting(table: InputTable, shelf: Shelf | None, bench: Workbench) -> Lasting:
    """The marks of a table's files, taken as tasks."""
    if shelf is None:
        return Lasting()
    tasks = [(table, source, shelf) for source in range(len(table.files))]
    return Lasting(shelf, tuple(bench.map(_mark, tasks, what="look at the files")))


def _mark(task: tuple[InputTable, int, Shelf]) -> str:
    """What stands for a file's content: its digest, of an object store what the store says of the object."""
    from fsspec.core import url_to_fs

    table, source, shelf = task
    filesystem, path = url_to_fs(table.files[source], **table.options)
    if "file" not in (filesystem.protocol if isinstance(filesystem.protocol, tuple) else (filesystem.protocol,)):
        info = filesystem.info(path)
        return digest([table.files[source], *(str(info.get(n, "")) for n in ("size", "ETag", "mtime", "LastModified"))])
    seen = Path(path).stat()
    look = digest([path, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino])
    known = shelf.noted("files", look)
    if isinstance(known, str):
        return known
    mark = file_digest(path)
    shelf.note("files", look, mark)
    return mark


def file_digest(path: str) -> str:
    """SHA-256 of a file's content."""
    total = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()
