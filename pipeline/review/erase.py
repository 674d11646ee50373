"""Erasure in the workspace's store: account ids become keyed digests; every row stays, and one says what was done.

The log and the audit rows are append-only, and the database itself refuses to change them. Erasure is the one
exception: it lays the guards down and up again inside one transaction, changes ids and nothing else, and is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, select, text

from pipeline.decisions import microseconds, writing
from pipeline.review.access import Person
from pipeline.review.desk import Audit
from pipeline.review.seal import Seal
from pipeline.review.store import (
    APPEND_ONLY,
    AUDIT,
    DECISIONS,
    LIST_EVENTS,
    LIST_ROWS,
    LISTS,
    THRESHOLDS,
    VIEWS,
    open_store,
)

_SEALED = re.compile(r"[A-Za-z0-9_-]{40,}")  # a sealed name as it stands in audit rows, perhaps cut
_KEPT_OF_A_NAME = 80
# where people write free text
_WORDS: tuple[tuple[Table, str], ...] = (
    (DECISIONS, "reason"), (DECISIONS, "entity"), (LISTS, "reason"), (LIST_EVENTS, "reason"), (THRESHOLDS, "reason"),
    (AUDIT, "subject"), (AUDIT, "detail"), (VIEWS, "query"),
)  # fmt: skip


@dataclass(frozen=True)
class Erasure:
    """What goes: some accounts, and all account ids of rows older than a moment. `stand_in` gives the keyed digest of
    an id, `replaced` a text without the accounts."""

    accounts: frozenset[str]
    before: datetime | None
    stand_in: Callable[[str], str]
    replaced: Callable[[str], str]


def erase(store: str, secret: bytes, wish: Erasure) -> dict[str, int]:
    """Erase in the store at an address; how many rows of each table changed. StoreError where it cannot be opened."""
    engine = open_store(store)
    try:
        with writing(engine) as connection, _unguarded(connection):
            changed = {
                "decisions": _ids(connection, DECISIONS, wish, _old(DECISIONS.c.decided_at, wish)),
                "list_rows": _list_rows(connection, wish),
                "audit": _audit(connection, wish, Seal(secret)),
                "texts": sum(_texts(connection, table, column, wish) for table, column in _WORDS),
            }
        _forget_pages(engine)
        told = ", ".join(f"{n} {name}" for name, n in changed.items())
        Audit(engine, lambda: datetime.now(UTC)).note(Person("", "", ""), "forgot accounts", detail=told)
    finally:
        engine.dispose()
    return changed


@contextmanager
def _unguarded(connection: Connection) -> Iterator[None]:
    """The guards of the append-only tables laid down, and up again before the transaction ends."""
    if connection.dialect.name == "postgresql":
        for table in APPEND_ONLY:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_written_once"))
        yield
        for table in APPEND_ONLY:
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {table}_written_once"))
        return
    found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    guards = [(name, sql) for name, sql in found if name.rsplit("_", 1)[0] in APPEND_ONLY]
    for name, _ in guards:
        connection.execute(text(f"DROP TRIGGER {name}"))
    yield
    for _, sql in guards:
        connection.execute(text(sql))


def _forget_pages(engine: Engine) -> None:
    """Overwritten rows leave the file too, not only the tables. PostgreSQL's own cleaning does it there."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        connection.execute(text("VACUUM"))
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _old(column: Column[Any], wish: Erasure) -> Any:
    """Condition: the row is older than the moment; None where there is no moment."""
    return None if wish.before is None else column < microseconds(wish.before)


def _ids(connection: Connection, table: Table, wish: Erasure, old: Any) -> int:
    """Account ids of a table become digests: those that are asked for, and all of old rows."""
    column = table.c.account_id
    wanted = [(account, column == account) for account in sorted(wish.accounts)]
    if old is not None:
        rows = connection.execute(select(column).where(old, column.is_not(None)).distinct().order_by(column)).all()
        wanted += [(r[0], (column == r[0]) & old) for r in rows if not _is_stand_in(r[0], wish)]
    changed = 0
    for account, which in wanted:
        made = connection.execute(table.update().where(which).values(account_id=wish.stand_in(account)))
        changed += made.rowcount
    return changed


def _is_stand_in(account: str, wish: Erasure) -> bool:
    like = wish.stand_in("")
    return len(account) == len(like) and account.startswith(like.rsplit("-", 1)[0] + "-")


def _list_rows(connection: Connection, wish: Erasure) -> int:
    old = None
    if wish.before is not None:
        early = select(LISTS.c.list_id).where(LISTS.c.prepared_at < microseconds(wish.before))
        old = LIST_ROWS.c.list_id.in_(early)
    return _ids(connection, LIST_ROWS, wish, old)


def _audit(connection: Connection, wish: Erasure, seal: Seal) -> int:
    """Sealed names of the accounts in audit rows, which this workspace's secret could open, become digests."""
    sealed = {seal.name("account", a)[:_KEPT_OF_A_NAME]: wish.stand_in(a) for a in sorted(wish.accounts)}
    before = microseconds(wish.before) if wish.before is not None else None
    changed = 0
    for row in connection.execute(select(AUDIT)).all():
        old = before is not None and row.at < before

        def digest(match: re.Match[str], old: bool = old) -> str:
            name = match.group(0)[:_KEPT_OF_A_NAME]
            if name in sealed:
                return sealed[name]
            return wish.stand_in(name) if old and not _is_stand_in(name, wish) else match.group(0)

        made = {c: _SEALED.sub(digest, getattr(row, c)) for c in ("subject", "detail")}
        if made != {c: getattr(row, c) for c in made}:
            connection.execute(AUDIT.update().where(AUDIT.c.seq == row.seq).values(**made))
            changed += 1
    return changed


def _texts(connection: Connection, table: Table, column: str, wish: Erasure) -> int:
    """Free text that names an account names it no more."""
    key = next(iter(table.primary_key.columns))
    changed = 0
    for number, said in connection.execute(select(key, table.c[column])).all():
        made = wish.replaced(said) if said else said
        if made != said:
            connection.execute(table.update().where(key == number).values({column: made}))
            changed += 1
    return changed
