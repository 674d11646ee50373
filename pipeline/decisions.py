"""The append-only log of what analysts concluded: written row by row, never changed, read by later runs.

A correction is a new row that names in `supersedes` the row it corrects; both stay. The log lives in a database
(SQLite by default, PostgreSQL for teams); `read_decisions` also reads exported files, and is the door for runs.
Source of the columns: `pipeline.schemas.inputs.decisions`; the log adds `seq` (order of writing) and `act` (what was
recorded in one go: a split is one act of many rows).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.errors import Place, StoreError, quoted
from pipeline.schemas import INPUTS, arrow_schema
from pipeline.standing import in_force

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Engine, MetaData, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = 7_311_042  # key of the PostgreSQL advisory lock that keeps the log in one order


@dataclass(frozen=True)
class Decision:
    """One row of the log. `seq` is 0 until it is written; times know that they are UTC."""

    decision_id: str
    act: str
    conclusion: str
    reason: str
    analyst: str
    decided_at: datetime = _EPOCH
    ring_id: str | None = None
    account_id: str | None = None
    other_ring_id: str | None = None
    part: str | None = None
    entity_type: str | None = None
    entity: str | None = None
    explanation: str | None = None
    supersedes: str | None = None
    run_id: str | None = None
    members_digest: str | None = None
    seq: int = 0


class MeanwhileError(Exception):
    """Somebody else decided on the same thing after the form was opened; `latest` is their row."""

    def __init__(self, latest: Decision) -> None:
        self.latest = latest
        super().__init__(f"{latest.analyst} decided meanwhile")


def members_digest(accounts: Iterable[str]) -> str:
    """Digest of a set of accounts: SHA-256 of `length:id` of each, sorted; the same for any order, 64 hex digits."""
    held = sorted(set(accounts), key=lambda a: a.encode())
    return hashlib.sha256(",".join(f"{len(a.encode())}:{a}" for a in held).encode()).hexdigest()


# the same in DuckDB, over the rows of one ring
MEMBERS_DIGEST_SQL = "sha256(string_agg(strlen(account_id) || ':' || account_id, ',' ORDER BY encode(account_id)))"


def holding(rows: Iterable[Decision]) -> list[Decision]:
    """The rows in force, withdrawals included, in order of writing: the rule by which runs read them too."""
    held = sorted(rows, key=lambda d: d.seq)
    holds = in_force([(d.decision_id, d.conclusion, d.ring_id, d.supersedes) for d in held])
    return [d for d, yes in zip(held, holds, strict=True) if yes]


def standing(rows: Iterable[Decision]) -> list[Decision]:
    """The rows that count: in force, and no withdrawals; in order of writing."""
    return [d for d in holding(rows) if d.conclusion != "withdrawn"]


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a time that knows its zone."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The time of so many microseconds since 1970, UTC."""
    return _EPOCH + timedelta(microseconds=value)


