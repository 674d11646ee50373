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

from pipeline.engine import connect
from pipeline.link_types import link_types
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.schemas.model import Type
from pipeline.settings import Settings
from pipeline.stages.sightings.count import HOUR_US, Bucket, Counted, count
from pipeline.stages.sightings.sources import files, sources
from pipeline.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

ROWS_A_BUCKET = 16_000_000
ROWS_ALONE = 500_000  # fewer are counted in one task
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
    n_rows = sum(pq.read_metadata(p).num_rows for p in clean_events)
    # From the rows alone, so that the parts are the same whatever the number of workers; two where it is worth a task.
    buckets = max(-(-n_rows // ROWS_A_BUCKET), 2 if n_rows > ROWS_ALONE else 1)
    small = [_kept(t, n, bench) for t, n in ((clean_payments, "payments"), (clean_accounts, "accounts"))]
    quiet = _quiet_hours(clean_events, bench)
    since = int((period.since - _EPOCH).total_seconds()) * 1_000_000
    shared = (small[0], small[1], types, quiet, since, bench.scratch, bench.memory)
    found = sources(clean_events, template_events, types, buckets, bench)
    tasks = [Bucket(number, buckets, source, *shared) for number, source in enumerate(found)]
    made = bench.map(count, tasks, what="count sightings")
    return Sightings(
        [m.sightings for m in made], [m.account_hours for m in made],
        pa.concat_tables([m.conversations for m in made]), pa.concat_tables([m.traits for m in made]),
        _left_out(made),
    )  # fmt: skip


def _kept(table: pd.DataFrame, name: str, bench: Workbench) -> str:
    """Write a small table where the tasks can read it."""
    path = str(Path(bench.scratch) / f"{name}.parquet")
    known = TABLES[f"clean_{name}"].names
    extra: dict[str, Type] = {n: "string" for n in table.columns if n not in known}
    schema = arrow_schema(TABLES[f"clean_{name}"], extra)
    pq.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False), path)
    return path


def _quiet_hours(parts: Sequence[str], bench: Workbench) -> tuple[int, ...]:
    """The hours of the day in which the platform as a whole is quietest."""
    counts = bench.map(_by_hour, [(part, bench.scratch, bench.memory) for part in parts], what="count hours")
    total = [sum(c[h] for c in counts) for h in range(24)]
    return tuple(sorted(sorted(range(24), key=lambda h: (total[h], h))[:QUIET_HOURS]))


def _by_hour(task: tuple[str, str, int]) -> list[int]:
    """Requests of a part by hour of the day, 24 numbers."""
    part, scratch, memory = task
    with connect(scratch, memory) as db:
        query = f"select epoch_us(\"timestamp\") // {HOUR_US} % 24 as h, count(*) from {files([part])} group by h"
        found = dict(db.execute(query).fetchall())
    return [int(found.get(h, 0)) for h in range(24)]


def _left_out(made: list[Counted]) -> dict[str, int]:
    counts = {
        "accounts without event or payment": sum(m.n_idle for m in made),
        "conversation beginnings of too many accounts": sum(m.n_common for m in made),
    }
    return {reason: n for reason, n in counts.items() if n}
