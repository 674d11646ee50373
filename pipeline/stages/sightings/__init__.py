"""Counts who was seen with what, and when: the one pass over all events that everything later stands on.

Rows in: requests, each once. Rows out: account x entity x day of every link type, account x hour, beginnings of
conversations that several accounts continued, and one row of traits an account. No text comes this far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.link_types import link_types
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.schemas.model import Type
from pipeline.settings import Settings
from pipeline.stages.sightings.combine import Bucket, Combined, combine
from pipeline.stages.sightings.partials import Found, Task, aggregate
from pipeline.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

ROWS_A_BUCKET = 8_000_000
ROWS_A_TASK = 60_000_000
QUIET_HOURS = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sightings:
    """What the stage writes; `left_out` says of what kind how many were not carried on."""

    sightings: list[str]
    account_hours: list[str]
    conversations: pa.Table
    account_traits: pa.Table
    left_out: dict[str, int] = field(default_factory=dict)


def make(
    clean_events: Sequence[str],
    clean_payments: pd.DataFrame,
    clean_accounts: pd.DataFrame,
    template_events: Sequence[str],
    *,
    settings: Settings,
    period: Period,
    bench: Workbench,
) -> Sightings:
    """Aggregate the events; `template_events` has one part for each part of `clean_events`, row by row."""
    types = link_types(settings.link_types)
    sizes = [pq.read_metadata(p).num_rows for p in clean_events]
    # From the rows alone, so that the parts are the same whatever the number of workers.
    buckets = max(1, -(-sum(sizes) // ROWS_A_BUCKET))
    tasks = [
        Task(i, tuple(clean_events[j] for j in group), tuple(template_events[j] for j in group), types, buckets,
             bench.scratch, bench.memory)
        for i, group in enumerate(_groups(sizes, max(1, bench.workers)))
    ]  # fmt: skip
    found = bench.map(aggregate, tasks, what="count sightings")
    small = [_kept(t, n, bench) for t, n in ((clean_payments, "payments"), (clean_accounts, "accounts"))]
    quiet = _quiet_hours(found)
    since = int((period.since - _EPOCH).total_seconds()) * 1_000_000
    shared = (small[0], small[1], types, quiet, since, bench.scratch, bench.memory)
    made = bench.map(
        combine, [Bucket(b, buckets, _partials(found, b), *shared) for b in range(buckets)],
        what="put sightings together",
    )  # fmt: skip
    for one in found:
        for path in one.files.values():
            Path(path).unlink()
    return Sightings(
        [m.sightings for m in made], [m.account_hours for m in made],
        pa.concat_tables([m.conversations for m in made]), pa.concat_tables([m.traits for m in made]),
        _left_out(made),
    )  # fmt: skip


def _groups(sizes: list[int], workers: int) -> list[list[int]]:
    """Parts by task: few large tasks, since each aggregates within itself; runs of parts of about equal rows."""
    n_tasks = max(workers, -(-sum(sizes) // ROWS_A_TASK))
    share = max(1, -(-sum(sizes) // n_tasks))
    groups: list[list[int]] = []
    taken = 0
    for i, size in enumerate(sizes):
        if not groups or (taken + size // 2 > share * len(groups) and len(groups) < n_tasks):
            groups.append([])
        groups[-1].append(i)
        taken += size
    return groups


def _kept(table: pd.DataFrame, name: str, bench: Workbench) -> str:
    """Write a small table where the tasks can read it."""
    path = str(Path(bench.scratch) / f"{name}.parquet")
    known = TABLES[f"clean_{name}"].names
    extra: dict[str, Type] = {n: "string" for n in table.columns if n not in known}
    schema = arrow_schema(TABLES[f"clean_{name}"], extra)
    pq.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False), path)
    return path


def _quiet_hours(found: list[Found]) -> tuple[int, ...]:
    """The hours of the day in which the platform as a whole is quietest."""
    total = [sum(f.by_hour[h] for f in found) for h in range(24)]
    return tuple(sorted(sorted(range(24), key=lambda h: (total[h], h))[:QUIET_HOURS]))


def _partials(found: list[Found], bucket: int) -> dict[str, tuple[str, ...]]:
    names = {partial for f in found for partial, b in f.files if b == bucket}
    return {name: tuple(f.files[name, bucket] for f in found) for name in sorted(names)}


def _left_out(made: list[Combined]) -> dict[str, int]:
    counts = {
        "accounts without event or payment": sum(m.n_idle for m in made),
        "conversation beginnings of too many accounts": sum(m.n_common for m in made),
    }
    return {reason: n for reason, n in counts.items() if n}
