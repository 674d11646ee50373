"""Dismissals that stand: a dismissed ring stays quiet until something new joins, and then it is said what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.standing import latest_verdicts

NEW_SHARE = 0.10  # accounts that joined since, as a share of those dismissed, above which the ring is judged anew
TIED_SHARE = 0.25  # share of the accounts that a link type must tie to count as a kind of evidence of the ring


@dataclass(frozen=True)
class Dismissal:
    """A standing dismissal: its decision, the accounts and link types that it covered."""

    decision_id: str
    accounts: frozenset[str]
    types: frozenset[str]


@dataclass(frozen=True)
class Dismissed:
    """A dismissed ring today: the dismissal, the decision where it still holds, and what is new since."""

    dismissal: Dismissal
    suppressed_by: str | None
    joined: int
    new_types: list[str]


@dataclass(frozen=True)
class Seen:
    """A ring of today: its id, the ring that it split off from today, its accounts, and what they share."""

    ring_id: str
    parent: str | None
    accounts: frozenset[str]
    things: pd.DataFrame


@dataclass(frozen=True)
class Remembered:
    """What the previous run knew: its registry by ring id, its members and evidence."""

    book: dict[str, dict[str, Any]]
    members: pd.DataFrame | None
    evidence: pd.DataFrame | None


def dismissed_rings(seen: list[Seen], decisions: pd.DataFrame, remembered: Remembered) -> dict[str, Dismissed]:
    """Today's rings on which a standing dismissal was pronounced, or on the ring that they split off from."""
    verdicts = latest_verdicts(decisions)
    if verdicts.empty:
        return {}
    rows = verdicts[verdicts["conclusion"] == "dismissed"]
    pronounced = dict(zip(rows["ring_id"], rows["decision_id"], strict=True))
    judged_otherwise = set(verdicts["ring_id"]) - set(pronounced)
    found: dict[str, Dismissed] = {}
    for ring in seen:
        if ring.ring_id in judged_otherwise:
            continue
        dismissal = _dismissal(ring, pronounced, remembered)
        if dismissal is not None:
            found[ring.ring_id] = _today(ring, dismissal)
    return found


def _dismissal(ring: Seen, pronounced: dict[str, str], remembered: Remembered) -> Dismissal | None:
    """The dismissal that a ring is under: its own, else one inherited when it split off, now or earlier."""
    own = pronounced.get(ring.ring_id)
    source = ring.ring_id if own or ring.parent is None else ring.parent
    known = _from_book(remembered.book.get(source))
    decision = own or pronounced.get(source) or (known.decision_id if known else None)
    if decision is None or decision not in pronounced.values():
        return None
    if known is not None and known.decision_id == decision:
        return known
    return _as_judged(source, decision, remembered) or Dismissal(decision, ring.accounts, _types(ring))


def _from_book(row: dict[str, Any] | None) -> Dismissal | None:
    if row is None or not isinstance(row.get("dismissed_by"), str):
        return None
    return Dismissal(row["dismissed_by"], frozenset(row["dismissed_accounts"]), frozenset(row["dismissed_types"]))


def _as_judged(ring: str, decision: str, remembered: Remembered) -> Dismissal | None:
    """The ring as the previous run had it: what the analyst saw. None where that run did not have it."""
    if remembered.members is None or remembered.evidence is None:
        return None
    accounts = frozenset(remembered.members.loc[remembered.members["ring_id"] == ring, "account_id"])
    if not accounts:
        return None
    rows = remembered.evidence
    shared = rows[(rows["ring_id"] == ring) & (rows["n_accounts_in_ring"] >= 2)]
    things = shared.rename(columns={"n_accounts_in_ring": "n_in"})
    return Dismissal(decision, accounts, tying_types(things, len(accounts)))


def _types(ring: Seen) -> frozenset[str]:
    return tying_types(ring.things, len(ring.accounts))


def tying_types(things: pd.DataFrame, size: int) -> frozenset[str]:
    """Link types whose shared entities hold, together, a quarter of the ring's accounts or more.

    `things`: (entity_type, n_in) of the entities that two or more accounts of the ring share.
    """
    held = things.groupby("entity_type")["n_in"].sum()
    return frozenset(str(name) for name in held.index[held >= TIED_SHARE * size])


def _today(ring: Seen, dismissal: Dismissal) -> Dismissed:
    """Whether a dismissal still covers the ring: not where many accounts joined or another link type ties it now."""
    joined = len(ring.accounts - dismissal.accounts)
    new_types = sorted(_types(ring) - dismissal.types)
    changed = joined > NEW_SHARE * len(dismissal.accounts) or bool(new_types)
    return Dismissed(dismissal, None if changed else dismissal.decision_id, joined, new_types)
