"""The workspace's own store: who may come in, what they look at, what they prepare. Decisions have a log of their own.

SQLite by default, PostgreSQL by address; the tables are made and changed by Alembic alone (`migrations/`). Times are
microseconds since 1970, UTC, so that both databases keep the same.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import SQLAlchemyError

from pipeline.decisions import database_url, log_table
from pipeline.errors import Place, StoreError, quoted

METADATA, DECISIONS = log_table()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _serial(name: str = "seq") -> Column[Any]:
    return Column(name, _NUMBER, primary_key=True, autoincrement=True)


PEOPLE = Table(
    "people",
    METADATA,
    Column("person", String(200), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("by_whom", String(200), nullable=False),
    Column("single_keys", Boolean, nullable=False, default=True),
)
ROLE_CHANGES = Table(
    "role_changes",
    METADATA,
    _serial(),
    Column("person", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("settled_by", String(200)),
    Column("settled_at", BigInteger),
    Column("outcome", String(20)),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("person", String(200), nullable=False, index=True),
    Column("began", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("ended", BigInteger),
)
TOKENS = Table(
    "tokens",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("token_id", String(20), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("ended", BigInteger),
)
ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("ring_id", String(200), primary_key=True),
    Column("person", String(200), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("by_whom", String(200), nullable=False),
)
VIEWS = Table(
    "views",
    METADATA,
    _serial("view_id"),
    Column("person", String(200), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("query", Text, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    _serial(),
    Column("at", BigInteger, nullable=False),
    Column("person", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
JUDGED = Table(
    "judged",
    METADATA,
    Column("decision_id", String(80), primary_key=True),
    Column("run_id", String(40), nullable=False),
    Column("ring_id", String(200), nullable=False),
    Column("score", Float, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("is_check", Boolean, nullable=False),
    Column("rate", Float, nullable=False),
)
LISTS = Table(
    "lists",
    METADATA,
    Column("list_id", String(20), primary_key=True),
    Column("action", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("run_id", String(40), nullable=False),
    Column("n_accounts", BigInteger, nullable=False),
    Column("long_payers", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("prepared_by", String(200), nullable=False),
    Column("prepared_at", BigInteger, nullable=False),
)
LIST_ROWS = Table(
    "list_rows",
    METADATA,
    Column("list_id", String(20), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("ring_id", String(200), nullable=False),
    Column("appealed", Boolean, nullable=False, default=False),
)
LIST_EVENTS = Table(
    "list_events",
    METADATA,
    _serial(),
    Column("list_id", String(20), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("person", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
)
THRESHOLDS = Table(
    "thresholds",
    METADATA,
    _serial(),
    Column("at", BigInteger, nullable=False),
    Column("person", String(200), nullable=False),
    Column("threshold", Float, nullable=False),
    Column("reason", Text, nullable=False),
)

_MIGRATING = threading.Lock()
APPEND_ONLY = ("decisions", "audit", "list_events", "thresholds", "judged")


def open_store(uri: str) -> Engine:
    """The store at an address, its tables brought up to date. StoreError where it cannot be reached."""
    url = database_url(uri)
    if url.startswith("sqlite:///") and not url.endswith(":memory:"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(url, pool_size=12, max_overflow=20, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_manners)
    try:
        migrate(engine)
    except SQLAlchemyError as fault:
        raise StoreError(
            "the workspace's store cannot be opened",
            place=Place(engine.url.render_as_string(hide_password=True)),
            found=quoted(str(getattr(fault, "orig", fault)).split("\n")[0]),
            mend="Check the address, the rights and the room on its disk.",
        ) from fault
    return engine


def _sqlite_manners(connection: Any, _: Any) -> None:
    """Readers and one writer side by side; writers wait instead of failing; transactions begin when we say so."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision. Two at once: the second waits and finds nothing to do."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    with _MIGRATING:  # Alembic keeps what it is doing in globals of its module
        command.upgrade(config, "head")
