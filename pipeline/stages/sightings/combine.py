"""Second step: what the tasks found is put together, a bucket of accounts at a time, and written in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.link_types import ADDRESS_TYPES, TEMPLATE_TYPE, LinkType
from pipeline.schemas import TABLES, arrow_schema
from pipeline.stages.sightings.partials import DAY_US, HOUR_US, bucket_of, engine, files, name, text

MOST_TALKERS = 200  # accounts of one conversation beginning above which it is a common greeting
_ROWS = 1 << 18
_TIME_OF = {"payments": "timestamp", "accounts": "created_at"}


@dataclass(frozen=True)
class Bucket:
    """One task: the partial files of a bucket, the small tables, and what the whole platform says."""

    number: int
    buckets: int
    partials: dict[str, tuple[str, ...]]
    payments: str
    accounts: str
    types: tuple[LinkType, ...]
    quiet_hours: tuple[int, ...]
    since_us: int
    scratch: str
    memory: int


@dataclass(frozen=True)
class Combined:
    """The parts of a bucket, and the traits of its accounts."""

    sightings: str
    account_hours: str
    traits: pa.Table
    conversations: pa.Table
    n_common: int  # conversation beginnings left out as too common
    n_idle: int  # accounts left out: no event, no payment


def combine(task: Bucket) -> Combined:
    """Put one bucket together."""
    with engine(task.scratch, task.memory) as db:
        for partial, paths in task.partials.items():
            db.execute(f"create view {partial} as select * from {files(paths)}")
        mine = f"{bucket_of('account_id', task.buckets)} = {task.number}"
        for small, path in (("payments", task.payments), ("accounts", task.accounts)):
            db.execute(f"create temp table {small} as select * from read_parquet({text(path)}) where {mine}")
        db.execute(_ACTIVE)
        n_idle = db.execute("select count(*) from accounts anti join active using (account_id)").fetchall()[0][0]
        sightings = _written(db, "sightings", _sightings(task), task)
        hours = _written(db, "account_hours", _HOURS, task)
        db.execute(f"create view sightings as select * from read_parquet({text(sightings)})")
        db.execute(f"create view account_hours as select * from read_parquet({text(hours)})")
        traits = _table(db, "account_traits", _traits(task))
        conversations = _table(db, "conversations", _CONVERSATIONS)
        n_common = db.execute(_N_COMMON).fetchall()[0][0]
    return Combined(sightings, hours, traits, conversations, int(n_common), int(n_idle))


def _table(db: duckdb.DuckDBPyConnection, table: str, query: str) -> pa.Table:
    schema = arrow_schema(TABLES[table])
    return db.sql(query).to_arrow_table().select(schema.names).cast(schema)


def _written(db: duckdb.DuckDBPyConnection, table: str, query: str, task: Bucket) -> str:
    """Write a sorted query as a part of a wide table."""
    path = str(Path(task.scratch) / f"{table}-{task.number:05d}.parquet")
    schema = arrow_schema(TABLES[table])
    with pq.ParquetWriter(path, schema, compression="snappy") as out:
        for batch in db.sql(query).to_arrow_reader(_ROWS):
            out.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
    return path


# An account counts where it made a request or has paid.
_ACTIVE = """
create temp table active as
with told as (
    select account_id, sum(n_events)::bigint as n_events, min(first_seen) as first_seen, max(last_seen) as last_seen
    from clients group by account_id
), paid as (
    select account_id, min(epoch_us("timestamp")) as first_paid, max(epoch_us("timestamp")) as last_paid,
        count(distinct payment_fingerprint) as n_cards
    from payments group by account_id
)
select account_id, coalesce(n_events, 0) as n_events, coalesce(n_cards, 0) as n_cards, first_paid,
    coalesce(first_seen, first_paid, epoch_us(created_at)) as first_seen,
    coalesce(last_seen, last_paid, epoch_us(created_at)) as last_seen,
    epoch_us(created_at) as created_us, status, email_domain, organization
from told full join paid using (account_id) left join accounts using (account_id)
"""

_HOURS = f"""
select account_id, make_timestamptz(hour * {HOUR_US}) as hour, sum(n_events)::bigint as n_events
from hours group by account_id, hours.hour order by account_id, hours.hour
"""


def _sightings(task: Bucket) -> str:
    """Sightings of events as they were found, and one for each value that a small table gives an account."""
    given = []
    for t in task.types:
        if t.table not in _TIME_OF:
            continue
        value, own = name(t.column), name(_TIME_OF[t.table])
        moment = f"coalesce(own_us, created_us, first_us, {task.since_us})"
        given.append(
            f"select account_id, {text(t.name)} as entity_type, entity, {moment} // {DAY_US} as day, 0 as n_events, "
            f"0 as active_hours, {moment} as first_seen, {moment} as last_seen "
            f"from (select account_id, {value} as entity, epoch_us({own}) as own_us from {t.table}) "
            "join (select account_id, created_us, first_seen as first_us from active) using (account_id) "
            "where entity is not null"
        )
    union = " union all ".join(["select * from seen", *given])
    return f"""
