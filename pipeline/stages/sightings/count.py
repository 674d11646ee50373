"""All that is counted of a bucket of accounts: sightings, hours, traits, and the conversations of its share.

All sums are of whole numbers and all else is minimum, maximum or bit mask, so that the order of rows cannot show in a
result. Parts are not sorted: sorting would cost more than counting, and every reader counts again by groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.engine import connect, identifier, text_literal
from pipeline.link_types import ADDRESS_TYPES, TEMPLATE_TYPE, LinkType
from pipeline.schemas import TABLES, arrow_schema
from pipeline.stages.sightings.sources import Source, files, in_bucket

MOST_TALKERS = 200  # accounts of one conversation beginning above which it is a common greeting
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_MOMENT = 'epoch_us("timestamp")'
_TIME_OF = {"payments": "timestamp", "accounts": "created_at"}


@dataclass(frozen=True)
class Bucket:
    """One task: where the rows of a bucket lie, the small tables, and what the whole platform says."""

    number: int
    buckets: int
    source: Source
    payments: str
    accounts: str
    types: tuple[LinkType, ...]
    quiet_hours: tuple[int, ...]
    since_us: int
    scratch: str
    memory: int


@dataclass(frozen=True)
class Counted:
    """The parts of a bucket, and the traits of its accounts."""

    sightings: str
    account_hours: str
    traits: pa.Table
    conversations: pa.Table
    n_common: int  # conversation beginnings left out as too common
    n_idle: int  # accounts left out: no event, no payment


def count(task: Bucket) -> Counted:
    """Count one bucket."""
    with connect(task.scratch, task.memory) as db:
        for view, rows in (("events", task.source.events), ("texts", task.source.texts), ("talks", task.source.talks)):
            db.execute(f"create view {view} as {rows}")
        mine = in_bucket("account_id", task.buckets, task.number)
        for small, path in (("payments", task.payments), ("accounts", task.accounts)):
            db.execute(f"create temp table {small} as select * from {files([path])} where {mine}")
        db.execute(_CLIENTS)
        db.execute(_ACTIVE)
        n_idle = db.execute("select count(*) from accounts anti join active using (account_id)").fetchall()[0][0]
        sightings = _written(db, "sightings", _sightings(task), task)
        hours = _written(db, "account_hours", _HOURS, task)
        db.execute(f"create view sightings as from {files([sightings])}")
        stamp = f"epoch_us(hour) // {HOUR_US} as hour"
        db.execute(f"create view hours as select account_id, {stamp}, n_events from {files([hours])}")
        traits = _table(db, "account_traits", _traits(task))
        db.execute(_TALKERS)
        conversations = _table(db, "conversations", _CONVERSATIONS)
        n_common = db.execute(_N_COMMON).fetchall()[0][0]
    return Counted(sightings, hours, traits, conversations, int(n_common), int(n_idle))


def _table(db: duckdb.DuckDBPyConnection, table: str, query: str) -> pa.Table:
    schema = arrow_schema(TABLES[table])
    return db.sql(query).to_arrow_table().select(schema.names).cast(schema)


def _written(db: duckdb.DuckDBPyConnection, table: str, query: str, task: Bucket) -> str:
    """Write a query as a part of a wide table, its columns in the order of the schema."""
    path = str(Path(task.scratch) / f"{table}-{task.number:05d}.parquet")
    columns = ", ".join(identifier(c) for c in TABLES[table].names)
    db.execute(f"copy (select {columns} from ({query})) to {text_literal(path)} (format parquet, compression snappy)")
    return path


_CLIENTS = rf"""
create temp table clients as
select account_id, user_agent, regexp_replace(model, '[-@_.]?(20)?\d{{6}}$|[-@](latest|preview)$', '') as model,
    count(*) as n_events, sum(input_tokens)::bigint as tokens_in, count(input_tokens) as n_in,
    sum(output_tokens)::bigint as tokens_out, count(output_tokens) as n_out,
    min({_MOMENT}) as first_seen, max({_MOMENT}) as last_seen
from events group by account_id, user_agent, 3
"""

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
select account_id, make_timestamptz(stamp * {HOUR_US}) as hour, n_events
from (select account_id, {_MOMENT} // {HOUR_US} as stamp, count(*) as n_events from events group by account_id, stamp)
"""


