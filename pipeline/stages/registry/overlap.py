"""How far an earlier ring and a group of today overlap: in members and in rare entities, the faded counting less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphs import best_assignment

ENTITY_TRUST = 0.9  # things pass from hand to hand more easily than accounts do
ENOUGH = 2.0  # weight of shared things from which they count in full: one card that three accounts have to themselves
MAJORITY = 0.5


_NONE = pd.DataFrame({"old": pd.Series(dtype="str"), "new": pd.Series(dtype="int64")} | {
    name: pd.Series(dtype="float64") for name in ("weighted", "common", "jaccard", "share_old", "share_new")
})  # fmt: skip


@dataclass(frozen=True)
class Groups:
    """Groups in long form: `members` (group, item, weight) and `things` (group, item, weight), each item once a group.

    A weight is in (0, 1] for members (1 is fresh) and at least 0 for things (rarity).
    """

    members: pd.DataFrame
    things: pd.DataFrame


def overlaps(old: Groups, new: Groups, min_overlap: float) -> pd.DataFrame:
    """Pairs of an old and a new group that may be one ring: (old, new, overlap, gain, jaccard, share_old, share_new).

    `share_old` is the part of the old group's members that the new group has, `share_new` the part of the new group's
    that come from the old, `jaccard` the plain overlap of the two lists. `overlap` joins members and things, each
    weighted: 1 - (1 - members) * (1 - 0.9 things). A pair is kept from `min_overlap` on, or where the majority of
    either group's members lies in the other.

    `gain` is what the assignment adds up: the overlap, and 1 more where each side holds most of the other's members.
    No two pairs of a group can be so, and such a pair is one ring whatever things went to another.
    """
    members = _weighted(old.members, new.members)
    things = _weighted(old.things, new.things).copy()
    things["of_things"] = things["weighted"] * (things["common"] / ENOUGH).clip(upper=1.0)
    things = things[["old", "new", "of_things"]]
    pairs = members.merge(things, on=["old", "new"], how="outer")
    for column in ("weighted", "jaccard", "share_old", "share_new", "of_things"):
        pairs[column] = pairs[column].fillna(0.0)
    pairs["overlap"] = 1 - (1 - pairs["weighted"]) * (1 - ENTITY_TRUST * pairs["of_things"])
    majority = pairs[["share_old", "share_new"]].max(axis=1) >= MAJORITY
    pairs["gain"] = pairs["overlap"] + (pairs[["share_old", "share_new"]].min(axis=1) > MAJORITY)
    kept = pairs[(pairs["overlap"] >= min_overlap) | majority]
    columns = ["old", "new", "overlap", "gain", "jaccard", "share_old", "share_new"]
    return kept[columns].sort_values(["old", "new"]).reset_index(drop=True)


def _weighted(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Weighted and plain Jaccard of all pairs of groups that have an item in common, and the weight that is common."""
    both = old.merge(new, on="item", suffixes=("_old", "_new"))
    if both.empty:
        return _NONE
    # an item that both have counts as it does today: what is seen again has not faded
    grouped = both.groupby(["group_old", "group_new"], sort=True)
    pairs = grouped.agg(n=("item", "size"), fresh=("weight_new", "sum"), stale=("weight_old", "sum")).reset_index()
    pairs = pairs.rename(columns={"group_old": "old", "group_new": "new"})
    n_old, n_new = pairs["old"].map(old.groupby("group").size()), pairs["new"].map(new.groupby("group").size())
    old_rest = pairs["old"].map(old.groupby("group")["weight"].sum()) - pairs["stale"]
    new_rest = pairs["new"].map(new.groupby("group")["weight"].sum()) - pairs["fresh"]
    union = pairs["fresh"] + old_rest.clip(lower=0) + new_rest.clip(lower=0)
    pairs["weighted"] = np.where(union > 0, pairs["fresh"] / union.where(union > 0, 1.0), 0.0)
    pairs["jaccard"] = pairs["n"] / (n_old + n_new - pairs["n"])
    pairs["share_old"], pairs["share_new"] = pairs["n"] / n_old, pairs["n"] / n_new
    pairs["common"] = pairs["fresh"]
    return pairs[["old", "new", "weighted", "common", "jaccard", "share_old", "share_new"]]


def assign(pairs: pd.DataFrame) -> dict[str, int]:
    """The best assignment: each old group to at most one new group, so that the sum of `gain` is greatest.

    Returns old -> new.
    """
    if pairs.empty:
        return {}
    olds, old = np.unique(pairs["old"].to_numpy(object).astype(str), return_inverse=True)
    news, new = np.unique(pairs["new"].to_numpy(np.int64), return_inverse=True)
    chosen = best_assignment(old, new, pairs["gain"].to_numpy(float), olds.size, news.size)
    return {str(olds[o]): int(news[n]) for o, n in zip(old[chosen], new[chosen], strict=True)}
