"""Where a bucket of accounts finds its rows: filtered out of all parts, or, of large logs, in files cut before.

A few scans of the parts are cheaper than writing all rows once more; many are not. Either way a bucket sees the same
rows, so the choice, made from the number of rows alone, can show in no result.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.engine import connect, identifier, text_literal
from pipeline.link_types import LinkType
from pipeline.workbench import Workbench

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_SCANS = 4  # buckets up to which every bucket scans all parts


@dataclass(frozen=True)
class Source:
    """Rows of one bucket as SQL: of the events and of the templates beside them, and of conversations by bucket."""

    events: str
    texts: str
    talks: str


@dataclass(frozen=True)
class _Cut:
    """One task: some parts, to be cut into files a bucket."""

    number: int
    events: tuple[str, ...]
    texts: tuple[str, ...]
    columns: tuple[str, ...]
    buckets: int
    scratch: str
    memory: int


def files(paths: Sequence[str]) -> str:
    """Parquet files as an SQL source."""
    return f"read_parquet([{', '.join(text_literal(p) for p in paths)}], hive_partitioning = false)"


def in_bucket(column: str, buckets: int, number: int) -> str:
    """Whether a value belongs to a bucket, as SQL."""
    return "true" if buckets == 1 else f"hash({column}) % {buckets} = {number}"


def sources(
    clean_events: Sequence[str], template_events: Sequence[str], types: Sequence[LinkType], buckets: int,
    bench: Workbench,
) -> list[Source]:  # fmt: skip
    """The rows of each bucket, one after the other."""
    if buckets > MOST_SCANS:
        return _cut(clean_events, template_events, types, buckets, bench)
    events, texts = files(clean_events), files(template_events)
    made = []
    for number in range(buckets):
        mine, talk = (in_bucket(c, buckets, number) for c in ("account_id", "conversation"))
        made.append(Source(
            f"(from {events} where {mine})", f"(from {texts} where {mine})",
            f"(from {texts} where conversation is not null and {talk})",
        ))  # fmt: skip
    return made


def _cut(
    clean_events: Sequence[str], template_events: Sequence[str], types: Sequence[LinkType], buckets: int,
    bench: Workbench,
) -> list[Source]:  # fmt: skip
    declared = {t.column for t in types if t.table == "events"}
    columns = ("account_id", "timestamp", "model", "user_agent", "input_tokens", "output_tokens", *sorted(declared))
    n_tasks = min(len(clean_events), 4 * max(1, bench.workers))
    tasks = [
        _Cut(i, tuple(clean_events[i::n_tasks]), tuple(template_events[i::n_tasks]), columns, buckets, bench.scratch,
             bench.memory)
        for i in range(n_tasks)
    ]  # fmt: skip
    bench.map(_cut_parts, tasks, what="cut events by account")
    made = []
    for number in range(buckets):
        found = [[_piece(t, kind, number) for t in tasks] for kind in ("events", "texts", "talks")]
        made.append(Source(*(f"(from {files([p for p in paths if Path(p).exists()])})" for paths in found)))
    return made


def _piece(task: _Cut, kind: str, number: int) -> str:
    return str(Path(task.scratch) / f"{kind}-{task.number:05d}-{number:05d}.parquet")


_TEXTS = '"account_id", "timestamp", template_id, slot_digest, n_chars, asks_reasoning'
_TALKS = 'conversation, "account_id", "timestamp"'


def _cut_parts(task: _Cut) -> None:
    """Write the rows of some parts into one file a bucket and kind."""
    columns = ", ".join(identifier(c) for c in dict.fromkeys(task.columns))
    kinds = (
        ("events", columns, task.events, "account_id", "true"),
        ("texts", _TEXTS, task.texts, "account_id", "true"),
        ("talks", _TALKS, task.texts, "conversation", "conversation is not null"),
    )
    with connect(task.scratch, task.memory) as db:
        for kind, wanted, paths, by, where in kinds:
            folder = Path(task.scratch) / f"{kind}-{task.number:05d}"
            shutil.rmtree(folder, ignore_errors=True)  # of a try before, whose worker died
            db.execute(
                f"copy (select {wanted}, (hash({by}) % {task.buckets})::integer as bucket from {files(paths)} "
                f"where {where}) to {text_literal(str(folder))} "
                "(format parquet, compression snappy, partition_by (bucket), write_partition_columns false)"
            )
            empty = f"select {wanted} from {files(paths)} limit 0"
            for number in range(task.buckets):
                _gather(db, folder / f"bucket={number}", _piece(task, kind, number), empty)


def _gather(db: DuckDBPyConnection, folder: Path, path: str, empty: str) -> None:
    """The one file of a bucket, under the name that its task expects."""
    written = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if len(written) == 1:
        written[0].rename(path)
        return
    query = f"from {files([str(p) for p in written])}" if written else empty
    db.execute(f"copy ({query}) to {text_literal(path)} (format parquet, compression snappy)")
