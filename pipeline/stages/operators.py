"""Find the rings of one operator, also where nobody can be named, by what ties rings to each other and to nobody else.

Grain in: coordinated rings, the bipartite graph with ring ids, the ledger of operators. Grain out: one row a
coordinated ring with its operator's lasting name. What many share (proxies, card vendors, public texts) joins nobody:
what the accounts outside both rings have counts against it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphs.ties import outside_bits
from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE, link_types
from pipeline.naming import names_given
from pipeline.schemas.inputs import RESERVED_PREFIX
from pipeline.settings import Settings

ENTITY = ["entity_type", "entity"]
MOST_RINGS = 40  # a thing found in more rings than this is a vendor's
RENTED_BITS = 5.0  # what one family of rented things (addresses, cards) can say at most of two rings
OWN_USE = 0.5  # share of the rings' use of a rented family that must be theirs alone before it says anything
FULL_REACH = 0.25  # share of each ring's accounts that must have a thing for it to count in full
LEAST_ACCOUNTS = 2  # accounts of each ring that must have a rented thing


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
    pairs = ring_pairs(incidence, members, entities, rings, settings)
    names = names_given(attribution, settings.attribution.naming_level)
    group = _grouped(rings, pairs[pairs["bits"] >= settings.operators.min_bits], names)
    before = _before(previous_rings)
    return Operators(pd.DataFrame({"ring_id": rings, "operator_id": _ids(rings, group, names, before)}))


def ring_pairs(
    incidence: pd.DataFrame, members: pd.DataFrame, entities: pd.DataFrame, rings: list[str], settings: Settings
) -> pd.DataFrame:
    """(a, b, bits): evidence that two rings have one operator, with rarity measured outside both.

    A family counts its strongest thing. Rented families (addresses, cards) count at most 5 bits, only things that two
    accounts of each ring have, and nothing where most of what the rings use there is used by others too.
    """
    inside = incidence[incidence["ring_id"].isin(rings)]
    n = inside.groupby([*ENTITY, "ring_id"], sort=True).size().rename("n").reset_index()
    spread = n.groupby(ENTITY)["ring_id"].transform("size")
    n = n[(spread >= 2) & (spread <= MOST_RINGS)].merge(
        entities[[*ENTITY, "n_accounts", "bits", "counts", "family"]], on=ENTITY
    )
    both = n.merge(n[[*ENTITY, "ring_id", "n"]], on=ENTITY, suffixes=("_a", "_b"))
    both = both[both["ring_id_a"] < both["ring_id_b"]].reset_index(drop=True)
    if both.empty:
        return pd.DataFrame({"a": [], "b": [], "bits": []})
    types = {t.name: t for t in link_types(settings.link_types)}
    cap = both["entity_type"].map({k: t.cap_bits for k, t in types.items()}).fillna(12.0).to_numpy(float)
    held = (both["n_a"] + both["n_b"]).to_numpy(np.int64)
    total = np.maximum(both["n_accounts"].to_numpy(np.int64), held)
    bits, counts = both["bits"].to_numpy(np.float64), both["counts"].to_numpy(np.float64)
    size = members.groupby("ring_id").size()
    reach = np.minimum(
        both["n_a"] / both["ring_id_a"].map(size), both["n_b"] / both["ring_id_b"].map(size)
    ).to_numpy(float)
    # what others have too loses in proportion, and so does what only a few of either ring have
    weight = held / total * np.clip(reach / FULL_REACH, 0.0, 1.0)
    both["value"] = outside_bits(bits, counts, np.asarray(cap, dtype=np.float64), total, held) * weight
    rented_types = {*ADDRESS_TYPES, PAYMENT_TYPE}
    both["rented"] = both["entity_type"].isin(rented_types)
    few = both[["n_a", "n_b"]].min(axis=1) < LEAST_ACCOUNTS
    both.loc[both["rented"] & few, "value"] = 0.0
    own = both.groupby(["ring_id_a", "ring_id_b", "family"], sort=True).agg(
        value=("value", "max"), theirs=("n_a", "sum"), rented=("rented", "max")
    )
    table = own.reset_index()
    use = _use_by_others(incidence, entities, inside)
    others = table.merge(use, left_on=["ring_id_a", "family"], right_on=["ring_id", "family"], how="left")["others"]
    alone = table["theirs"] / (table["theirs"] + others.fillna(0.0).to_numpy())
    quiet = table["rented"] & (alone < OWN_USE)
    table["value"] = table["value"].where(~table["rented"], table["value"].clip(upper=RENTED_BITS)).mask(quiet, 0.0)
    summed = table.groupby(["ring_id_a", "ring_id_b"], sort=True)["value"].sum().reset_index()
    return summed.set_axis(["a", "b", "bits"], axis=1)


def _use_by_others(incidence: pd.DataFrame, entities: pd.DataFrame, inside: pd.DataFrame) -> pd.DataFrame:
    """(ring_id, family, others): how far each ring's things of a family are used by accounts outside rings."""
    outside = incidence[incidence["ring_id"].isna()].groupby(ENTITY).size().rename("n_out").reset_index()
    held = inside.groupby([*ENTITY, "ring_id"]).size().rename("n").reset_index()
    table = held.merge(outside, on=ENTITY).merge(entities[[*ENTITY, "family"]], on=ENTITY)
    table["others"] = table[["n", "n_out"]].min(axis=1)
    return table.groupby(["ring_id", "family"])["others"].sum().reset_index()


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