select account_id, entity_type, entity, date '1970-01-01' + day::integer as day,
    sum(n_events)::bigint as n_events, bit_or(active_hours)::bigint as active_hours,
    make_timestamptz(min(first_seen)) as first_seen, make_timestamptz(max(last_seen)) as last_seen
from ({union}) as found group by account_id, entity_type, entity, found.day
order by account_id, entity_type, entity, found.day
"""


def _traits(task: Bucket) -> str:
    quiet = ", ".join(str(h) for h in task.quiet_hours)
    addresses = ", ".join(text(n) for n in ADDRESS_TYPES)
    return f"""
with shared as (
    select account_id, entity_type, entity, sum(n_events) as n from sightings group by all
), counted as (
    select account_id, count(*) filter (entity_type in ({addresses})) as n_addresses,
        count(*) filter (entity_type = {text(TEMPLATE_TYPE)}) as n_templates
    from shared group by account_id
), top as (
    select account_id, entity as top_template, n::double / sum(n) over (partition by account_id) as top_template_share
    from shared where entity_type = {text(TEMPLATE_TYPE)}
    qualify row_number() over (partition by account_id order by n desc, entity) = 1
), slotted as (
    select account_id, count(distinct slot_digest) as n_slots from slots group by account_id
), told as (
    select account_id, sum(n_prompted)::bigint as n_prompted, sum(n_templated)::bigint as n_templated,
        sum(n_reasoning)::bigint as n_reasoning
    from texts group by account_id
), tuples as (
    select account_id, user_agent, model, sum(n_events)::bigint as n, sum(tokens_in)::bigint as tokens_in,
        sum(n_in)::bigint as n_in, sum(tokens_out)::bigint as tokens_out, sum(n_out)::bigint as n_out
    from clients group by account_id, user_agent, model
), tokens as (
    select account_id, sum(tokens_in)::double / sum(n_in) as mean_input_tokens,
        sum(tokens_out)::double / sum(n_out) as mean_output_tokens
    from tuples group by account_id
), client as (
    select account_id, md5(coalesce(user_agent, '') || chr(31) || coalesce(model, ''))[:16] as client,
        n::double / sum(n) over (partition by account_id) as client_share
    from tuples
    qualify row_number() over (partition by account_id order by n desc, user_agent nulls last, model nulls last) = 1
        and (user_agent is not null or model is not null)
), rhythm as (
    select account_id, count(distinct hour // 24) as n_days,
        sum(n_events) filter (hour % 24 in ({quiet}))::double / sum(n_events) as night_share,
        sum(n_events) filter ((hour // 24 + 3) % 7 >= 5)::double / sum(n_events) as weekend_share
    from hours group by account_id
)
select account_id, n_events, coalesce(n_days, 0) as n_days, make_timestamptz(first_seen) as first_seen,
    make_timestamptz(last_seen) as last_seen, make_timestamptz(created_us) as created_at, status, email_domain,
    organization, make_timestamptz(first_paid) as first_paid, n_cards, coalesce(n_addresses, 0) as n_addresses,
    coalesce(n_templates, 0) as n_templates, top_template, top_template_share,
    n_templated::double / nullif(n_prompted, 0) as templated_share,
    coalesce(n_slots, 0)::double / nullif(n_templated, 0) as distinct_slots_share,
    n_reasoning::double / nullif(n_prompted, 0) as reasoning_share,
    client, client_share, mean_input_tokens, mean_output_tokens,
    case when n_events > 0 then coalesce(night_share, 0) end as night_share,
    case when n_events > 0 then coalesce(weekend_share, 0) end as weekend_share
from active left join rhythm using (account_id) left join counted using (account_id) left join top using (account_id)
    left join told using (account_id) left join slotted using (account_id) left join tokens using (account_id)
    left join client using (account_id)
order by account_id
"""


_CONVERSATIONS = f"""
select conversation, account_id, sum(n_events)::bigint as n_events, make_timestamptz(min(first_seen)) as first_seen,
    make_timestamptz(max(last_seen)) as last_seen
from talks group by conversation, account_id
qualify count(*) over (partition by conversation) between 2 and {MOST_TALKERS}
order by conversation, account_id
"""

_N_COMMON = f"""
select count(*) from (select conversation from talks group by conversation
    having count(distinct account_id) > {MOST_TALKERS})
"""
