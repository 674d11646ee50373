"""What analysts' standing decisions on earlier rings say of today's: a shift of the score in bits, for a stated reason.

Two things are learned, both monotone in the rings confirmed and in the rings dismissed:

* How far a kind of tie can be trusted. Of the rings that a link type tied, c were confirmed and d dismissed; a group
  tied by it is shifted by log2((c + 4) / (d + 4)) bits, the mean over the types that tie the group, at most one bit
  either way. (4: a prior of as many rings of either sort, so that few decisions move little.)
* Being tied to what was confirmed. A group that shares a rare thing with confirmed rings other than its own is shifted
  by half a bit for each of them, at most by one bit.

Only decisions that stand count, and only through what the registry remembers of the rings; a decision that is
withdrawn leaves no trace. How likely chance makes such a group (q_value) is left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline.standing import latest_verdicts

if TYPE_CHECKING:
    import pandas as pd

PRIOR = 4.0  # rings
MOST_OF_TYPES = 1.0  # bits
A_RING = 0.5  # bits
MOST_OF_RINGS = 1.0  # bits
TIED_SHARE = 0.25  # of a group's accounts, from which a link type counts among its ties
CONFIRMED, DISMISSED = "confirmed", "dismissed"


@dataclass(frozen=True)
class Learned:
    """What stands of the decisions: trust in link types (bits), and the things (`type:entity`) of confirmed rings with
    the accounts of each ring; `digest` names the decisions it was made from."""

    trust: Mapping[str, float] = field(default_factory=dict)
    rings: Mapping[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)
    digest: str = ""


def learned(decisions: pd.DataFrame, registry: pd.DataFrame | None) -> Learned:
    """What the standing verdicts on rings of the registry teach."""
    if registry is None or decisions.empty:
        return Learned()
    verdicts = latest_verdicts(decisions)
    verdicts = verdicts[verdicts["conclusion"].isin((CONFIRMED, DISMISSED))]
    book = {
        str(ring): (frozenset(map(str, accounts)), frozenset(map(str, things)))
        for ring, accounts, things in zip(registry["ring_id"], registry["accounts"], registry["entities"], strict=True)
    }
    counts: dict[str, dict[str, int]] = {CONFIRMED: {}, DISMISSED: {}}
    rings: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    said = []
    for ring, conclusion in zip(verdicts["ring_id"], verdicts["conclusion"], strict=True):
        if ring not in book:
            continue
        accounts, things = book[ring]
        said.append([ring, conclusion, sorted(things)])
        for name in {thing.split(":", 1)[0] for thing in things}:
            counts[conclusion][name] = counts[conclusion].get(name, 0) + 1
        if conclusion == CONFIRMED:
            rings[ring] = (accounts, things)
    names = sorted({*counts[CONFIRMED], *counts[DISMISSED]})
    trust = {n: _trust(counts[CONFIRMED].get(n, 0), counts[DISMISSED].get(n, 0)) for n in names}
    mark = hashlib.sha256(json.dumps(said).encode()).hexdigest() if said else ""
    return Learned(trust, rings, mark)


def _trust(confirmed: int, dismissed: int) -> float:
    return float(np.clip(np.log2((confirmed + PRIOR) / (dismissed + PRIOR)), -MOST_OF_TYPES, MOST_OF_TYPES))


def shift(accounts: frozenset[str], things: Mapping[str, int], known: Learned) -> float:
    """Bits by which a group's score is shifted. `things`: how many of its accounts hold each `type:entity`, if two
    or more do."""
    held: dict[str, int] = {}
    for thing, n in things.items():
        name = thing.split(":", 1)[0]
        held[name] = held.get(name, 0) + n
    tying = sorted(name for name, n in held.items() if n >= TIED_SHARE * len(accounts))
    of_types = float(np.mean([known.trust.get(n, 0.0) for n in tying])) if tying else 0.0
    others = sum(_tied(accounts, things, *ring) for ring in known.rings.values())
    return round(of_types + min(A_RING * others, MOST_OF_RINGS), 9)


def _tied(accounts: frozenset[str], things: Iterable[str], of_ring: frozenset[str], its_things: frozenset[str]) -> bool:
    """Whether a group shares a thing with a confirmed ring that is not the group itself (half its accounts or more)."""
    itself = 2 * len(accounts & of_ring) >= len(accounts)
    return not itself and not its_things.isdisjoint(things)


def shifts(members: pd.DataFrame, incidence: pd.DataFrame, known: Learned) -> dict[int, float]:
    """Bits a group. `members`: (group, account_id); `incidence`: (account_id, entity_type, entity)."""
    if not known.digest:
        return {}
    rows = incidence[["account_id", "entity_type", "entity"]].merge(members, on="account_id")
    rows["thing"] = rows["entity_type"].astype(str) + ":" + rows["entity"].astype(str)
    counts = rows.groupby(["group", "thing"], sort=True).size().rename("n").reset_index()
    of_group: dict[int, dict[str, int]] = {}
    for group, thing, n in zip(counts["group"], counts["thing"], counts["n"], strict=True):
        if n >= 2:
            of_group.setdefault(int(group), {})[str(thing)] = int(n)
    accounts: dict[int, set[str]] = {}
    for group, account in zip(members["group"], members["account_id"], strict=True):
        accounts.setdefault(int(group), set()).add(str(account))
    return {g: shift(frozenset(a), of_group.get(g, {}), known) for g, a in sorted(accounts.items())}
