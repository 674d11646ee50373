"""From a form to rows of the log: every rule that a decision has to meet before it is written stands here."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.decisions import Decision
from pipeline.review import say
from pipeline.review.queue import is_check
from pipeline.review.store import JUDGED
from pipeline.standing import RING_CONCLUSIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipeline.review.web import Visit

MIN_REASON = 15
STRONGEST = 12  # shared things that tell groups apart
MOST_GROUPS = 12  # groups of their own; the last row stands for the rest
VERBS = {
    "confirm": "confirmed",
    "dismiss": "dismissed",
    "unsure": "unsure",
    "split": "split",
    "merge": "merged",
    "pin": "pinned",
    "drop": "account_dropped",
    "keep": "account_kept",
}
BEGINNINGS = (
    "Cards: ",
    "Same hours: ",
    "The template is ",
    "Known to us as ",
    "Asked the customer: ",
    "Like ring ",
)
_ACT = re.compile(r"[0-9a-f]{16}")


class UnfitError(Exception):
    """A form that cannot be recorded yet; the sentence says what is missing, and the form comes back as it was."""


def new_act() -> str:
    """Name of an act, made when its form is shown: sent twice, it is recorded once."""
    return secrets.token_hex(8)


def reason_of(v: Visit) -> str:
    """The reason of the form; UnfitError where it is too short to be one."""
    reason = v.text("reason")
    if len(reason) < MIN_REASON:
        raise UnfitError(f"A reason of at least {MIN_REASON} characters is needed; this one has {len(reason)}.")
    return reason


def blank(v: Visit, conclusion: str, **about: Any) -> Decision:
    """A row of this person on this run, with the reason of the form."""
    sent = v.text("act")
    act = sent if _ACT.fullmatch(sent) else new_act()
    return Decision(
        decision_id=act,
        act=act,
        conclusion=conclusion,
        reason=reason_of(v),
        analyst=v.person.person,
        run_id=v.run.run_id,
        **about,
    )


def on_ring(v: Visit, ring_id: str, verb: str) -> list[Decision]:
    """The rows of a form about a ring, not yet written. Raises UnfitError."""
    conclusion = VERBS[verb]
    row = blank(v, conclusion, ring_id=ring_id, members_digest=v.run.notes[ring_id].digest)
    if verb == "dismiss":
        chosen = v.text("explanation")
        if chosen not in dict(say.EXPLANATIONS):
            raise UnfitError("Choose the innocent explanation first.")
        row = replace(row, explanation=chosen)
    if verb == "merge":
        other = v.text("other_ring_id")
        if other not in v.run.rings or other == ring_id:
            raise UnfitError("Name another ring of this run, such as the ones listed under Operator.")
        row = replace(row, other_ring_id=other)
    if verb == "pin":
        name = v.text("name", 60)
        if not re.fullmatch(r"[\w][\w .'-]{1,59}", name):
            raise UnfitError("A name has 2 to 60 letters, digits, spaces, dots or dashes.")
        row = replace(row, part=name)
    if verb in ("drop", "keep"):
        opened = v.desk.seal.open("account", v.text("account"))
        if opened is None or v.run.ring_ids_of([opened[0]]).get(opened[0]) != ring_id:
            raise UnfitError("That account is not in this ring.")
        row = replace(row, account_id=opened[0])
    if verb == "split":
        return _split(v, ring_id, row)
    return [_correcting(v, ring_id, row)]


def _split(v: Visit, ring_id: str, row: Decision) -> list[Decision]:
    """One row an account that moves away."""
    moved = moved_accounts(v, ring_id)
    if not moved:
        raise UnfitError("Tick at least one group to take away.")
    if len(moved) >= v.ring(ring_id)["size"]:
        raise UnfitError("Something has to stay: not every account can be taken away.")
    first = _correcting(v, ring_id, row)
    return [
        replace(
            first,
            decision_id=f"{row.act}-{k:05d}",
            account_id=a,
            part="A",
            supersedes=first.supersedes if not k else None,
        )
        for k, a in enumerate(moved)
    ]


def moved_accounts(v: Visit, ring_id: str) -> list[str]:
    """Accounts of the ticked groups, sorted."""
    ranks = {int(r) for r in v.texts("group") if r.isdigit()}
    return sorted({a for rank in ranks for a in group_accounts(v, ring_id, rank)})


def group_accounts(v: Visit, ring_id: str, rank: int) -> list[str]:
    """Accounts of one group of `ring_groups`: those that have exactly its things among the ring's 12 strongest."""
    groups = v.run.of_ring("ring_groups", ring_id, "rank")
    strongest = v.run.rows(
        "SELECT entity_type || ':' || entity AS thing FROM evidence WHERE ring_id = ? AND n_accounts_in_ring >= 2 "
        "ORDER BY bits_counted DESC, bits DESC, entity_type, entity LIMIT ?",
        [ring_id, STRONGEST],
    )
    held: dict[str, set[str]] = {a: set() for a in v.run.members_of(ring_id)}
    found = v.run.rows(
        "SELECT account_id, entity_type || ':' || entity AS thing FROM incidence WHERE ring_id = ? "
        "AND entity_type || ':' || entity IN (SELECT unnest(?))",
        [ring_id, [r["thing"] for r in strongest]],
    )
    for row in found:
        held[row["account_id"]].add(row["thing"])
    rest = groups[-1]["rank"] if len(groups) > MOST_GROUPS else None
    sets = {frozenset(g["entities"] or []): g["rank"] for g in groups if g["rank"] != rest}
    return sorted(a for a, has in held.items() if sets.get(frozenset(has), rest) == rank)