def _sightings(task: Bucket) -> str:
    """Sightings of all link types: counted from the rows, and given by the small tables, which count no request."""
    tables = {"events": "events", "template_events": "texts"}
    times = {"payments": "timestamp", "accounts": "created_at"}
    counted = [sightings_of_rows(t, tables[t.table]) for t in task.types if t.table in tables]
    given = [_of_table(t, times[t.table], task.since_us) for t in task.types if t.table in times]
    return f"""
select account_id, entity_type, entity, date '1970-01-01' + stamp::integer as day, n_events, active_hours,
    make_timestamptz(first_us) as first_seen, make_timestamptz(last_us) as last_seen
from ({" union all ".join([*counted, *given])})
"""


def sightings_of_rows(t: LinkType, table: str) -> str:
    """Sightings of one link type, counted from the rows of a table: account x entity x day, as a query."""
    return (
        f"select account_id, {text_literal(t.name)} as entity_type, {identifier(t.column)} as entity, "
        f"{_MOMENT} // {DAY_US} as stamp, count(*) as n_events, "
        f"bit_or(1::bigint << ({_MOMENT} // {HOUR_US} % 24)::integer) as active_hours, "
        f"min({_MOMENT}) as first_us, max({_MOMENT}) as last_us "
        f"from {table} where {identifier(t.column)} is not null group by account_id, entity, stamp"
    )


def _of_table(t: LinkType, time: str, since_us: int) -> str:
    """A value that a small table gives stands from the row's own time, else from what is known of the account."""
    moment = f"coalesce(epoch_us({identifier(time)}), created_us, first_seen, {since_us})"
    return (
        f"select account_id, {text_literal(t.name)} as entity_type, entity, moment // {DAY_US} as stamp, "
        f"0 as n_events, 0::bigint as active_hours, min(moment) as first_us, max(moment) as last_us "
        f"from (select account_id, given.{identifier(t.column)} as entity, {moment} as moment from "
        f"(select account_id, {identifier(t.column)}, {identifier(time)} from {t.table}) as given "
        f"join (select account_id, created_us, first_seen from active) using (account_id)) "
        "where entity is not null group by account_id, entity, stamp"
    )


def _traits(task: Bucket) -> str:
    quiet = ", ".join(str(h) for h in task.quiet_hours)
    addresses = ", ".join(text_literal(n) for n in ADDRESS_TYPES)
    return f"""
with addressed as (
    select account_id, count(*) as n_addresses from (
        select account_id, hash(entity) as h from sightings where entity_type in ({addresses}) group by account_id, h)
    group by account_id
), templated as (
    select account_id, entity, sum(n_events) as n from sightings where entity_type = {text_literal(TEMPLATE_TYPE)}
    group by account_id, entity
), top as (
    select account_id, entity as top_template, n::double / sum(n) over (partition by account_id) as top_template_share,
        count(*) over (partition by account_id) as n_templates
    from templated qualify row_number() over (partition by account_id order by n desc, entity) = 1
), slotted as (
    select account_id, count(*) as n_slots from (
        select account_id, slot_digest from texts where template_id is not null and slot_digest is not null
        group by account_id, slot_digest)
    group by account_id
), told as (
    select account_id, count(*) filter (coalesce(n_chars, 0) > 0 or template_id is not null) as n_prompted,
        count(template_id) as n_templated, count(*) filter (asks_reasoning) as n_reasoning
    from texts group by account_id
), tokens as (
    select account_id, sum(tokens_in)::double / sum(n_in) as mean_input_tokens,
        sum(tokens_out)::double / sum(n_out) as mean_output_tokens
    from clients group by account_id
), client as (
    select account_id, md5(coalesce(user_agent, '') || chr(31) || coalesce(model, ''))[:16] as client,
        n_events::double / sum(n_events) over (partition by account_id) as client_share
    from clients
    qualify (user_agent is not null or model is not null) and 1 = row_number() over
        (partition by account_id order by n_events desc, user_agent nulls last, model nulls last)
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
from active left join rhythm using (account_id) left join addressed using (account_id) left join top using (account_id)
    left join told using (account_id) left join slotted using (account_id) left join tokens using (account_id)
    left join client using (account_id)
order by account_id
"""


_TALKERS = f"""
create temp table talkers as
select conversation, account_id, count(*) as n_events, min({_MOMENT}) as first_us, max({_MOMENT}) as last_us
from talks group by conversation, account_id
"""

_CONVERSATIONS = f"""
select conversation, account_id, n_events, make_timestamptz(first_us) as first_seen,
    make_timestamptz(last_us) as last_seen
from talkers semi join (select conversation from talkers group by conversation
    having count(*) between 2 and {MOST_TALKERS}) using (conversation)
order by conversation, account_id
"""

_N_COMMON = f"""
select count(*) from (select conversation from talkers group by conversation having count(*) > {MOST_TALKERS})
"""
