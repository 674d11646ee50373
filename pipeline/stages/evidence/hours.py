"""When the accounts of each ring were active: by account and hour, by ring and hour, and the platform by day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import connect
from pipeline.workbench import Workbench

GROUPS = ("flagged", "other")


@dataclass(frozen=True)
class Hours:
    """The three tables of the contract."""

    activity: pa.Table
    ring_hours: pa.Table
    daily: pa.Table


@dataclass(frozen=True)
class _Task:
    part: str
    members: str
    scratch: str
    memory: int


def hours(account_hours: list[str], members: pd.DataFrame, bench: Workbench) -> Hours:
    """Activity of the members and the day by day counts of everybody.

    `members`: (ring_id, account_id, accused). Accounts lie in one part each, so counts of accounts add up over parts.
    """
    path = str(Path(bench.scratch) / "members.parquet")
    pq.write_table(pa.Table.from_pandas(members[["ring_id", "account_id", "accused"]], preserve_index=False), path)
    tasks = [_Task(part, path, bench.scratch, bench.memory) for part in account_hours]
    results = bench.map(_one_part, tasks, what="hours of the rings")
    activity = _joined([r[0] for r in results], _ACTIVITY)
    days = _joined([r[1] for r in results], _DAILY)
    with connect(bench.scratch, bench.memory) as engine:
        engine.register("activity", activity)
        engine.register("days", days)
        ring_hours = engine.sql(_SQL_RING_HOURS).to_arrow_table()
        daily = engine.sql(_SQL_DAILY).to_arrow_table()
    return Hours(activity, ring_hours, daily)


_HOUR = pa.timestamp("us", "UTC")
_ACTIVITY = pa.schema(
    [("ring_id", pa.string()), ("account_id", pa.string()), ("hour", _HOUR), ("n_events", pa.int64())]
)
_DAILY = pa.schema([("day", pa.date32()), ("group", pa.string()), ("n_events", pa.int64()), ("n_accounts", pa.int64())])

_SQL_ACTIVITY = """
select m.ring_id, h.account_id, h.hour, h.n_events::bigint as n_events
from read_parquet($part) h join read_parquet($members) m using (account_id)
order by all
"""
_SQL_PART_DAYS = """
select (h.hour at time zone 'UTC')::date as day,
       case when coalesce(m.accused, false) then 'flagged' else 'other' end as "group",
       sum(h.n_events)::bigint as n_events, count(distinct h.account_id)::bigint as n_accounts
from read_parquet($part) h left join read_parquet($members) m using (account_id)
group by all order by all
"""
_SQL_RING_HOURS = """
select ring_id, hour, count(*)::bigint as n_accounts, sum(n_events)::bigint as n_events
from activity group by ring_id, hour order by ring_id, hour
"""
_SQL_DAILY = """
select day, "group", sum(n_events)::bigint as n_events, sum(n_accounts)::bigint as n_accounts
from days group by day, "group" order by day, "group"
"""


def _one_part(task: _Task) -> tuple[pa.Table, pa.Table]:
    values = {"part": task.part, "members": task.members}
    with connect(task.scratch, task.memory) as engine:
        activity = engine.sql(_SQL_ACTIVITY, params=values).to_arrow_table().cast(_ACTIVITY)
        days = engine.sql(_SQL_PART_DAYS, params=values).to_arrow_table().cast(_DAILY)
    return activity, days


def _joined(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *tables])
