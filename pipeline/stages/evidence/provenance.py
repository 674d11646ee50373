"""The requests behind the strongest ties: for each account and day, how many, and the first request ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import connect, identifier, text_literal
from pipeline.link_types import LinkType
from pipeline.workbench import Workbench

# A tie of a very large ring is shown by that many of its accounts, the surest first: the table is a way back to the
# logs, not a copy of them.
ACCOUNTS_PER_ENTITY = 500

SCHEMA = pa.schema(
    [
        ("ring_id", pa.string()), ("account_id", pa.string()), ("entity_type", pa.string()), ("entity", pa.string()),
        ("day", pa.date32()), ("n_events", pa.int64()), ("request_ids", pa.list_(pa.string())),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """Where requests can be looked up: parts of clean_events and template_events, and the sightings by day."""

    sightings: list[str]
    clean_events: list[str]
    template_events: list[str]


@dataclass(frozen=True)
class _Task:
    part: str
    wanted: str
    target: str
    columns: tuple[tuple[str, str], ...]  # (link type, column)
    request_ids: int
    scratch: str
    memory: int


def wanted_ties(ties: pd.DataFrame, of_accounts: pd.DataFrame, members: pd.DataFrame, per_ring: int) -> pd.DataFrame:
    """(ring_id, account_id, entity_type, entity) of the strongest entities of each ring and its surest accounts.

    `ties` is ordered, strongest first in each ring; `members` has ring_id, account_id, membership.
    """
    keys = ["ring_id", "entity_type", "entity"]
    strongest = ties.groupby("ring_id", sort=False).head(per_ring)[keys]
    rows = of_accounts[[*keys, "account_id"]].merge(strongest, on=keys).merge(members, on=["ring_id", "account_id"])
    rows = rows.sort_values([*keys, "membership", "account_id"], ascending=[True, True, True, False, True])
    return rows.groupby(keys, sort=False).head(ACCOUNTS_PER_ENTITY)[[*keys, "account_id"]].reset_index(drop=True)


def provenance(
    wanted: pd.DataFrame, sources: Sources, types: dict[str, LinkType], request_ids: int, bench: Workbench
) -> pa.Table:
    """One row a tie and day: requests counted from the sightings, at most `request_ids` ids in the order of time.

    Ties that come from tables without requests (payments, accounts) have 0 requests and no ids.
    """
    if wanted.empty:
        return SCHEMA.empty_table()
    folder = Path(bench.scratch)
    path = str(folder / "wanted.parquet")
    pq.write_table(pa.Table.from_pandas(wanted, preserve_index=False), path)
    days = bench.map(
        _days_of_part,
        [_Task(part, path, "", (), 0, bench.scratch, bench.memory) for part in sources.sightings],
        what="days behind the ties",
    )
    tasks = []
    for table, parts in (("events", sources.clean_events), ("template_events", sources.template_events)):
        columns = tuple(sorted((t.name, t.column) for t in types.values() if t.table == table))
        for i, part in enumerate(parts if columns and request_ids else ()):
            target = str(folder / f"requests-{table}-{i:05d}.parquet")
            tasks.append(_Task(part, path, target, columns, request_ids, bench.scratch, bench.memory))
    found = [name for name in bench.map(_requests_of_part, tasks, what="requests behind the ties") if name]
    by_day = pa.concat_tables(days) if days else SCHEMA.empty_table().select(SCHEMA.names[:-1])
    return _together(by_day, found, request_ids, bench)


_SQL_DAYS = """
select w.ring_id, s.account_id, s.entity_type, s.entity, s.day, sum(s.n_events)::bigint as n_events
from read_parquet($part) s join read_parquet($wanted) w using (account_id, entity_type, entity)
group by all order by all
"""
_SQL_TOGETHER = """
select d.*, coalesce(r.request_ids, []) as request_ids
from days d left join requests r using (account_id, entity_type, entity, day)
order by all
"""
_SQL_FIRST = """
select account_id, entity_type, entity, day, list(request_id order by timestamp, request_id)[:{n}] as request_ids
from read_parquet({files}) group by account_id, entity_type, entity, day
"""
_SQL_NONE = """
select null::varchar as account_id, null::varchar as entity_type, null::varchar as entity, null::date as day,
       []::varchar[] as request_ids where false
"""


def _days_of_part(task: _Task) -> pa.Table:
    with connect(task.scratch, task.memory) as engine:
        table = engine.sql(_SQL_DAYS, params={"part": task.part, "wanted": task.wanted}).to_arrow_table()
    return table.cast(pa.schema(list(SCHEMA)[:-1]))


def _requests_of_part(task: _Task) -> str:
    """The first requests of each tie and day in one part, written aside; empty text where there are none."""
    present = set(pq.read_schema(task.part).names)
    columns = [(name, column) for name, column in task.columns if column in present]
    if not columns or "request_id" not in present:
        return ""
    selects = " union all ".join(_select(name, column) for name, column in columns)
    query = f"""
    copy (
        select account_id, entity_type, entity, day, request_id, timestamp from ({selects})
        qualify row_number() over (
            partition by account_id, entity_type, entity, day order by timestamp, request_id) <= {task.request_ids}
    ) to {text_literal(task.target)} (format parquet)
    """
    with connect(task.scratch, task.memory) as engine:
        engine.execute(query, {"part": task.part, "wanted": task.wanted})
    return task.target


def _select(name: str, column: str) -> str:
    return f"""
    select e.account_id, {text_literal(name)} as entity_type, e.{identifier(column)} as entity,
           (e.timestamp at time zone 'UTC')::date as day, e.request_id, e.timestamp
    from read_parquet($part) e
    semi join (select account_id, entity from read_parquet($wanted) where entity_type = {text_literal(name)}) w
        on e.account_id = w.account_id and e.{identifier(column)} = w.entity
    where e.request_id is not null
    """


def _together(days: pa.Table, files: list[str], request_ids: int, bench: Workbench) -> pa.Table:
    with connect(bench.scratch, bench.memory) as engine:
        engine.register("days", days)
        names = f"[{', '.join(text_literal(f) for f in files)}]"
        sql = _SQL_FIRST.format(n=request_ids, files=names) if files else _SQL_NONE
        engine.execute(f"create temp table requests as {sql}")
        return engine.sql(_SQL_TOGETHER).to_arrow_table().cast(SCHEMA)
