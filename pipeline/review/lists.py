"""Enforcement lists: accounts of confirmed rings, an action, a reason. Preparing one touches no account.

Above a number of accounts, or where somebody who has paid for long is among them, a second person approves before the
list can be exported. An appeal reopens it. Each step is a row of its own that is never changed.
"""

from __future__ import annotations

import secrets
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, func, select

from pipeline.decisions import microseconds, moment, standing, writing
from pipeline.review.desk import Desk
from pipeline.review.states import DECIDED
from pipeline.review.store import LIST_EVENTS, LIST_ROWS, LISTS
from pipeline.review.web import Visit

ACTIONS = ("review by the abuse team", "ask for verification", "limit requests", "suspend", "close")
LISTED = pa.schema(
    {"list_id": "string", "approved_at": "string", "ring_id": "string", "n_accounts": "int64", "action": "string"}
)
DRAFT, WAITING, APPROVED, EXPORTED, REOPENED = "draft", "waiting", "approved", "exported", "reopened"


class ListRuleError(Exception):
    """A step that the list's rules do not allow; the sentence says why."""


def proposal(v: Visit, ring_ids: list[str]) -> dict[str, Any]:
    """What a list of these rings would hold: core members of rings that stand confirmed and have not changed."""
    states = v.office.states.of_run(v.run)
    fit, left = [], []
    for ring_id in ring_ids:
        state = states.get(ring_id)
        if state is None or state.latest is None or state.latest.conclusion != "confirmed":
            left.append((ring_id, "is not confirmed"))
        elif state.state != DECIDED:
            left.append((ring_id, "changed since it was confirmed"))
        else:
            fit.append(ring_id)
    rows = v.run.rows(
        "SELECT ring_id, account_id, payer_days FROM members WHERE ring_id IN (SELECT unnest(?)) AND membership >= 0.5 "
        "ORDER BY ring_id, account_id",
        [fit],
    )
    dropped = {
        d.account_id
        for ring_id in fit
        for d in standing(v.office.mirror.on_ring(ring_id))
        if d.conclusion == "account_dropped"
    }
    kept = [r for r in rows if r["account_id"] not in dropped]
    long_payers = sum((r["payer_days"] or 0) > v.desk.config.long_payer_days for r in kept)
    n = len(kept)
    return {
        "rings": fit,
        "left_out": left,
        "rows": kept,
        "n": n,
        "dropped": len(rows) - n,
        "long_payers": long_payers,
        "second": n > v.desk.config.second_person_above or long_payers > 0,
    }


