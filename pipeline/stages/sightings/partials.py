"""First step: each task aggregates some parts of the events by a compiled engine and cuts what it found by account.

All sums are of whole numbers and all else is minimum, maximum or bit mask, so that neither the cut into tasks nor
their order can show in a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.link_types import LinkType

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
# partial tables cut by account; conversations are cut by conversation
SEEN, HOURS, CLIENTS, TEXTS, SLOTS, TALKS = "seen", "hours", "clients", "texts", "slots", "talks"


@dataclass(frozen=True)
class Task:
    """Parts of the events that one task takes, row by row beside those of the templates."""

    number: int
    events: tuple[str, ...]
    template_events: tuple[str, ...]
    types: tuple[LinkType, ...]
    buckets: int
    scratch: str
    memory: int


@dataclass(frozen=True)
class Found:
    """Partial files of one task by (partial table, bucket), and the platform's requests by hour of the day."""

    files: dict[tuple[str, int], str]
    by_hour: tuple[int, ...]


def engine(scratch: str, memory: int) -> duckdb.DuckDBPyConnection:
    """A private one-thread engine: bounded memory, spills into scratch, times are UTC, order is asked for or free."""
    made = duckdb.connect(config={"threads": 1, "temp_directory": scratch})
    made.execute(f"set memory_limit = '{max(memory >> 20, 128)}MB'")
    made.execute("set preserve_insertion_order = false")
    made.execute("set TimeZone = 'UTC'")
    return made


def text(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """A column name as SQL writes it."""
    return '"' + value.replace('"', '""') + '"'


def files(paths: tuple[str, ...]) -> str:
    """Parquet files as an SQL source."""
    return f"read_parquet([{', '.join(text(p) for p in paths)}])"


def aggregate(task: Task) -> Found:
    """Aggregate the parts of one task and write what was found, cut into buckets."""
    found: dict[tuple[str, int], str] = {}
    with engine(task.scratch, task.memory) as db:
        for partial, query in _queries(task):
            db.execute(f"create or replace temp table found as {query}")
            for bucket in range(task.buckets):
                path = str(Path(task.scratch) / f"{partial}-{task.number:05d}-{bucket:05d}.parquet")
                db.execute(
                    f"copy (select * exclude (bucket) from found where bucket = {bucket}) to {text(path)} "
                    "(format parquet, compression snappy)"
                )
                found[partial, bucket] = path
            if partial == HOURS:
                rows = db.execute("select hour % 24, sum(n_events)::bigint from found group by 1").fetchall()
                by_hour = {int(h): int(n) for h, n in rows}
    return Found(found, tuple(by_hour.get(h, 0) for h in range(24)))


def bucket_of(column: str, buckets: int) -> str:
    """The bucket of a value, as SQL."""
    return f"(hash({column}) % {buckets})::integer"


def _queries(task: Task) -> list[tuple[str, str]]:
    """The partial tables of a task, each as one query; the sightings of all link types are one table."""
    account = bucket_of("account_id", task.buckets)
    moment = 'epoch_us("timestamp")'
    sources = {"events": task.events, "template_events": task.template_events}
    seen = [
        f"select {account} as bucket, account_id, {text(t.name)} as entity_type, {name(t.column)} as entity, "
        f"{moment} // {DAY_US} as day, count(*) as n_events, "
        f"bit_or(1::bigint << ({moment} // {HOUR_US} % 24)::integer) as active_hours, "
        f"min({moment}) as first_seen, max({moment}) as last_seen "
        f"from {files(sources[t.table])} where {name(t.column)} is not null group by account_id, entity, day"
        for t in task.types
        if t.table in sources
    ]
    events, texts = files(task.events), files(task.template_events)
    prompted = "coalesce(n_chars, 0) > 0 or template_id is not null"
    return [
        (SEEN, " union all ".join(seen)),
        (
            HOURS,
            f"select {account} as bucket, account_id, {moment} // {HOUR_US} as hour, count(*) as n_events "
            f"from {events} group by account_id, hour",
        ),
        (
            CLIENTS,
            f"select {account} as bucket, account_id, user_agent, "
            r"regexp_replace(model, '[-@_.]?(20)?\d{6}$|[-@](latest|preview)$', '') as model, count(*) as n_events, "
            "sum(input_tokens)::bigint as tokens_in, count(input_tokens) as n_in, "
            "sum(output_tokens)::bigint as tokens_out, count(output_tokens) as n_out, "
            f"min({moment}) as first_seen, max({moment}) as last_seen "
            f"from {events} group by account_id, user_agent, 4",
        ),
        (
            TEXTS,
            f"select {account} as bucket, account_id, count(*) filter ({prompted}) as n_prompted, "
            "count(template_id) as n_templated, count(*) filter (asks_reasoning) as n_reasoning "
            f"from {texts} group by account_id",
        ),
        (
            SLOTS,
            f"select {account} as bucket, account_id, slot_digest from {texts} "
            "where template_id is not null and slot_digest is not null group by account_id, slot_digest",
        ),
        (
            TALKS,
            f"select {bucket_of('conversation', task.buckets)} as bucket, conversation, account_id, "
            f"count(*) as n_events, min({moment}) as first_seen, max({moment}) as last_seen "
            f"from {texts} where conversation is not null group by conversation, account_id",
        ),
    ]
