"""What becomes of rings from run to run: who keeps an id, who gets a new one, and the word for each change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.stages.registry.overlap import Groups, assign, overlaps

Row = tuple[str, str | None, str, float]  # ring_id, previous_ring_id, change, jaccard


@dataclass(frozen=True)
class Rules:
    """From the settings: overlap from which a ring continues, change of size from which it grew or shrank."""

    min_overlap: float
    grew: float


@dataclass(frozen=True)
class Past:
    """Earlier rings: of the previous run (`active`), gone or merged before (`sleeping`), and every id ever given."""

    active: Groups
    sleeping: Groups
    known: frozenset[str]


@dataclass(frozen=True)
class Lifelines:
    """`names`: group -> ring id. `history`: rows of ring_history. `ended`: id -> what became of it, merged or gone."""

    names: dict[int, str]
    history: list[Row]
    ended: dict[str, str]


def lifelines(past: Past, new: Groups, pinned: dict[str, int], seed: str, rules: Rules) -> Lifelines:
    """Names for today's groups.

    Pinned ids come first, then the best assignment of the previous run's rings, then rings that slept; what is left is
    new: split off where most of it comes from a living ring, else born. `pinned`: ring id -> group. `seed`: text that
    makes new ids differ from run to run.
    """
    pairs = overlaps(past.active, new, rules.min_overlap)
    names = {group: ring for ring, group in pinned.items()}
    names |= _assigned(pairs, names)
    asleep = overlaps(past.sleeping, new, rules.min_overlap)
    names |= _assigned(asleep, names)
    sizes = new.members.groupby("group").size()
    size_of = dict(zip(sizes.index.tolist(), sizes.tolist(), strict=True))
    before = past.active.members.groupby("group").size()
    old_sizes = dict(zip(before.index.tolist(), before.tolist(), strict=True))
    history = [_kept(ring, group, old_sizes, size_of, pairs, asleep, rules) for group, ring in names.items()]
    parents = _best(pairs[~pairs["new"].isin(set(names))], "new", "old")
    taken = past.known | set(names.values())
    for group in sorted(set(size_of) - set(names)):
        ring = new_id(new.members.loc[new.members["group"] == group, "item"].tolist(), seed, taken)
        taken = taken | {ring}
        names[group] = ring
        parent = parents.get(group)
        split = (ring, str(parent), "split", _jaccard(pairs, parent, group))
        history.append(split if parent is not None else (ring, None, "born", 0.0))
    lost = set(old_sizes) - set(names.values())
    heirs = _best(pairs[pairs["old"].isin(lost)], "old", "new")
    history += [(names[int(g)], str(r), "merged", _jaccard(pairs, r, g)) for r, g in heirs.items()]
    history += [(ring, ring, "gone", 0.0) for ring in lost - set(heirs)]
    ended = {ring: "merged" if ring in heirs else "gone" for ring in lost}
    return Lifelines(names, sorted(history, key=lambda row: (row[0], row[1] or "", row[2])), ended)


def _assigned(pairs: pd.DataFrame, names: dict[int, str]) -> dict[int, str]:
    free = pairs[~pairs["new"].isin(set(names)) & ~pairs["old"].isin(set(names.values()))]
    return {group: ring for ring, group in assign(free).items()}


def _kept(
    ring: str, group: int, old_sizes: dict[str, int], sizes: dict[int, int], pairs: pd.DataFrame, asleep: pd.DataFrame,
    rules: Rules,
) -> Row:  # fmt: skip
    """The row of a ring that keeps its id: revived where it slept, else by its change of size."""
    if ring not in old_sizes:
        return ring, ring, "revived", _jaccard(asleep, ring, group)
    before, now = old_sizes[ring], sizes.get(group, 0)
    change = "continued"
    if abs(now - before) > rules.grew * before:
        change = "grew" if now > before else "shrank"
    return ring, ring, change, _jaccard(pairs, ring, group)


def _best(pairs: pd.DataFrame, key: str, value: str) -> dict[Any, Any]:
    """For each `key` the `value` with the greatest overlap, the smallest among equals."""
    ordered = pairs.sort_values([key, "overlap", value], ascending=[True, False, True]).drop_duplicates(key)
    return dict(zip(ordered[key].tolist(), ordered[value].tolist(), strict=True))


def _jaccard(pairs: pd.DataFrame, old: object, new: object) -> float:
    row = pairs.loc[(pairs["old"] == old) & (pairs["new"] == new), "jaccard"]
    return float(row.iloc[0]) if len(row) else 0.0


def new_id(accounts: list[str], seed: str, taken: frozenset[str] | set[str]) -> str:
    """An id never given before: R- and six or more hex digits of the digest of the seed and the members."""
    digest = hashlib.sha256("\x1f".join([seed, *sorted(accounts)]).encode()).hexdigest().upper()
    for length in range(6, len(digest)):
        name = f"R-{digest[:length]}"
        if name not in taken:
            return name
    raise ValueError("the members of a new ring were named twice in one run")