class Lists:
    """The lists of a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def prepare(self, v: Visit, made: dict[str, Any], action: str, reason: str) -> str:
        """Keep a list as a draft; returns its name."""
        list_id, now = f"L-{secrets.token_hex(4)}", microseconds(self._desk.clock())
        with writing(self._desk.engine) as connection:
            connection.execute(
                LISTS.insert().values(
                    list_id=list_id,
                    action=action,
                    reason=reason,
                    run_id=v.run.run_id,
                    n_accounts=made["n"],
                    long_payers=made["long_payers"],
                    state=DRAFT,
                    prepared_by=v.person.person,
                    prepared_at=now,
                )
            )
            rows = [
                {"list_id": list_id, "account_id": r["account_id"], "ring_id": r["ring_id"], "appealed": False}
                for r in made["rows"]
            ]
            for begin in range(0, len(rows), 1000):
                connection.execute(LIST_ROWS.insert(), rows[begin : begin + 1000])
            self._event(connection, list_id, v.person.person, DRAFT, reason)
        return list_id

    def _event(self, connection: Connection, list_id: str, person: str, state: str, reason: str) -> None:
        now = microseconds(self._desk.clock())
        connection.execute(
            LIST_EVENTS.insert().values(list_id=list_id, at=now, person=person, state=state, reason=reason)
        )

    def all(self) -> list[dict[str, Any]]:
        """All lists, newest first."""
        with self._desk.engine.connect() as connection:
            return [self._plain(r) for r in connection.execute(select(LISTS).order_by(LISTS.c.prepared_at.desc()))]

    def find(self, list_id: str) -> dict[str, Any] | None:
        """One list with its steps and accounts."""
        with self._desk.engine.connect() as connection:
            row = connection.execute(select(LISTS).where(LISTS.c.list_id == list_id)).first()
            if row is None:
                return None
            steps = connection.execute(
                select(LIST_EVENTS).where(LIST_EVENTS.c.list_id == list_id).order_by(LIST_EVENTS.c.seq)
            )
            rows = connection.execute(
                select(LIST_ROWS)
                .where(LIST_ROWS.c.list_id == list_id)
                .order_by(LIST_ROWS.c.ring_id, LIST_ROWS.c.account_id)
            )
            return {
                **self._plain(row),
                "steps": [{**s._mapping, "at": moment(s.at)} for s in steps],
                "rows": [dict(r._mapping) for r in rows],
            }

    def _plain(self, row: Any) -> dict[str, Any]:
        config = self._desk.config
        second = row.n_accounts > config.second_person_above or row.long_payers > 0
        return {**row._mapping, "prepared_at": moment(row.prepared_at), "second": second}

    def of_account(self, account_id: str) -> list[dict[str, Any]]:
        """Lists that name an account."""
        with self._desk.engine.connect() as connection:
            found = connection.execute(
                select(LISTS, LIST_ROWS.c.appealed)
                .join(LIST_ROWS, LIST_ROWS.c.list_id == LISTS.c.list_id)
                .where(LIST_ROWS.c.account_id == account_id)
                .order_by(LISTS.c.prepared_at)
            )
            return [self._plain(r) for r in found]

    def step(self, list_id: str, person: str, state: str, reason: str = "") -> None:
        """Bring a list to its next state. ListRuleError says which rule forbids it."""
        with writing(self._desk.engine) as connection:
            row = connection.execute(select(LISTS).where(LISTS.c.list_id == list_id)).first()
            if row is None:
                raise ListRuleError("There is no such list.")
            self._check(row, person, state)
            connection.execute(LISTS.update().where(LISTS.c.list_id == list_id).values(state=state))
            self._event(connection, list_id, person, state, reason)

    def _check(self, row: Any, person: str, state: str) -> None:
        second = self._plain(row)["second"]
        if state == WAITING and row.state != DRAFT:
            raise ListRuleError(f"Only a draft can be put before a second person; this list is {row.state}.")
        if state == APPROVED and row.state != WAITING:
            raise ListRuleError(f"Only a list that waits can be approved; this one is {row.state}.")
        if state == APPROVED and row.prepared_by == person:
            raise ListRuleError("Whoever prepared a list cannot be its second person.")
        if state == EXPORTED and not (row.state in (APPROVED, EXPORTED) or (row.state == DRAFT and not second)):
            raise ListRuleError(
                "A second person has to approve this list first." if second else f"This list is {row.state}."
            )

    def appeal(self, account_id: str, person: str, reason: str) -> int:
        """Mark an account as appealed on every list that names it and reopen these; returns how many."""
        held = self.of_account(account_id)
        with writing(self._desk.engine) as connection:
            for row in held:
                here = (LIST_ROWS.c.list_id == row["list_id"]) & (LIST_ROWS.c.account_id == account_id)
                connection.execute(LIST_ROWS.update().where(here).values(appealed=True))
                connection.execute(LISTS.update().where(LISTS.c.list_id == row["list_id"]).values(state=REOPENED))
                self._event(connection, row["list_id"], person, REOPENED, reason)
        return len(held)


def approved(engine: Engine) -> list[dict[str, Any]]:
    """One row a list and ring, in order of approval: when it was approved, or exported where it needed nobody else."""
    with engine.connect() as connection:
        agreed = connection.execute(
            select(LIST_EVENTS.c.list_id, LIST_EVENTS.c.state, LIST_EVENTS.c.at)
            .where(LIST_EVENTS.c.state.in_((APPROVED, EXPORTED)))
            .order_by(LIST_EVENTS.c.seq)
        )
        when: dict[str, int] = {}
        for row in agreed:
            when.setdefault(row.list_id, row.at)
        counted = connection.execute(
            select(LIST_ROWS.c.list_id, LIST_ROWS.c.ring_id, func.count().label("n"), LISTS.c.action)
            .join(LISTS, LISTS.c.list_id == LIST_ROWS.c.list_id)
            .where(LIST_ROWS.c.appealed.is_(False))
            .group_by(LIST_ROWS.c.list_id, LIST_ROWS.c.ring_id, LISTS.c.action)
        )
        made = [
            {
                "list_id": row.list_id,
                "approved_at": moment(when[row.list_id]).isoformat(),
                "ring_id": row.ring_id,
                "n_accounts": row.n,
                "action": row.action,
            }
            for row in counted
            if row.list_id in when
        ]
    return sorted(made, key=lambda r: (r["approved_at"], r["list_id"], r["ring_id"]))
