"""The tables of a finished run without what is to be forgotten; counts that depend on it are made again.

What was judged stays as it was judged: scores, bits and explanations are of the day of the run. A ring that has fewer
than three accounts left goes with all that is said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.privacy.wish import Wish
from pipeline.stages.evidence.pictures import ring_groups
from pipeline.stages.evidence.ties import ENTITY
from pipeline.stages.rings import reason

SMALLEST = 3  # accounts of a ring
Frames = Mapping[str, pd.DataFrame]
_BY_RING = ("score_parts", "explanations", "attribution")  # tables that are only cut by ring
_DATED = {  # the column that says when a row is of; what ends before the moment goes
    "members": "last_seen", "incidence": "last_seen", "evidence": "last_seen", "activity": "hour", "ring_hours": "hour",
    "provenance": "day", "daily": "day",
}  # fmt: skip


@dataclass(frozen=True)
class Redacted:
    """Tables by name; how many accounts and rings went."""

    tables: dict[str, pd.DataFrame]
    accounts: int
    rings: int


def redacted(tables: Frames, wish: Wish) -> Redacted:
    """All tables of a run, cut. `tables` holds every output table of the plan as a frame."""
    gone = set(wish.accounts)
    early = _early(tables["members"], "members", wish)
    gone |= set(tables["members"].loc[early, "account_id"])
    made = {name: _cut(name, table, gone, wish) for name, table in tables.items()}
    rings, members = tables["rings"], _counted_again(made["members"], made["activity"], wish)
    lost = _lost(rings, members)
    members = members[~members["ring_id"].isin(lost)]
    before, kept = tables["incidence"], made["incidence"]
    parents = dict(zip(rings["ring_id"], rings["parent_ring_id"], strict=True))
    removed = before.loc[~before.index.isin(kept.index)]
    evidence = _untied(made["evidence"], _by_ring(removed, parents), removed)
    evidence = evidence[~evidence["ring_id"].isin(lost)]
    made["members"], made["evidence"] = members, evidence
    made["incidence"] = kept.assign(ring_id=kept["ring_id"].where(kept["account_id"].isin(set(members["account_id"]))))
    for name in (*_BY_RING, "links", "activity", "provenance", "layout"):
        made[name] = made[name][~made[name]["ring_id"].isin(lost)]
    made["ring_hours"] = _hours(made["activity"], tables["ring_hours"])
    order = ["ring_id", "bits_counted", "bits", *ENTITY]
    ties = evidence.sort_values(order, ascending=[True, False, False, True, True])
    made["ring_groups"] = ring_groups(ties, _by_ring(made["incidence"], parents), members)
    made["layout"] = _still_drawn(made["layout"], evidence)
    made["rings"] = _rings(rings[~rings["ring_id"].isin(lost)], members, evidence, made["score_parts"])
    made["ring_registry"] = _registry(tables["ring_registry"], gone, lost)
    went = set(tables["members"]["account_id"]) - set(members["account_id"])
    return Redacted(made, len((went | set(before["account_id"]) - set(kept["account_id"])) & gone), len(lost))


def older(name: str, table: pd.DataFrame, wish: Wish) -> int:
    """Rows of a table that end before the moment: none may be left."""
    return int(_early(table, name, wish).sum())


def _early(table: pd.DataFrame, name: str, wish: Wish) -> pd.Series:
    column = _DATED.get(name)
    if wish.before is None or column is None or table.empty:
        return pd.Series(False, index=table.index)
    if column == "day":
        return pd.Series([d < wish.before.date() for d in table["day"]], index=table.index)
    return (table[column] < pd.Timestamp(wish.before)).fillna(False).astype(bool)


def _cut(name: str, table: pd.DataFrame, gone: set[str], wish: Wish) -> pd.DataFrame:
    """The rows that neither name an account that goes nor end before the moment; what began before begins then."""
    out = _early(table, name, wish)
    for column in ("account_id", "account_a", "account_b"):
        if column in table:
            out |= table[column].isin(gone)
    if name == "layout":
        out |= (table["vertex_type"] == "account") & table["vertex"].isin(gone)
    kept = table[~out]
    if wish.before is not None and "first_seen" in kept and len(kept):
        start = pd.Timestamp(wish.before)
        kept = kept.assign(first_seen=kept["first_seen"].mask(kept["first_seen"] < start, start))
    return kept


def _counted_again(members: pd.DataFrame, activity: pd.DataFrame, wish: Wish) -> pd.DataFrame:
    """Members with the requests that are still told of."""
    if wish.before is None or members.empty:
        return members
    counts = activity.groupby("account_id")["n_events"].sum()
    return members.assign(n_events=members["account_id"].map(counts).fillna(0).astype("int64"))


def _lost(rings: pd.DataFrame, members: pd.DataFrame) -> set[str]:
    """Rings that are none any more: too few accounts; a pool without accounts and without rings."""
    left = members.groupby("ring_id").size()
    size = rings["ring_id"].map(left).fillna(0)
    pool = rings["kind"] == "reseller_pool"
    lost = set(rings.loc[~pool & (size < SMALLEST), "ring_id"])
    outer = set(rings.loc[~rings["ring_id"].isin(lost), "parent_ring_id"].dropna())
    return lost | set(rings.loc[pool & (size == 0) & ~rings["ring_id"].isin(outer), "ring_id"])


def _by_ring(incidence: pd.DataFrame, parents: Mapping[str, Any]) -> pd.DataFrame:
    """(ring_id, account_id, entity_type, entity) of accounts in rings, a pool's inner accounts counted to it too."""
    rows = incidence.loc[incidence["ring_id"].notna(), ["ring_id", "account_id", *ENTITY]]
    outer = rows.assign(ring_id=rows["ring_id"].map(parents))
    return pd.concat([rows, outer[outer["ring_id"].notna()]], ignore_index=True)


