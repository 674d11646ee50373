"""All that is put together for a bucket of accounts: sightings, hours, traits, and the conversations of its share.

All sums are of whole numbers and all else is minimum, maximum or bit mask, so that the order of rows cannot show in a
result. Parts are not sorted: sorting would cost more than counting, and every reader counts again by groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.engine import connect, identifier, text_literal
from pipeline.link_types import ADDRESS_TYPES, TEMPLATE_TYPE, LinkType
from pipeline.schemas import TABLES, arrow_schema
from pipeline.stages.sightings.partial import DAY_US, FAN, HOUR_US, Partial, files, shares

MOST_TALKERS = 200  # accounts of one conversation beginning above which it is a common greeting
_TIME_OF = {"payments": "timestamp", "accounts": "created_at"}


@dataclass(frozen=True)
class Bucket:
    """One task: what was counted of each part, the small tables, and what the whole platform says."""

    number: int
    buckets: int
    partials: tuple[Partial, ...]
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
    """Put one bucket together."""
    with connect(task.scratch, task.memory) as db:
        mine = shares(task.buckets, task.number)
        for name in ("hours", "clients"):
            db.execute(f"create view part_{name} as from {files(_paths(task, name))} where {mine}")
        for name in ("told", "slots", "talks"):
            db.execute(f"create view {name} as from {files(_paths(task, name))} where {mine}")
        for small, path in (("payments", task.payments), ("accounts", task.accounts)):
            shared = f"(select *, hash(account_id) % {FAN} as share from {files([path])})"
            db.execute(f"create temp table {small} as select * exclude (share) from {shared} where {mine}")
        db.execute(_CLIENTS)
        db.execute(_ACTIVE)
        n_idle = db.execute("select count(*) from accounts anti join active using (account_id)").fetchall()[0][0]
        sightings = _written(db, "sightings", _sightings(task, mine), task)
        again = _again(task.partials)
        db.execute(f"create temp table hours as {_once('part_hours', 'stamp // 24', again, _HOURS, _HOURS_AGAIN)}")
        hours = _written(db, "account_hours", _ACCOUNT_HOURS, task)
        db.execute(f"create view sightings as from {files([sightings])}")
        traits = _table(db, "account_traits", _traits(task))
        db.execute(_TALKERS)
        conversations = _table(db, "conversations", _CONVERSATIONS)
        n_common = db.execute(_N_COMMON).fetchall()[0][0]
    return Counted(sightings, hours, traits, conversations, int(n_common), int(n_idle))


def _paths(task: Bucket, name: str) -> list[str]:
    """The files of a table of all parts; where no link type asks for sightings there are none."""
    folders = [(p.texts if name in ("told", "slots", "talks") else p.events) for p in task.partials]
    return [str(Path(folder) / f"{name}.parquet") for folder in folders]


def _again(partials: Sequence[Partial]) -> tuple[int, ...]:
    """Days that lie in more than one part: late rows, or a day too large for one. Only these are counted once more."""
    found: dict[int, int] = {}
    for partial in partials:
        for day in partial.days:
            found[day] = found.get(day, 0) + 1
    return tuple(sorted(day for day, n in found.items() if n > 1))


def _once(source: str, day: str, again: Sequence[int], plain: str, grouped: str) -> str:
    """Rows of days in one part as they are, and those of other days put together, as a query."""
    if not again:
        return plain.format(source=source)
    listed = f"{day} in ({', '.join(map(str, again))})"
    alone, several = (f"(from {source} where {condition})" for condition in (f"not {listed}", listed))
    return f"{plain.format(source=alone)} union all {grouped.format(source=several)}"


def _table(db: duckdb.DuckDBPyConnection, table: str, query: str) -> pa.Table:
    schema = arrow_schema(TABLES[table])
    return db.sql(query).to_arrow_table().select(schema.names).cast(schema)


def _written(db: duckdb.DuckDBPyConnection, table: str, query: str, task: Bucket) -> str:
    """Write a query as a part of a wide table, its columns in the order of the schema."""
    path = str(Path(task.scratch) / f"{table}-{task.number:05d}.parquet")
    columns = ", ".join(identifier(c) for c in TABLES[table].names)
    db.execute(f"copy (select {columns} from ({query})) to {text_literal(path)} (format parquet, compression snappy)")
    return path


_CLIENTS = """
create temp table clients as
select account_id, user_agent, model, sum(n_events)::bigint as n_events, sum(tokens_in)::bigint as tokens_in,
    sum(n_in)::bigint as n_in, sum(tokens_out)::bigint as tokens_out, sum(n_out)::bigint as n_out,
    min(first_us) as first_seen, max(last_us) as last_seen
from part_clients group by account_id, user_agent, model
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

_HOURS = "select account_id, stamp, n_events from {source}"
_HOURS_AGAIN = "select account_id, stamp, sum(n_events)::bigint as n_events from {source} group by account_id, stamp"
_ACCOUNT_HOURS = f"select account_id, make_timestamptz(stamp * {HOUR_US}) as hour, n_events from hours"
_SEEN = "select account_id, entity_type, entity, stamp, n_events, active_hours, first_us, last_us from {source}"
_SEEN_AGAIN = """
select account_id, entity_type, entity, stamp, sum(n_events)::bigint as n_events, bit_or(active_hours) as active_hours,
    min(first_us) as first_us, max(last_us) as last_us
from {source} group by account_id, entity_type, entity, stamp
"""


def put_together(source: str, again: Sequence[int]) -> str:
    """Sightings of the rows out of those of the parts, as a query; `again` are the days that lie in several parts."""
    return _once(source, "stamp", again, _SEEN, _SEEN_AGAIN)


def _sightings(task: Bucket, mine: str) -> str:
    """Sightings of all link types: those of the parts, and what the small tables give, which count no request."""
    kept = [
        str(Path(folder) / "seen.parquet")
        for table, folders in (
            ("events", [p.events for p in task.partials]), ("template_events", [p.texts for p in task.partials])
        )
        if any(t.table == table for t in task.types)
        for folder in folders
    ]  # fmt: skip
    source = f"(from {files(kept)} where {mine})"
    given = [_of_table(t, _TIME_OF[t.table], task.since_us) for t in task.types if t.table in _TIME_OF]
    queries = [put_together(source, _again(task.partials)), *given]
    return f"""
select account_id, entity_type, entity, date '1970-01-01' + stamp::integer as day, n_events, active_hours,
    make_timestamptz(first_us) as first_seen, make_timestamptz(last_us) as last_seen
from ({" union all ".join(queries)})
"""


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
        select account_id, slot_digest from slots group by account_id, slot_digest)
    group by account_id
), prompted as (
    select account_id, sum(n_prompted) as n_prompted, sum(n_templated) as n_templated, sum(n_reasoning) as n_reasoning
    from told group by account_id
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
    select account_id, count(distinct stamp // 24) as n_days,
        sum(n_events) filter (stamp % 24 in ({quiet}))::double / sum(n_events) as night_share,
        sum(n_events) filter ((stamp // 24 + 3) % 7 >= 5)::double / sum(n_events) as weekend_share
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
    left join prompted using (account_id) left join slotted using (account_id) left join tokens using (account_id)
    left join client using (account_id)
order by account_id
"""


_TALKERS = """
create temp table talkers as
select conversation, account_id, sum(n_events)::bigint as n_events, min(first_us) as first_us, max(last_us) as last_us
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
