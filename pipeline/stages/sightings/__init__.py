"""Counts who was seen with what, and when: the one pass over all events that everything later stands on.

Each part of the log is counted by itself, once: what earlier runs counted of it is found again. Then the parts are put
together, a bucket of accounts at a time.

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
from pipeline.stages.sightings.count import Bucket, Counted, count
from pipeline.stages.sightings.partial import FAN, Partial, partials
from pipeline.workbench import Shelf, Workbench

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
    shelf: Shelf | None = None,
) -> Sightings:
    """Aggregate the events; `template_events` has one part for each part of `clean_events`, row by row."""
    types = link_types(settings.link_types)
    n_rows = sum(pq.read_metadata(p).num_rows for p in clean_events)
    # From the rows alone, so that the parts are the same whatever the number of workers; two where it is worth a task.
    buckets = min(FAN, max(-(-n_rows // ROWS_A_BUCKET), 2 if n_rows > ROWS_ALONE else 1))
    small = [_kept(t, n, bench) for t, n in ((clean_payments, "payments"), (clean_accounts, "accounts"))]
    counted = tuple(partials(clean_events, template_events, types, bench, shelf))
    since = int((period.since - _EPOCH).total_seconds()) * 1_000_000
    shared = (counted, small[0], small[1], types, _quiet_hours(counted), since, bench.scratch, bench.memory)
    tasks = [Bucket(number, buckets, *shared) for number in range(buckets)]
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


def _quiet_hours(counted: Sequence[Partial]) -> tuple[int, ...]:
    """The hours of the day in which the platform as a whole is quietest."""
    total = [sum(c.by_hour[h] for c in counted) for h in range(24)]
    return tuple(sorted(sorted(range(24), key=lambda h: (total[h], h))[:QUIET_HOURS]))


def _left_out(made: list[Counted]) -> dict[str, int]:
    counts = {
        "accounts without event or payment": sum(m.n_idle for m in made),
        "conversation beginnings of too many accounts": sum(m.n_common for m in made),
    }
    return {reason: n for reason, n in counts.items() if n}
