"""What the pages work with: the runs, the log of decisions, the store's small tables, the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, func, select

from pipeline.decisions import DecisionLog, microseconds, writing
from pipeline.review.access import People, Person, Sessions, Tokens
from pipeline.review.config import ReviewConfig
from pipeline.review.runs import Shelf
from pipeline.review.seal import Seal
from pipeline.review.store import ASSIGNMENTS, AUDIT, JUDGED, THRESHOLDS, VIEWS, open_store

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Audit:
    """Who looked at what and did what. Rows are added and read; there is no way to change them."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def note(self, person: Person, action: str, subject: str = "", detail: str = "") -> None:
        """Add a row. `subject` and `detail` carry names of rings and sealed names, never values."""
        row = {"person": person.person[:200], "role": person.role, "action": action, "subject": subject[:300]}
        with writing(self._engine) as connection:
            connection.execute(AUDIT.insert().values(at=microseconds(self._clock()), detail=detail[:500], **row))

    def rows(self, person: str | None, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Newest rows, of one person or of all, older than a given row."""
        query = select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(limit)
        if person is not None:
            query = query.where(AUDIT.c.person == person)
        if before is not None:
            query = query.where(AUDIT.c.seq < before)
        with self._engine.connect() as connection:
            return [dict(r._mapping) for r in connection.execute(query)]


class Board:
    """Who has taken which ring, which views people saved, which thresholds were proposed."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self.version = 0  # of assignments, in this process

    def assign(self, ring_ids: list[str], person: str | None, by_whom: str) -> None:
        """Hand rings to a person, or back to nobody."""
        now = microseconds(self._clock())
        with writing(self._engine) as connection:
            for ring_id in ring_ids:
                connection.execute(ASSIGNMENTS.delete().where(ASSIGNMENTS.c.ring_id == ring_id))
                if person:
                    connection.execute(
                        ASSIGNMENTS.insert().values(ring_id=ring_id, person=person, since=now, by_whom=by_whom)
                    )
        self.version += 1

    def assigned(self) -> dict[str, str]:
        """Person by ring."""
        with self._engine.connect() as connection:
            return {r.ring_id: r.person for r in connection.execute(select(ASSIGNMENTS))}

    def views(self, person: str) -> list[dict[str, Any]]:
        """A person's saved views."""
        with self._engine.connect() as connection:
            found = connection.execute(select(VIEWS).where(VIEWS.c.person == person).order_by(VIEWS.c.name))
            return [dict(r._mapping) for r in found]

    def save_view(self, person: str, name: str, query: str) -> None:
        """Save a view; one of the same name is replaced."""
        with writing(self._engine) as connection:
            connection.execute(VIEWS.delete().where(VIEWS.c.person == person, VIEWS.c.name == name))
            connection.execute(VIEWS.insert().values(person=person, name=name, query=query))

    def propose_threshold(self, person: str, threshold: float, reason: str) -> None:
        """Record a proposed threshold; settings of runs are changed elsewhere."""
        with writing(self._engine) as connection:
            now = microseconds(self._clock())
            connection.execute(THRESHOLDS.insert().values(at=now, person=person, threshold=threshold, reason=reason))

    def thresholds(self) -> list[dict[str, Any]]:
        """Proposed thresholds, newest first."""
        with self._engine.connect() as connection:
            return [dict(r._mapping) for r in connection.execute(select(THRESHOLDS).order_by(THRESHOLDS.c.seq.desc()))]

    def judged(self) -> list[dict[str, Any]]:
        """What was known of each ring when it was decided."""
        with self._engine.connect() as connection:
            return [dict(r._mapping) for r in connection.execute(select(JUDGED))]

    def n_judged(self) -> int:
        """How many rings have been judged."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(JUDGED)).scalar() or 0


class Desk:
    """Everything behind the pages, opened once."""

    def __init__(self, config: ReviewConfig, clock: Clock = _now) -> None:
        self.config, self.clock = config, clock
        self.engine = open_store(config.store)
        self.shelf = Shelf(config.output)
        self.seal = Seal(config.secret)
        self.log = DecisionLog(self.engine, clock)
        self.audit = Audit(self.engine, clock)
        self.board = Board(self.engine, clock)
        self.people = People(self.engine, clock)
        self.tokens = Tokens(self.engine, clock)
        self.sessions = Sessions(self.engine, clock, config.idle_minutes, config.session_hours)

    def close(self) -> None:
        """Let the store go."""
        self.engine.dispose()
