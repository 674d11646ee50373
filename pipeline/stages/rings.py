"""Assemble the rings: one row each, with the rule for flags applied and the reason said in one plain sentence.

Nothing is computed here that an earlier stage could have said. Values written by strangers never stand in a reason.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.accused import is_flagged
from pipeline.link_types import link_types
from pipeline.naming import named_hypotheses, names_given
from pipeline.schemas import TABLES
from pipeline.settings import Settings
from pipeline.words import KIND_WORDS, PART_WORDS, THING_WORDS, confidence, counted, listed

LEAST_BITS = 1.0  # what a part must add to be spoken of


@dataclass(frozen=True)
class Rings:
    """What the stage writes."""

    rings: pd.DataFrame


def make(
    ring_ids: pd.DataFrame,
    candidates: pd.DataFrame,
    members: pd.DataFrame,
    evidence: pd.DataFrame,
    score_parts: pd.DataFrame,
    attribution: pd.DataFrame,
    operator_ids: pd.DataFrame,
    *,
    settings: Settings,
) -> Rings:
    """One row a candidate that has a lasting name."""
    rings = candidates.merge(ring_ids, on="candidate", how="inner")
    names = dict(zip(ring_ids["candidate"], ring_ids["ring_id"], strict=True))
    rings["parent_ring_id"] = rings["parent"].map(names)
    by_ring = members.groupby("ring_id")
    own = by_ring.agg(
        size=("account_id", "size"), n_events=("n_events", "sum"), first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )  # fmt: skip
    rings = rings.merge(own, left_on="ring_id", right_index=True, how="left")
    for column in ("size", "n_events"):
        rings[column] = rings[column].fillna(0).astype("int64")
    rings["flagged"] = is_flagged(rings, settings.scores)
    rings = rings.merge(_operators(attribution, settings.attribution.naming_level), on="ring_id", how="left")
    rings = rings.merge(operator_ids, on="ring_id", how="left")
    for column in ("operator", "operator_id"):  # what is no operation has no operator
        rings[column] = rings[column].where(rings["kind"] == "coordinated")
    families = _family_bits(evidence, settings)
    said = [
        confidence(families.get(ring, []), stability, q).level
        for ring, stability, q in zip(rings["ring_id"], rings["stability"], rings["q_value"], strict=True)
    ]
    rings["confidence"] = pd.Series(said, index=rings.index, dtype="str")
    rings["reason"] = _reasons(rings, evidence, score_parts)
    return Rings(rings.sort_values("ring_id").reset_index(drop=True)[TABLES["rings"].names])


def _operators(attribution: pd.DataFrame, level: float) -> pd.DataFrame:
    """(ring_id, operator, operator_probability): the best named hypothesis, named where it ranks first at the level."""
    best = named_hypotheses(attribution).sort_values(["ring_id", "rank"]).drop_duplicates("ring_id")
    names = names_given(attribution, level)
    operator = best["ring_id"].map(names).astype("str").where(best["ring_id"].isin(names))
    return pd.DataFrame({"ring_id": best["ring_id"], "operator": operator, "operator_probability": best["probability"]})


def _family_bits(evidence: pd.DataFrame, settings: Settings) -> dict[str, list[float]]:
    """Counted bits of each family of evidence, by ring."""
    family = {t.name: t.family for t in link_types(settings.link_types)}
    rows = evidence.assign(family=evidence["entity_type"].map(family).fillna(evidence["entity_type"]))
    summed = rows.groupby(["ring_id", "family"])["bits_counted"].sum().reset_index()
    return {str(ring): part["bits_counted"].tolist() for ring, part in summed.groupby("ring_id")}


def _reasons(rings: pd.DataFrame, evidence: pd.DataFrame, score_parts: pd.DataFrame) -> pd.Series:
    shared = {str(ring): part for ring, part in evidence.groupby("ring_id")}
    parts = {str(ring): part for ring, part in score_parts.groupby("ring_id")}
    sentences = [
        reason(row, shared.get(str(row["ring_id"])), parts.get(str(row["ring_id"]))) for row in rings.to_dict("records")
    ]
    return pd.Series(sentences, index=rings.index, dtype="str")


def reason(ring: dict[Hashable, Any], evidence: pd.DataFrame | None, parts: pd.DataFrame | None) -> str:
    """One plain sentence: what the accounts share, what they do, how it is best explained, and what has changed.

    Counts are exact; only words for link types, classes, parts and kinds stand in it, never a value.
    """
    size = int(ring["size"])
    things = listed(_shared_things(evidence, size)) or "share no rare thing"
    tail = [f"best explained as {KIND_WORDS.get(str(ring['kind']), _plain(str(ring['kind'])))}"]
    doings = listed(_doings(parts))
    if doings:
        tail.insert(0, f"they {doings}")
    if not pd.isna(ring["joined_since"]):
        changed = bool(pd.isna(ring["suppressed_by"]))
        new_types = ring["new_types"]
        names = [] if new_types is None else [str(name) for name in new_types]
        tail.append(_since_dismissed(int(ring["joined_since"]), names, changed))
    # a pool's things are counted over its inner rings too, and may have more accounts than the pool itself
    pool = evidence is not None and bool((evidence["n_accounts_in_ring"] > size).any())
    who = f"{counted(size, 'account')}{' and those of the rings within' if pool else ''}"
    return f"Of {who}, {things}; {'; '.join(tail)}."


def _since_dismissed(joined: int, new_types: list[str], changed: bool) -> str:
    if not changed:
        return "dismissed by an analyst and not changed since"
    news = [f"{counted(joined, 'account')} joined"] if joined else []
    news += [f"{listed([_plain(t) for t in new_types])} came to tie it"] if new_types else []
    return f"dismissed before, but since then {listed(news)}"


def _doings(parts: pd.DataFrame | None) -> list[str]:
    """What the accounts do, by the two parts of the score that speak most for it."""
    if parts is None:
        return []
    signs = parts[parts["part"].isin(list(PART_WORDS)) & (parts["bits"] >= LEAST_BITS)]
    signs = signs.sort_values(["bits", "part"], ascending=[False, True]).head(2)
    return [PART_WORDS[str(name)] for name in signs["part"]]


def _shared_things(evidence: pd.DataFrame | None, size: int) -> list[str]:
    """The sorts of things that count most, each by the one thing that most accounts have: "26 share a template"."""
    if evidence is None or not len(evidence):
        return []
    shared = evidence[evidence["n_accounts_in_ring"] >= 2]
    named = shared.assign(sort=[_thing(c, t) for c, t in zip(shared["class"], shared["entity_type"], strict=True)])
    table = named.groupby("sort", sort=True).agg(
        bits=("bits_counted", "sum"), most=("n_accounts_in_ring", "max"), n=("entity", "size")
    )
    table = table.reset_index().sort_values(["bits", "sort"], ascending=[False, True]).head(3)
    said = []
    for place, (sort, most, n) in enumerate(zip(table["sort"], table["most"], table["n"], strict=True)):
        who = "all" if most == size else f"{int(most):,}"
        more = f" (one of {int(n):,})" if n > 1 else ""
        said.append(f"{who}{' share' if place == 0 else ''} {sort}{more}")
    return said


def _thing(name: object, entity_type: object) -> str:
    """What a shared thing is called: by its class, else by its link type."""
    return THING_WORDS.get(str(name)) or f"one {_plain(str(entity_type))}"


def _plain(word: str) -> str:
    """A name from the settings as words; anything but letters, digits and blanks is left out."""
    return "".join(c for c in word.replace("_", " ") if c.isalnum() or c in " -")