def _untied(evidence: pd.DataFrame, removed: pd.DataFrame, everywhere: pd.DataFrame) -> pd.DataFrame:
    """Evidence with the accounts of each thing counted again; what ties nobody any more is left out."""
    keys = ["ring_id", *ENTITY]
    inside = removed.groupby(keys).size().rename("minus").reset_index()
    total = everywhere.groupby(ENTITY).size().rename("minus_all").reset_index()
    table = evidence.merge(inside, on=keys, how="left").merge(total, on=ENTITY, how="left")
    shared = table["n_accounts_in_ring"] >= 2
    table["n_accounts_in_ring"] -= table["minus"].fillna(0).astype("int64")
    table["n_accounts_total"] -= table["minus_all"].fillna(0).astype("int64")
    table["n_accounts_total"] = table[["n_accounts_total", "n_accounts_in_ring"]].max(axis=1)
    ties = table["n_accounts_in_ring"] >= 2
    bare = ~table["ring_id"].isin(set(table.loc[ties, "ring_id"]))
    kept = ties | ((bare | ~shared) & (table["n_accounts_in_ring"] >= 1))
    return table.loc[kept, list(evidence.columns)]


def _hours(activity: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    made = activity.groupby(["ring_id", "hour"]).agg(n_accounts=("account_id", "size"), n_events=("n_events", "sum"))
    return made.reset_index()[list(like.columns)]


def _still_drawn(layout: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Vertices of accounts, and of things that are still evidence."""
    known = set(zip(evidence["ring_id"], evidence["entity_type"], evidence["entity"], strict=True))
    here = zip(layout["ring_id"], layout["vertex_type"], layout["vertex"], strict=True)
    kept = [kind == "account" or (ring, kind, vertex) in known for ring, kind, vertex in here]
    return layout[pd.Series(kept, index=layout.index, dtype=bool)]


def _rings(
    rings: pd.DataFrame, members: pd.DataFrame, evidence: pd.DataFrame, parts: pd.DataFrame
) -> pd.DataFrame:
    """Rings with their counts and sentences as they are now; rings that lost nothing stay as they were."""
    own = members.groupby("ring_id").agg(
        size=("account_id", "size"), n_events=("n_events", "sum"), first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )  # fmt: skip
    now = rings[["ring_id"]].merge(own, left_on="ring_id", right_index=True, how="left").set_axis(rings.index)
    made = rings.assign(
        **{c: now[c].fillna(0).astype("int64") for c in ("size", "n_events")},
        **{c: now[c] for c in ("first_seen", "last_seen")},
    )
    shared, doings = dict(iter(evidence.groupby("ring_id"))), dict(iter(parts.groupby("ring_id")))
    changed = made["size"] != rings["size"]
    said = [
        _said(row, shared.get(row["ring_id"]), doings.get(row["ring_id"])) if new else str(row["reason"])
        for row, new in zip(made.to_dict("records"), changed, strict=True)
    ]
    return made.assign(reason=pd.Series(said, index=made.index, dtype="str"))


def _said(ring: dict[Any, Any], evidence: pd.DataFrame | None, parts: pd.DataFrame | None) -> str:
    """The sentence of a ring made again; what it said of an earlier dismissal stays."""
    head, mark, tail = str(ring["reason"]).rpartition("; dismissed")
    made = reason({**ring, "joined_since": None, "new_types": None}, evidence, parts)
    return f"{made.removesuffix('.')}{mark}{tail}" if head and mark else made


def _registry(registry: pd.DataFrame, gone: set[str], lost: set[str]) -> pd.DataFrame:
    """The registry without the accounts; a ring that went is gone."""
    made = registry.copy()
    for column in ("accounts", "dismissed_accounts"):
        kept = [None if items is None else [a for a in items if a not in gone] for items in made[column]]
        made[column] = pd.Series(kept, index=made.index, dtype=object)
    ended = made["ring_id"].isin(lost) & (made["state"] == "active")
    made["state"] = made["state"].where(~ended, "gone")
    return made
