"""Find the rings of one operator, also where nobody can be named, by what ties rings to each other and to nobody else.

Grain in: coordinated rings, the bipartite graph with ring ids, the ledger of operators. Grain out: one row a
coordinated ring with its operator's lasting name. What many share (proxies, card vendors, public texts) joins nobody:
what the accounts outside both rings have counts against it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.ties import outside_bits
from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE, link_types
from pipeline.naming import names_given
from pipeline.schemas.inputs import RESERVED_PREFIX
from pipeline.settings import Settings

ENTITY = ["entity_type", "entity"]
PAIR = ["ring_id_a", "ring_id_b"]
MOST_RINGS = 40  # a thing found in more rings than this is a vendor's
FULL_REACH = 0.25  # share of each ring's accounts that must have a thing for it to count in full
LEAST_ACCOUNTS = 2  # accounts of each ring that must have it: one alone may have come by it from elsewhere
CARD_BITS = 5.0  # cards are bought from vendors: alone they join no operators
USUAL_RINGS = 3  # that have a text in full without being one operator's: a kit sells to a few; each beyond tells more
LEAST_MET = 0.3  # of the accounts met at a ring's addresses or cards, the share that must be the other ring's


@dataclass(frozen=True)
class Operators:
    """What the stage writes."""

    operator_ids: pd.DataFrame


def make(
    attribution: pd.DataFrame,
    incidence: pd.DataFrame,
    members: pd.DataFrame,
    candidates: pd.DataFrame,
    ring_ids: pd.DataFrame,
    entities: pd.DataFrame,
    previous_rings: pd.DataFrame | None,
    *,
    settings: Settings,
) -> Operators:
    """Operator ids of the coordinated rings."""
    kinds = candidates.merge(ring_ids, on="candidate")
    rings = sorted(kinds.loc[kinds["kind"] == "coordinated", "ring_id"])
    if not rings:
        return Operators(pd.DataFrame({"ring_id": [], "operator_id": []}))
    names = names_given(attribution, settings.attribution.naming_level)
    pairs = ring_pairs(incidence, members, entities, rings, names, settings)
    group = _grouped(rings, pairs[pairs["bits"] >= settings.operators.min_bits], names)
    before = _before(previous_rings)
    return Operators(pd.DataFrame({"ring_id": rings, "operator_id": _ids(rings, group, names, before)}))


def ring_pairs(
    incidence: pd.DataFrame,
    members: pd.DataFrame,
    entities: pd.DataFrame,
    rings: list[str],
    names: dict[str, str],
    settings: Settings,
) -> pd.DataFrame:
    """(a, b, bits): evidence that two rings have one operator, with rarity measured outside both.

    A family counts its strongest thing, for as far as both rings have it and nobody else does. Addresses and cards are
    rented and bought: they count only as far as the accounts met there are the other ring's, cards 5 bits at most.
    A text that more rings have in full than buy one kit counts as often over, and a thing's bits at most. What rings of
    two named operators have is a vendor's, and counts nothing. `names`: ring -> operator named.
    """
    size = members.groupby("ring_id").size()
    held = _held(incidence, entities, rings, size)
    named = held["ring_id"].map(names)
    held = held[named.groupby([held["entity_type"], held["entity"]]).transform("nunique") <= 1]
    met = _met(held)
    spread = held.groupby(ENTITY)["ring_id"].transform("size")
    known = held[(spread >= 2) & (spread <= MOST_RINGS)]
    both = known.merge(known[[*ENTITY, "ring_id", "n", "reach"]], on=ENTITY, suffixes=("_a", "_b"))
    both = both[both["ring_id_a"] < both["ring_id_b"]].reset_index(drop=True)
    if both.empty:
        return pd.DataFrame({"a": [], "b": [], "bits": []})
    both["value"] = _value(both, settings)
    table = both.groupby([*PAIR, "family", "rented"], sort=True)["value"].max().reset_index()
    table = table.merge(met, on=[*PAIR, "family"], how="left")
    share = table["met"].fillna(0.0).where(table["met"] >= LEAST_MET, 0.0)
    table["value"] = table["value"].where(~table["rented"], table["value"] * share)
    cards = table["family"].isin({t.family for t in link_types() if t.name == PAYMENT_TYPE})
    table["value"] = table["value"].where(~cards, table["value"].clip(upper=CARD_BITS))
    summed = table.groupby(PAIR, sort=True)["value"].sum().reset_index()
    return summed.set_axis(["a", "b", "bits"], axis=1)


def _held(incidence: pd.DataFrame, entities: pd.DataFrame, rings: list[str], size: pd.Series) -> pd.DataFrame:
    """(entity_type, entity, ring_id, n) with what is known of the entity.

    `total`: accounts that have it anywhere; `reach`: share of the ring's accounts that have it; `rings`: how many have
    it in full, those that have it in part counted for as much.
    """
    inside = incidence[incidence["ring_id"].isin(rings)]
    n = inside.groupby([*ENTITY, "ring_id"], sort=True).size().rename("n").reset_index()
    table = n.merge(entities[[*ENTITY, "n_accounts", "bits", "counts", "family"]], on=ENTITY)
    table["reach"] = table["n"] / size.reindex(table["ring_id"]).to_numpy(float)
    in_full = table["reach"].clip(upper=FULL_REACH) / FULL_REACH * (table["n"] >= LEAST_ACCOUNTS)
    table["rings"] = in_full.groupby([table["entity_type"], table["entity"]]).transform("sum")
    in_rings = table.groupby(ENTITY)["n"].transform("sum")
    table["in_rings"] = in_rings
    table["total"] = table["n_accounts"].where(table["n_accounts"] >= in_rings, in_rings)
    table["rented"] = table["entity_type"].isin({*ADDRESS_TYPES, PAYMENT_TYPE})
    return table


def _met(held: pd.DataFrame) -> pd.DataFrame:
    """(ring_id_a, ring_id_b, family, met): of the accounts met at one ring's things, the share that is the other's.

    The smaller of both sides. What a pool's exits bring together with many others comes out near 0.
    """
    rented = held[held["rented"]]
    meetings = rented.assign(others=rented["n"] * (rented["total"] - rented["n"]))
    others = meetings.groupby(["ring_id", "family"])["others"].sum()
    columns = [*ENTITY, "ring_id", "n", "family"]
    both = rented[columns].merge(rented[[*ENTITY, "ring_id", "n"]], on=ENTITY, suffixes=("_a", "_b"))
    both = both[both["ring_id_a"] < both["ring_id_b"]]
    summed = both.assign(common=both["n_a"] * both["n_b"]).groupby([*PAIR, "family"])["common"].sum()
    table = summed.to_frame("common").reset_index()
    sides = []
    for ring in PAIR:
        keys = pd.MultiIndex.from_frame(table[[ring, "family"]])
        sides.append(table["common"].to_numpy(float) / others.reindex(keys).to_numpy(float))
    return table.assign(met=np.minimum(*sides) if len(table) else 0.0).drop(columns="common")


def _value(both: pd.DataFrame, settings: Settings) -> npt.NDArray[np.float64]:
    """Bits of each thing that two rings have: rarity outside, for as far as it is theirs and all of theirs.

    Texts and the like are not rented: there only accounts outside all coordinated rings are strangers, so that many
    satellites of one operator do not make its text common; nor do those of its accounts that were not found, where
    many rings have it in full. For addresses and cards other rings are strangers too.
    """
    caps = {t.name: t.cap_bits for t in link_types(settings.link_types)}
    cap = np.asarray(both["entity_type"].map(caps).fillna(12.0), dtype=np.float64)
    held = (both["n_a"] + both["n_b"]).where(both["rented"], both["in_rings"]).to_numpy(np.int64)
    total = both["total"].to_numpy(np.int64)
    bits, counts = (both[c].to_numpy(np.float64) for c in ("bits", "counts"))
    times = (both["rings"] - USUAL_RINGS).clip(lower=1.0).where(~both["rented"], 1.0).to_numpy(np.float64)
    rare = np.minimum(outside_bits(bits, counts, cap, total, held) * times, cap)
    reach = both[["reach_a", "reach_b"]].min(axis=1).clip(upper=FULL_REACH).to_numpy(np.float64) / FULL_REACH
    several = (both[["n_a", "n_b"]].min(axis=1) >= LEAST_ACCOUNTS).to_numpy()
    return np.asarray(rare * (held / total) * reach * several, dtype=np.float64)


def _grouped(rings: list[str], pairs: pd.DataFrame, names: dict[str, str]) -> dict[str, int]:
    """Rings joined by pairs, the strongest first; two rings named differently never come together."""
    group = {ring: i for i, ring in enumerate(rings)}
    name_of = {group[ring]: name for ring, name in names.items() if ring in group}
    ordered = pairs.sort_values(["bits", "a", "b"], ascending=[False, True, True])
    for a, b in zip(ordered["a"], ordered["b"], strict=True):
        left, right = group[a], group[b]
        if left == right:
            continue
        both = {name_of[g] for g in (left, right) if g in name_of}
        if len(both) > 1:
            continue
        group = {ring: left if g == right else g for ring, g in group.items()}
        if both:
            name_of[left] = both.pop()
    return group


def _before(previous: pd.DataFrame | None) -> dict[str, str]:
    """Ring -> the UNATTRIBUTED-... that it had in the previous run."""
    if previous is None or previous.empty:
        return {}
    had = previous[previous["operator_id"].notna()]
    had = had[had["operator_id"].str.startswith(RESERVED_PREFIX)]
    return dict(zip(had["ring_id"], had["operator_id"], strict=True))


def _ids(rings: list[str], group: dict[str, int], names: dict[str, str], before: dict[str, str]) -> list[str]:
    """The name of each ring's operator: the named one, else the id that most of its rings had, else a new one."""
    of_group: dict[int, list[str]] = {}
    for ring in rings:
        of_group.setdefault(group[ring], []).append(ring)
    chosen: dict[int, str] = {}
    for g, its in of_group.items():
        named = sorted({names[ring] for ring in its if ring in names})
        if named:
            chosen[g] = named[0]
    claims: dict[tuple[str, int], int] = {}
    for ring, old in before.items():
        if ring in group and group[ring] not in chosen:
            claims[old, group[ring]] = claims.get((old, group[ring]), 0) + 1
    taken: set[str] = set()
    for (old, g), _ in sorted(claims.items(), key=lambda item: (-item[1], item[0])):
        if g not in chosen and old not in taken:
            chosen[g] = old
            taken.add(old)
    used = set(before.values())
    for g, its in sorted(of_group.items(), key=lambda item: min(item[1])):
        if g not in chosen:
            chosen[g] = _new_id(min(its), used)
            used.add(chosen[g])
    return [chosen[group[ring]] for ring in rings]


def _new_id(ring: str, used: set[str]) -> str:
    digest = hashlib.sha256(ring.encode()).hexdigest().upper()
    for length in range(4, len(digest) + 1):
        name = f"{RESERVED_PREFIX}{digest[:length]}"
        if name not in used:
            return name
    raise ValueError("an operator was named twice in one run")
