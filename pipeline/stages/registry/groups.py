"""Groups as the registry compares them: today's candidates, the rings of before, and what analysts pinned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.period import Period
from pipeline.settings import RegistrySettings
from pipeline.stages.registry.lifelines import Past
from pipeline.stages.registry.overlap import Groups
from pipeline.standing import standing

KEPT_THINGS = 200
# A pool whose accounts all lie in inner rings has no members of its own and is known by what it shares. It is given one
# item that nothing else has; account ids never begin like this.
BLANK = "\x00"
_NO_ITEMS = pd.DataFrame(
    {"group": pd.Series(dtype="str"), "item": pd.Series(dtype="str"), "weight": pd.Series(dtype="float64")}
)


def shared_things(belongs: pd.DataFrame, incidence: pd.DataFrame) -> pd.DataFrame:
    """What two or more accounts of a group share: (candidate, entity_type, entity, item, n_in, n_total, weight)."""
    degree = incidence.groupby(["entity_type", "entity"], sort=True).size().rename("n_total").reset_index()
    rows = incidence[["account_id", "entity_type", "entity"]]
    rows = rows.merge(belongs[["candidate", "account_id"]], on="account_id")
    table = rows.groupby(["candidate", "entity_type", "entity"], sort=True).size().rename("n_in").reset_index()
    table = table[table["n_in"] >= 2].merge(degree, on=["entity_type", "entity"])
    return _weighted_things(table)


def _weighted_things(table: pd.DataFrame) -> pd.DataFrame:
    """Rarity of a shared thing: how far it is the group's own, times the order of how many of the group share it."""
    weight = table["n_in"] / table["n_total"] * np.log2(1.0 + table["n_in"])
    return table.assign(item=table["entity_type"] + ":" + table["entity"], weight=weight)


def _strongest(things: pd.DataFrame) -> pd.DataFrame:
    ordered = things.sort_values(["group", "weight", "item"], ascending=[True, False, True])
    return ordered.groupby("group", sort=False).head(KEPT_THINGS)[["group", "item", "weight"]]


def today(candidates: pd.DataFrame, inner: pd.DataFrame, things: pd.DataFrame) -> Groups:
    """The candidates of this run as groups of accounts and strongest shared things."""
    members = inner.rename(columns={"candidate": "group", "account_id": "item"})[["group", "item"]].assign(weight=1.0)
    empty = sorted(set(candidates["candidate"]) - set(inner["candidate"]))
    blank = pd.DataFrame({"group": empty, "item": [f"{BLANK}{number}" for number in empty], "weight": 1.0})
    return Groups(
        pd.concat([members, blank], ignore_index=True), _strongest(things.rename(columns={"candidate": "group"}))
    )


def past_of(
    registry: pd.DataFrame | None,
    members: pd.DataFrame | None,
    evidence: pd.DataFrame | None,
    settings: RegistrySettings,
    period: Period,
) -> Past:
    """What the previous run knew: its rings and those remembered, with members and rare things decayed by age."""
    none = Groups(_NO_ITEMS, _NO_ITEMS)
    if registry is None or members is None or evidence is None:
        return Past(none, none, frozenset())
    age = (pd.Timestamp(period.until) - members["last_seen"]).dt.total_seconds().clip(lower=0) / 86_400
    weight = np.exp2(-age.fillna(0.0) / settings.half_life_days)
    accounts = pd.DataFrame({"group": members["ring_id"], "item": members["account_id"], "weight": weight})
    table = evidence.rename(columns={"n_accounts_in_ring": "n_in", "n_accounts_total": "n_total", "ring_id": "group"})
    things = _strongest(_weighted_things(table[table["n_in"] >= 2]))
    active = registry.loc[registry["state"] == "active", "ring_id"]
    blank = sorted(set(active) - set(accounts["group"]))
    empty = pd.DataFrame({"group": blank, "item": [f"{BLANK}{name}" for name in blank], "weight": 1.0})
    accounts = pd.concat([accounts, empty], ignore_index=True)
    resting = registry[registry["state"] != "active"]
    sleeping = Groups(_items(resting, "accounts"), _items(resting, "entities"))
    return Past(Groups(accounts, things), sleeping, frozenset(registry["ring_id"]))


def _items(registry: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = [(ring, item) for ring, items in zip(registry["ring_id"], registry[column], strict=True) for item in items]
    if not rows:
        return _NO_ITEMS
    return pd.DataFrame(rows, columns=["group", "item"]).assign(weight=1.0)


def pins(decisions: pd.DataFrame, new: Groups, past: Past) -> dict[str, int]:
    """Ring id -> today's group, as analysts pinned it; the latest pin of a ring, and of a group, counts.

    A pin with an account holds for the group that the account is in; one with another ring for the group that has most
    of that ring's members; else for the group that has most of the pinned ring's own members.
    """
    alive = standing(decisions)
    rows = alive[(alive["conclusion"] == "pinned") & alive["ring_id"].notna()] if len(alive) else alive
    group_of = dict(zip(new.members["item"], new.members["group"], strict=True))
    chosen: dict[str, int] = {}
    for pin in rows.to_dict("records"):
        ring = str(pin["ring_id"])
        if pd.notna(pin["account_id"]):
            group = group_of.get(str(pin["account_id"]))
        else:
            whose = ring if pd.isna(pin["other_ring_id"]) else str(pin["other_ring_id"])
            group = _most_of(whose, past, group_of)
        if group is not None:
            chosen = {r: g for r, g in chosen.items() if g != group and r != ring}
            chosen[ring] = int(group)
    return chosen


def _most_of(ring: str, past: Past, group_of: dict[str, int]) -> int | None:
    items = [t.loc[t["group"] == ring, "item"] for t in (past.active.members, past.sleeping.members)]
    groups = pd.concat(items).map(group_of).dropna()
    if groups.empty:
        return None
    counts = groups.astype("int64").value_counts()
    return int(min(counts.index[counts == counts.max()]))
