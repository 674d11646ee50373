"""Who may do what: roles, people, sessions. Whatever is not allowed here is refused.

The table of roles is section 13 of the workspace's specification; `solo` is the one person of a local workspace, who
has every right but that of a second person.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from pipeline.decisions import microseconds, writing
from pipeline.review.store import PEOPLE, ROLE_CHANGES, SESSIONS, TOKENS

Clock = Callable[[], datetime]

_LOOK = frozenset({"look"})
_DECIDE = _LOOK | {"ids", "show", "decide", "prepare", "own_audit"}
_LEAD = _DECIDE | {"approve", "export_values", "threshold", "audit"}
ROLES: dict[str, frozenset[str]] = {
    "viewer": _LOOK,
    "analyst": _DECIDE,
    "lead": _LEAD,
    "admin": _LOOK | {"people", "tokens", "audit", "own_audit"},
    "solo": _LEAD | {"tokens"},
}
GIVEN = ("viewer", "analyst", "lead", "admin")  # roles that can be given to people
SCOPES = ("read", "values", "decide")
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    person: str
    name: str
    role: str
    single_keys: bool = True

    def may(self, right: str) -> bool:
        """Whether the person's role has a right."""
        return right in ROLES.get(self.role, frozenset())


def digest_of(secret: str) -> str:
    """What is kept of a session key or token."""
    return hashlib.sha256(secret.encode()).hexdigest()


class People:
    """People and their roles. A role changes when a second admin confirms what a first one asked for."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def _now(self) -> int:
        return microseconds(self._clock())

    def find(self, person: str) -> Person | None:
        """The person with the role now held, or None where nobody gave them one."""
        with self._engine.connect() as connection:
            row = connection.execute(select(PEOPLE).where(PEOPLE.c.person == person)).first()
        return Person(row.person, row.name, row.role, row.single_keys) if row else None

    def all(self) -> list[dict[str, Any]]:
        """Everybody with a role."""
        with self._engine.connect() as connection:
            return [dict(r._mapping) for r in connection.execute(select(PEOPLE).order_by(PEOPLE.c.person))]

    def grant(self, person: str, role: str, by_whom: str, name: str = "") -> None:
        """Give a role at once: the command line's way, and that of a confirmed change."""
        values = {"role": role, "since": self._now(), "by_whom": by_whom}
        with writing(self._engine) as connection:
            known = connection.execute(select(PEOPLE.c.person).where(PEOPLE.c.person == person)).first()
            if known:
                connection.execute(PEOPLE.update().where(PEOPLE.c.person == person).values(**values))
            else:
                connection.execute(
                    PEOPLE.insert().values(person=person, name=name or person, single_keys=True, **values)
                )

    def set_keys(self, person: str, on: bool) -> None:
        """Turn single-letter keys on or off for a person."""
        with writing(self._engine) as connection:
            connection.execute(PEOPLE.update().where(PEOPLE.c.person == person).values(single_keys=on))

    def ask(self, person: str, role: str, asked_by: str) -> int:
        """Ask for a change of role; returns its number."""
        with writing(self._engine) as connection:
            values = {"person": person, "role": role, "asked_by": asked_by, "asked_at": self._now()}
            made = connection.execute(ROLE_CHANGES.insert().values(**values).returning(ROLE_CHANGES.c.seq))
            return int(made.scalar_one())

    def waiting(self) -> list[dict[str, Any]]:
        """Changes of role that wait for a second admin."""
        with self._engine.connect() as connection:
            found = connection.execute(select(ROLE_CHANGES).where(ROLE_CHANGES.c.outcome.is_(None)))
            return [dict(r._mapping) for r in found]

    def settle(self, number: int, by_whom: str, outcome: str) -> str:
        """Confirm or refuse a change asked for by somebody else; returns what came of it."""
        with writing(self._engine) as connection:
            row = connection.execute(select(ROLE_CHANGES).where(ROLE_CHANGES.c.seq == number)).first()
            if row is None or row.outcome is not None:
                return "gone"
            if outcome == "confirmed" and row.asked_by == by_whom:
                return "same person"
            connection.execute(
                ROLE_CHANGES.update()
                .where(ROLE_CHANGES.c.seq == number)
                .values(settled_by=by_whom, settled_at=self._now(), outcome=outcome)
            )
        if outcome == "confirmed":
            self.grant(row.person, row.role, f"{row.asked_by}, confirmed by {by_whom}")
        return outcome


