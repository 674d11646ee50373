"""What one part of the log says, counted once: the daily sums that a window is put together from.

A part of the log is a day or a piece of one, and it does not change when a new day comes. So what is counted of it is
kept, under a name that tells what it was counted from: its rows for addresses, hours and clients; the labels that its
prompts have today for templates, since these depend on the whole window.

All sums are of whole numbers and all else is minimum, maximum or bit mask: putting parts together gives what one count
over all rows would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.engine import connect, identifier, text_literal
from pipeline.link_types import LinkType
from pipeline.workbench import MADE_FROM, Shelf, Workbench

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    Engine = Callable[[], DuckDBPyConnection]  # opens the engine of a task, where it is needed at all

FAN = 256  # shares of accounts (or conversations) that counts are marked with; a bucket is a run of shares
SORTED_ABOVE = 1_000_000  # rows of a part from which its counts are sorted by share, so that buckets skip the others
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MOMENT = 'epoch_us("timestamp")'
_ABOUT = "about.json"


@dataclass(frozen=True)
class Partial:
    """Folders of what was counted of a part: by its rows (`seen`, `hours`, `clients`) and by the labels of its prompts
    (`seen`, `told`, `slots`, `talks`); the days it has (since 1970) and its requests by hour of the day."""

    events: str
    texts: str
    days: tuple[int, ...]
    by_hour: tuple[int, ...]


@dataclass(frozen=True)
class _Task:
    number: int
    events: str
    texts: str
    types: tuple[LinkType, ...]
    scratch: str
    memory: int
    shelf: Shelf | None


def files(paths: Sequence[str]) -> str:
    """Parquet files as an SQL source."""
    return f"read_parquet([{', '.join(text_literal(p) for p in paths)}], hive_partitioning = false)"


def shares(buckets: int, number: int) -> str:
    """Whether a row's share belongs to a bucket, as SQL."""
    first, beyond = (-(-(number + more) * FAN // buckets) for more in (0, 1))
    return "true" if buckets == 1 else f"share between {first} and {beyond - 1}"


def partials(
    clean_events: Sequence[str], template_events: Sequence[str], types: Sequence[LinkType], bench: Workbench,
    shelf: Shelf | None,
) -> list[Partial]:  # fmt: skip
    """What was counted of each part, now or by an earlier run."""
    tasks = [
        _Task(number, events, texts, tuple(types), bench.scratch, bench.memory, shelf)
        for number, (events, texts) in enumerate(zip(clean_events, template_events, strict=True))
    ]
    # some parts a task: opening an engine costs more than counting a small part
    size = max(1, -(-len(tasks) // (4 * max(1, bench.workers))))
    groups = [tasks[i : i + size] for i in range(0, len(tasks), size)]
    return [made for group in bench.map(_partials, groups, what="count each part") for made in group]


def _partials(tasks: Sequence[_Task]) -> list[Partial]:
    """Some parts, one after the other."""
    with ExitStack() as stack:

        @cache
        def engine() -> DuckDBPyConnection:
            return stack.enter_context(connect(tasks[0].scratch, tasks[0].memory))

        return [_partial(task, engine) for task in tasks]


def _partial(task: _Task, engine: Engine) -> Partial:
    import pyarrow.parquet as pq

    meta = pq.read_metadata(task.events)
    made_from = (meta.metadata or {}).get(MADE_FROM)
    kept = task.shelf is not None and made_from is not None
    by_rows = _Half("events", task.events, _of_rows(task.types), meta.num_rows)
    by_text = _Half("texts", task.texts, _of_texts(task.types), meta.num_rows)
    marks = (made_from.decode() if made_from else "", _file_digest(task.texts) if kept else "")
    folders = [
        _found(task, half, mark if kept else None, engine)
        for half, mark in zip((by_rows, by_text), marks, strict=True)
    ]
    about = json.loads((Path(folders[0]) / _ABOUT).read_bytes())
    return Partial(folders[0], folders[1], tuple(about["days"]), tuple(about["by_hour"]))


@dataclass(frozen=True)
class _Half:
    """Half of what is counted of a part: from one file, by one query a table."""

    name: str
    source: str
    queries: dict[str, str]
    n_rows: int


def _found(task: _Task, half: _Half, mark: str | None, engine: Engine) -> str:
    """Folder of a half: kept from before, or counted now (and kept, where `mark` tells what it is counted from)."""
    if task.shelf is None or mark is None:
        folder = Path(task.scratch) / f"partial-{half.name}-{task.number:05d}"
        folder.mkdir(exist_ok=True)
        _count(half, folder, engine())
        return str(folder)
    key = sha256(json.dumps([mark, _engine(), half.queries]).encode()).hexdigest()
    found = task.shelf.find(f"counted-{half.name}", key)
    if found is not None:
        return found
    made = task.shelf.new()
    _count(half, Path(made), engine())
    return task.shelf.keep(f"counted-{half.name}", key, made)


def _engine() -> str:
    """The engine's version: shares are its hashes."""
    import duckdb

    return str(duckdb.__version__)


def _file_digest(path: str) -> str:
    from hashlib import file_digest

    with Path(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _count(half: _Half, folder: Path, db: DuckDBPyConnection) -> None:
    """Write the tables of a half, and what is to be known of it beside them."""
    order = "order by share" if half.n_rows > SORTED_ABOVE else ""
    db.execute(f"create or replace view here as from {files([half.source])}")
    for name, query in half.queries.items():
        target = text_literal(str(folder / f"{name}.parquet"))
        db.execute(f"copy ({query} {order}) to {target} (format parquet, compression snappy)")
    if "hours" in half.queries:
        (folder / _ABOUT).write_text(json.dumps(_about(db, folder)))


def _about(db: DuckDBPyConnection, folder: Path) -> dict[str, list[int]]:
    """Days of a part, ascending, and its requests by hour of the day."""
    hours = files([str(folder / "hours.parquet")])
    days = db.execute(f"select distinct stamp // 24 as d from {hours} order by d").fetchall()
    found = dict(db.execute(f"select stamp % 24 as h, sum(n_events)::bigint from {hours} group by h").fetchall())
    return {"days": [int(d) for (d,) in days], "by_hour": [int(found.get(h, 0)) for h in range(24)]}


# a model by its name without the date or the tag of its version
_MODEL = r"regexp_replace(model, '[-@_.]?(20)?\d{6}$|[-@](latest|preview)$', '')"
_HOURS = f"""
select account_id, {MOMENT} // {HOUR_US} as stamp, count(*) as n_events from here group by account_id, stamp
"""
_CLIENTS = f"""
select account_id, user_agent, {_MODEL} as model, count(*) as n_events, sum(input_tokens)::bigint as tokens_in,
    count(input_tokens) as n_in, sum(output_tokens)::bigint as tokens_out, count(output_tokens) as n_out,
    min({MOMENT}) as first_us, max({MOMENT}) as last_us
from here group by account_id, user_agent, 3
"""
_TOLD = """
select account_id, count(*) filter (coalesce(n_chars, 0) > 0 or template_id is not null) as n_prompted,
    count(template_id) as n_templated, count(*) filter (asks_reasoning) as n_reasoning
from here group by account_id
"""
_SLOTS = """
select distinct account_id, slot_digest from here where template_id is not null and slot_digest is not null
"""
_TALKS = f"""
select conversation, account_id, count(*) as n_events, min({MOMENT}) as first_us, max({MOMENT}) as last_us
from here where conversation is not null group by conversation, account_id
"""


def _of_rows(types: Sequence[LinkType]) -> dict[str, str]:
    """Queries of what the rows themselves say."""
    plain = {"hours": _HOURS, "clients": _CLIENTS} | _seen(t for t in types if t.table == "events")
    return {name: _shared(query, "account_id") for name, query in plain.items()}


def _of_texts(types: Sequence[LinkType]) -> dict[str, str]:
    """Queries of what today's labels of the prompts say."""
    plain = {"told": _TOLD, "slots": _SLOTS} | _seen(t for t in types if t.table == "template_events")
    by_account = {name: _shared(query, "account_id") for name, query in plain.items()}
    return by_account | {"talks": _shared(_TALKS, "conversation")}


def _shared(query: str, column: str) -> str:
    """A query with the share that each row belongs to."""
    return f"select *, (hash({column}) % {FAN})::utinyint as share from ({query})"


def _seen(types: Iterable[LinkType]) -> dict[str, str]:
    """The query of sightings of some link types, account x entity x day; none where there is no such type."""
    counted = [sightings_of_rows(t, "here") for t in types]
    return {"seen": " union all ".join(counted)} if counted else {}


def sightings_of_rows(t: LinkType, table: str) -> str:
    """Sightings of one link type, counted from the rows of a table: account x entity x day, as a query."""
    return (
        f"select account_id, {text_literal(t.name)} as entity_type, {identifier(t.column)} as entity, "
        f"{MOMENT} // {DAY_US} as stamp, count(*) as n_events, "
        f"bit_or(1::bigint << ({MOMENT} // {HOUR_US} % 24)::integer) as active_hours, "
        f"min({MOMENT}) as first_us, max({MOMENT}) as last_us "
        f"from {table} where {identifier(t.column)} is not null group by account_id, entity, stamp"
    )