def _correcting(v: Visit, ring_id: str, row: Decision) -> Decision:
    """A judgement on a ring corrects the standing one that its analyst knew of."""
    stands = v.office.mirror.judgement(ring_id)
    if row.conclusion not in RING_CONCLUSIONS or stands is None or v.text("beside"):
        return row
    return replace(row, supersedes=stands.decision_id)


def write(v: Visit, rows: list[Decision], seen: int | None) -> list[Decision]:
    """Write an act and what was known of its ring; MeanwhileError where somebody was faster."""
    first = rows[0]

    def judged(connection: Connection) -> None:
        if first.conclusion not in RING_CONCLUSIONS or first.ring_id is None:
            return
        ring = v.run.rings[first.ring_id]
        rate = v.desk.config.check_rate
        check = is_check(v.desk.seal, rate, v.run.run_id, first.ring_id)
        connection.execute(
            JUDGED.insert().values(
                decision_id=first.decision_id,
                run_id=v.run.run_id,
                ring_id=first.ring_id,
                score=ring["score"],
                kind=ring["kind"],
                flagged=ring["flagged"],
                size=ring["size"],
                is_check=check,
                rate=rate,
            )
        )

    written = v.desk.log.append(rows, seen=seen, also=judged)
    v.note(first.conclusion, first.ring_id or "", f"act {first.act}, {len(rows)} rows")
    v.office.mirror.refresh()
    return written


def withdrawal(v: Visit, act: str) -> list[Decision]:
    """Rows that withdraw every standing row of an act. Raises UnfitError where nothing stands."""
    rows = [d for d in v.desk.log.rows(act=act) if v.office.mirror.stands(d)]
    if not rows:
        raise UnfitError("That decision no longer stands.")
    return _taken_back(v, rows)


def reopening(v: Visit, ring_id: str) -> list[Decision]:
    """Rows that withdraw every judgement on a ring, so that none comes back from behind the standing one."""
    mirror = v.office.mirror
    withdrawn = {i for i, by in mirror.corrected_by.items() if by.conclusion == "withdrawn"}
    judged = [d for d in mirror.on_ring(ring_id) if d.ring_id == ring_id and d.conclusion in RING_CONCLUSIONS]
    return _taken_back(v, [d for d in judged if d.decision_id not in withdrawn])


def _taken_back(v: Visit, rows: list[Decision]) -> list[Decision]:
    first = blank(v, "withdrawn")
    return [
        replace(
            first,
            decision_id=f"{first.act}-{k:05d}" if len(rows) > 1 else first.act,
            ring_id=d.ring_id,
            account_id=d.account_id,
            entity_type=d.entity_type,
            entity=d.entity,
            supersedes=d.decision_id,
            members_digest=d.members_digest,
        )
        for k, d in enumerate(rows)
    ]


def sent_seen(v: Visit) -> int:
    """The greatest seq that the form knew of."""
    sent = v.text("seen", 20)
    return int(sent) if sent.isdigit() else 0