class Sessions:
    """Sessions: a new key at each sign-in, ended after idle time, after a day's work, or by hand."""

    def __init__(self, engine: Engine, clock: Clock, idle_minutes: int, session_hours: int) -> None:
        self._engine, self._clock = engine, clock
        self._idle, self._whole = timedelta(minutes=idle_minutes), timedelta(hours=session_hours)

    def begin(self, person: str) -> str:
        """A new session's key; only its digest is kept."""
        key, now = secrets.token_urlsafe(32), microseconds(self._clock())
        with writing(self._engine) as connection:
            connection.execute(SESSIONS.insert().values(digest=digest_of(key), person=person, began=now, seen=now))
        return key

    def person_of(self, key: str) -> str | None:
        """Whose session this is, or None where it has ended."""
        digest, now = digest_of(key), microseconds(self._clock())
        with self._engine.connect() as connection:
            row = connection.execute(select(SESSIONS).where(SESSIONS.c.digest == digest)).first()
        if row is None or row.ended is not None:
            return None
        if now - row.seen > self._idle / timedelta(microseconds=1) or now - row.began > self._whole / timedelta(
            microseconds=1
        ):
            return None
        if now - row.seen > _SEEN_EVERY / timedelta(microseconds=1):
            with writing(self._engine) as connection:
                connection.execute(SESSIONS.update().where(SESSIONS.c.digest == digest).values(seen=now))
        return str(row.person)

    def end(self, digest: str, person: str) -> None:
        """End one of a person's sessions."""
        with writing(self._engine) as connection:
            connection.execute(
                SESSIONS.update()
                .where(SESSIONS.c.digest == digest, SESSIONS.c.person == person)
                .values(ended=microseconds(self._clock()))
            )

    def of(self, person: str) -> list[dict[str, Any]]:
        """A person's sessions that have not ended, newest first."""
        oldest = microseconds(self._clock() - self._whole)
        with self._engine.connect() as connection:
            found = connection.execute(
                select(SESSIONS)
                .where(SESSIONS.c.person == person, SESSIONS.c.ended.is_(None), SESSIONS.c.began > oldest)
                .order_by(SESSIONS.c.began.desc())
            )
            return [dict(r._mapping) for r in found]


@dataclass(frozen=True)
class Token:
    """Another system that speaks to the API."""

    token_id: str
    name: str
    scopes: frozenset[str]


class Tokens:
    """API tokens with scopes; shown once, kept as digests."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def make(self, name: str, scopes: list[str], by_whom: str) -> str:
        """A new token's secret."""
        secret = "rt_" + secrets.token_urlsafe(32)
        values = {"name": name, "scopes": " ".join(scopes), "made_by": by_whom, "made_at": microseconds(self._clock())}
        with writing(self._engine) as connection:
            connection.execute(
                TOKENS.insert().values(digest=digest_of(secret), token_id=secrets.token_hex(4), **values)
            )
        return secret

    def find(self, secret: str) -> Token | None:
        """The token of a secret, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest_of(secret))).first()
        if row is None or row.ended is not None:
            return None
        return Token(row.token_id, row.name, frozenset(row.scopes.split()))

    def all(self) -> list[dict[str, Any]]:
        """All tokens, without secrets."""
        with self._engine.connect() as connection:
            found = connection.execute(select(TOKENS).order_by(TOKENS.c.made_at))
            return [{k: v for k, v in r._mapping.items() if k != "digest"} for r in found]

    def end(self, token_id: str) -> None:
        """End a token."""
        with writing(self._engine) as connection:
            connection.execute(
                TOKENS.update().where(TOKENS.c.token_id == token_id).values(ended=microseconds(self._clock()))
            )