@cache
def log_table() -> tuple[MetaData, Table]:
    """The log's table and its metadata; times are kept as microseconds, alike on every database."""
    from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

    metadata = MetaData()
    number = BigInteger().with_variant(Integer, "sqlite")
    table = Table(
        "decisions",
        metadata,
        Column("seq", number, primary_key=True, autoincrement=True),
        Column("decision_id", String(80), nullable=False, unique=True),
        Column("act", String(64), nullable=False, index=True),
        Column("conclusion", String(32), nullable=False),
        Column("reason", Text, nullable=False),
        Column("analyst", String(200), nullable=False),
        Column("decided_at", BigInteger, nullable=False),
        *(Column(name, Text) for name in ("ring_id", "account_id", "other_ring_id", "part", "entity_type", "entity")),
        *(Column(name, Text) for name in ("explanation", "supersedes", "run_id", "members_digest")),
        Index("decisions_ring", "ring_id"),
        Index("decisions_account", "account_id"),
        Index("decisions_supersedes", "supersedes"),
        sqlite_autoincrement=True,
    )
    return metadata, table


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the only pen: everybody else who wants to write waits for it."""
    from sqlalchemy import text

    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                yield connection
        else:
            connection.execute(text("BEGIN IMMEDIATE"))
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()


class DecisionLog:
    """The log on a database. Its only way of writing is `append`; nothing here changes or removes a row."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock
        self._table = log_table()[1]

    def append(
        self, rows: Sequence[Decision], *, seen: int | None = None, also: Callable[[Connection], None] | None = None
    ) -> list[Decision]:
        """Write the rows of one act and return them as written.

        `seen` is the greatest seq on the ring that the analyst knew of (0 for none); a later row on that ring raises
        MeanwhileError and nothing is written. None asks for no check. The same act sent twice is written once: the
        rows of the first time come back. `also` writes beside them in the same transaction.
        """
        first = rows[0]
        with writing(self._engine) as connection:
            before = self._select(connection, self._table.c.act == first.act)
            if before:
                return before
            if seen is not None and first.ring_id is not None:
                later = self._select(connection, self._table.c.ring_id == first.ring_id, self._table.c.seq > seen)
                if later:
                    raise MeanwhileError(later[-1])
            self._insert(connection, rows)
            if also is not None:
                also(connection)
            return self._select(connection, self._table.c.act == first.act)

    def _insert(self, connection: Connection, rows: Sequence[Decision]) -> None:
        from sqlalchemy import func, select

        last = connection.execute(select(func.max(self._table.c.decided_at))).scalar() or 0
        now = max(
            microseconds(self._clock()), last + 1
        )  # the order of writing is the order of time, even if clocks jump
        values = []
        for row in rows:
            plain = {f.name: getattr(row, f.name) for f in fields(row) if f.name != "seq"}
            values.append({**plain, "decided_at": now})
        for begin in range(0, len(values), 1000):
            connection.execute(self._table.insert(), values[begin : begin + 1000])

    def _select(self, connection: Connection, *conditions: Any) -> list[Decision]:
        from sqlalchemy import select

        found = connection.execute(select(self._table).where(*conditions).order_by(self._table.c.seq))
        return [Decision(**{**r._mapping, "decided_at": moment(r.decided_at)}) for r in found]

    def rows(self, **equal: str | int | None) -> list[Decision]:
        """Rows whose columns have the given values, in order of writing."""
        with self._engine.connect() as connection:
            return self._select(connection, *(self._table.c[name] == value for name, value in equal.items()))

    def about_entity(self, entity_type: str, entity: str) -> list[Decision]:
        """Rows that name an entity."""
        return self.rows(entity_type=entity_type, entity=entity)

    def version(self) -> int:
        """The greatest seq: changes with every act."""
        from sqlalchemy import func, select

        with self._engine.connect() as connection:
            return connection.execute(select(func.max(self._table.c.seq))).scalar() or 0

    def after(self, seq: int, limit: int | None = None) -> list[Decision]:
        """Rows written after the given one."""
        from sqlalchemy import select

        with self._engine.connect() as connection:
            query = select(self._table).where(self._table.c.seq > seq).order_by(self._table.c.seq).limit(limit)
            return [Decision(**{**r._mapping, "decided_at": moment(r.decided_at)}) for r in connection.execute(query)]


def as_arrow(rows: Iterable[Decision]) -> pa.Table:
    """Rows as the `decisions` input table of the contract, with `act` added."""
    import pyarrow as pa

    described = INPUTS["decisions"]
    schema = arrow_schema(described).append(pa.field("act", pa.string()))
    held = list(rows)
    return pa.Table.from_arrays(
        [pa.array([getattr(d, name) for d in held], schema.field(name).type) for name in schema.names], schema=schema
    )


def allowlist(rows: Iterable[Decision]) -> pa.Table:
    """Standing allowances as the `allowlist` input table: entity_type, value, reason; each entity once."""
    import pyarrow as pa

    allowed: dict[tuple[str, str], str] = {}
    for row in standing(rows):
        if row.conclusion == "entity_allowed" and row.entity_type and row.entity:
            allowed[(row.entity_type, row.entity)] = row.reason
    held = sorted(allowed.items())
    return pa.table(
        {
            "entity_type": pa.array([k[0] for k, _ in held], pa.string()),
            "value": pa.array([k[1] for k, _ in held], pa.string()),
            "reason": pa.array([reason for _, reason in held], pa.string()),
        }
    )


def is_database(uri: str) -> bool:
    """Whether an address names a database and not a file."""
    return uri.startswith(("sqlite:", "postgresql:", "postgresql+"))


def read_decisions(uri: str) -> pa.Table:
    """All rows of the log at a database address, as the `decisions` input table; StoreError where it cannot be read."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    engine = create_engine(database_url(uri))
    try:
        return as_arrow(DecisionLog(engine, lambda: _EPOCH).after(0))
    except SQLAlchemyError as fault:
        raise StoreError(
            "the log of decisions cannot be read",
            place=Place(quoted(_without_password(uri)).strip('"')),
            found=quoted(type(fault).__name__),
            mend="Check the address and that `ringtrace review` has used it before.",
        ) from fault
    finally:
        engine.dispose()


def database_url(uri: str) -> str:
    """The address with the driver that ships with ringtrace."""
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


def _without_password(uri: str) -> str:
    from sqlalchemy import make_url

    return make_url(uri).render_as_string(hide_password=True)
