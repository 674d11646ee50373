"""Give each group the name it had before, or a new one; remember every name ever given.

Grain in: candidates of today; rings, members and evidence of the previous run; its registry. Grain out: one lasting
name a candidate, one row a change, one row an id ever given. Rings are known again by their members and by the rare
things they share, so a name outlives the day on which every account is replaced. An analyst's pin wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.accused import innermost, with_pools
from pipeline.period import Period
from pipeline.settings import Settings
from pipeline.stages.registry.dismissals import Dismissed, Remembered, Seen, dismissed_rings
from pipeline.stages.registry.groups import BLANK, past_of, pins, shared_things, today
from pipeline.stages.registry.lifelines import Lifelines, Rules, lifelines
from pipeline.stages.registry.overlap import Groups
from pipeline.standing import standing

KEPT_ACCOUNTS = 5_000


@dataclass(frozen=True)
class Registry:
    """What the stage writes."""

    ring_ids: pd.DataFrame
    ring_history: pd.DataFrame
    ring_registry: pd.DataFrame


def make(
    candidates: pd.DataFrame,
    candidate_members: pd.DataFrame,
    incidence_bits: pd.DataFrame,
    clean_decisions: pd.DataFrame,
    previous_ring_registry: pd.DataFrame | None,
    previous_members: pd.DataFrame | None,
    previous_evidence: pd.DataFrame | None,
    *,
    settings: Settings,
    period: Period,
    run_id: str,
) -> Registry:
    """Names for today's candidates, from the previous run's tables (all None on the first run)."""
    inner = innermost(candidate_members, candidates)
    things = shared_things(with_pools(inner, candidates), incidence_bits)
    new = today(candidates, inner, things)
    past = past_of(previous_ring_registry, previous_members, previous_evidence, settings.registry, period)
    rules = Rules(settings.registry.min_overlap, settings.registry.grew)
    lines = lifelines(past, new, pins(clean_decisions, new, past), f"{period.until:%Y-%m-%d}", rules)
    book = _book(previous_ring_registry)
    remembered = Remembered(book, previous_members, previous_evidence)
    dismissed = dismissed_rings(_seen(lines, new, things), clean_decisions, remembered)
    history = pd.DataFrame(lines.history, columns=["ring_id", "previous_ring_id", "change", "jaccard"])
    ring_registry = _registry(lines, new, dismissed, book, clean_decisions, run_id)
    return Registry(_ring_ids(lines, dismissed), history, ring_registry)


def _book(registry: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """The previous registry by ring id."""
    if registry is None:
        return {}
    return {str(row["ring_id"]): {str(k): v for k, v in row.items()} for row in registry.to_dict("records")}


def _seen(lines: Lifelines, new: Groups, things: pd.DataFrame) -> list[Seen]:
    """Today's rings as a dismissal looks at them, in the order of their ids."""
    parent_of = {ring: old for ring, old, change, _ in lines.history if change == "split"}
    accounts = dict(iter(new.members.groupby("group")["item"]))
    shared = dict(iter(things.groupby("candidate")))
    nothing = things.iloc[:0]
    return [
        Seen(ring, parent_of.get(ring), frozenset(accounts[group]), shared.get(group, nothing))
        for group, ring in sorted(lines.names.items(), key=lambda item: item[1])
    ]


def _ring_ids(lines: Lifelines, dismissed: dict[str, Dismissed]) -> pd.DataFrame:
    rows: list[tuple[int, str, str | None, int | None, list[str]]] = []
    for group, ring in sorted(lines.names.items()):
        found = dismissed.get(ring)
        if found is None:
            rows.append((group, ring, None, None, []))
        else:
            rows.append((group, ring, found.suppressed_by, found.joined, found.new_types))
    table = pd.DataFrame(rows, columns=["candidate", "ring_id", "suppressed_by", "joined_since", "new_types"])
    return table.astype({"candidate": "int64", "ring_id": "str", "suppressed_by": "str", "joined_since": "Int64"})


def _registry(
    lines: Lifelines,
    new: Groups,
    dismissed: dict[str, Dismissed],
    book: dict[str, dict[str, Any]],
    decisions: pd.DataFrame,
    run_id: str,
) -> pd.DataFrame:
    """Every id ever given: today's rings as they are now, the others as they were last seen."""
    accounts = dict(iter(new.members[~new.members["item"].str.startswith(BLANK)].groupby("group")["item"]))
    things = dict(iter(new.things.groupby("group", sort=True)["item"]))
    names = _pin_names(decisions)
    rows: list[dict[str, Any]] = []
    for group, ring in lines.names.items():
        dismissal = dismissed[ring].dismissal if ring in dismissed else None
        row: dict[str, Any] = {"ring_id": ring, "last_run": run_id, "state": "active", "pinned_name": names.get(ring)}
        row["first_run"] = book[ring]["first_run"] if ring in book else run_id
        row["accounts"] = sorted(accounts.get(group, []))[:KEPT_ACCOUNTS]
        row["entities"] = list(things.get(group, []))
        row["dismissed_by"] = dismissal.decision_id if dismissal else None
        row["dismissed_accounts"] = sorted(dismissal.accounts) if dismissal else None
        row["dismissed_types"] = sorted(dismissal.types) if dismissal else None
        rows.append(row)
    living = set(lines.names.values())
    for ring, before in book.items():
        if ring not in living:
            state = lines.ended.get(ring, before["state"])
            rows.append({**before, "state": state, "pinned_name": names.get(ring)})
    columns = ["ring_id", "first_run", "last_run", "state", "pinned_name", "accounts", "entities"]
    columns += ["dismissed_by", "dismissed_accounts", "dismissed_types"]
    return pd.DataFrame(rows, columns=columns).sort_values("ring_id").reset_index(drop=True)


def _pin_names(decisions: pd.DataFrame) -> dict[str, str]:
    """The name that an analyst pinned on each ring: the `part` of the latest standing pin, else the ring id itself."""
    alive = standing(decisions)
    if alive.empty:
        return {}
    pins = alive[(alive["conclusion"] == "pinned") & alive["ring_id"].notna()]
    return {str(r): str(p) if pd.notna(p) else str(r) for r, p in zip(pins["ring_id"], pins["part"], strict=True)}
