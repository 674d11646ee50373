"""Which figures a run has: overview, one set an operation, one map an operator of several rings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline import words
from pipeline.accused import MEMBERSHIP
from pipeline.exports.figures import (
    funnel,
    operator_map,
    replacement,
    ring_groups,
    ring_picture,
    scores,
    synchrony,
    synchrony_few,
    timeline,
    volume,
    waterfall,
)
from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.tables import RunTables, Tables, threshold_of
from pipeline.exports.trace import Source, name_of


@dataclass(frozen=True)
class Overview:
    """The figures of the whole window."""

    campaigns: Sheet
    scores: Sheet
    funnel: Sheet


@dataclass(frozen=True)
class Operation:
    """The figures of one ring."""

    ring: Sheet
    volume: Sheet
    synchrony: Sheet
    waterfall: Sheet
    replacement: Sheet

    def __iter__(self) -> Iterator[Sheet]:
        return iter((self.ring, self.volume, self.synchrony, self.waterfall, self.replacement))


def flagged_rings(tables: Tables) -> pd.DataFrame:
    """Flagged rings, strongest first."""
    rings = tables.table("rings")
    return rings[rings["flagged"]].sort_values(
        ["score_bits", "size", "ring_id"], ascending=[False, False, True], ignore_index=True
    )


def overview(tables: Tables, frame: Frame, held: pd.DataFrame | None = None, basis: str = "") -> Overview:
    """Figures of the whole window; `held` are judged rings from `basis`, for the calibration."""
    rings = tables.table("rings")
    flagged = rings[rings["flagged"]]
    hours = tables.table("ring_hours", flagged["ring_id"].tolist())
    return Overview(
        timeline.sheet(rings, hours, frame, _said(flagged)),
        scores.sheet(rings, threshold_of(tables.manifest), frame, held, basis),
        funnel.sheet(steps(tables), frame),
    )


def _said(flagged: pd.DataFrame) -> dict[str, str]:
    """The word of likelihood that stands after each operator's name."""
    named = flagged[flagged["operator"].notna()]
    least = named.groupby("operator_id")["operator_probability"].min()
    return {str(o): words.term(float(p)) for o, p in least.items()}


def steps(tables: Tables) -> list[tuple[str, int, Source]]:
    """Rows of the funnel: accounts in the window, sharing something, in reported rings, accused."""
    members, rings = tables.table("members"), tables.table("rings")
    if tables.k > 1:
        return _steps_told(tables, rings)
    flagged = set(rings.loc[rings["flagged"], "ring_id"])
    accused = members[members["ring_id"].isin(flagged) & (members["membership"] >= MEMBERSHIP)]
    found: list[tuple[str, int, Source]] = []
    everybody = accounts_in_window(tables.manifest)
    if everybody is not None:
        found.append(("accounts in the window", everybody[0], Source("value", "manifest", everybody[1])))
    if isinstance(tables, RunTables):
        sharing = tables.distinct("incidence", "account_id")
        if sharing >= len(members):
            found.append(("share something that counts", sharing, Source("distinct", "incidence", "account_id")))
    found.append(("in reported rings", len(members), Source("count", "members")))
    found.append(("accused: in flagged rings", len(accused), Source("accused", "members")))
    return found


def _steps_told(tables: Tables, rings: pd.DataFrame) -> list[tuple[str, int, Source]]:
    """The same for an audience with a smallest cell: whole rings only, so that no row differs from the next by few."""
    everybody = accounts_in_window(tables.manifest)
    inner = rings[rings["parent_ring_id"].isna()]
    reported, flagged = int(inner["size"].sum()), int(rings.loc[rings["flagged"], "size"].sum())
    found = [("accounts in the window", everybody[0], Source("value", "manifest", everybody[1]))] if everybody else []
    found.append(("in reported rings", reported, Source("sum", "rings", "size", (("parent_ring_id", "=", "null"),))))
    found.append(("in flagged rings", flagged, Source("sum", "rings", "size", (("flagged", "=", "true"),))))
    return found


def accounts_in_window(manifest: dict[str, Any]) -> tuple[int, str] | None:
    """Accounts of the window and where the manifest says so; None where it does not."""
    n = manifest.get("stages", {}).get("sightings", {}).get("rows_out", {}).get("account_traits")
    return (int(n), "stages.sightings.rows_out.account_traits") if n else None


def operation(
    tables: Tables, ring: pd.Series, frame: Frame, lists: list[tuple[pd.Timestamp, str]] | None = None
) -> Operation:
    """Figures of one ring; `lists` are days on which enforcement lists of it were approved, with words."""
    rings = tables.table("rings")
    ring_id = str(ring.ring_id)
    other = synchrony.reference(ring, rings)
    pair = [ring_id] + ([str(other.ring_id)] if other is not None else [])
    hours, evidence, members = (
        tables.table("ring_hours", pair),
        tables.table("evidence", [ring_id]),
        tables.table("members", [ring_id]),
    )
    own = hours[hours["ring_id"] == ring_id]
    alone = rings[rings["ring_id"] == ring_id]
    return Operation(
        picture(tables, ring, members, evidence, frame),
        volume.sheet(f"f3-volume-{ring_id}", ring_id, alone, own, tables.table("daily"), frame),
        rhythm(tables, ring, other, hours, frame),
        waterfall.sheet(ring, tables.table("score_parts", [ring_id]), rings, frame),
        replacement.sheet(f"f8-came-and-went-{ring_id}", ring_id, members, frame, lists),
    )


def rhythm(tables: Tables, ring: pd.Series, other: pd.Series | None, hours: pd.DataFrame, frame: Frame) -> Sheet:
    """F4: hours by days, or a row an account for the smallest rings inside the house."""
    if int(ring["size"]) < synchrony_few.FEW and frame.k <= 1:
        return synchrony_few.sheet(ring, tables.table("activity", [str(ring.ring_id)]), frame)
    return synchrony.sheet(ring, other, hours, frame)


def picture(tables: Tables, ring: pd.Series, members: pd.DataFrame, evidence: pd.DataFrame, frame: Frame) -> Sheet:
    """F1: the picture for small rings inside the house, groups for all others."""
    ring_id = str(ring.ring_id)
    if len(members) <= ring_picture.MOST_ACCOUNTS and frame.k <= 1:
        return ring_picture.sheet(
            ring, members, evidence, tables.table("incidence", [ring_id]), tables.table("layout", [ring_id]), frame
        )
    return ring_groups.sheet(ring, tables.table("ring_groups", [ring_id]), evidence, frame)


def operators(tables: Tables, frame: Frame, most: int = 12) -> list[Sheet]:
    """F2 for the operators of two or more flagged rings with the most accounts."""
    rings = flagged_rings(tables)
    several = [(-int(g["size"].sum()), str(o), g) for o, g in rings.groupby("operator_id") if len(g) > 1]
    made = []
    for _, operator, group in sorted(several, key=lambda one: one[:2])[:most]:
        ids = group["ring_id"].tolist()
        said = ""
        if group["operator"].notna().all():
            least = float(group["operator_probability"].min())
            said = words.it_is(least, f"{name_of(group['operator'].iloc[0])} operates them")
        sheet = operator_map.sheet(
            str(operator), group, tables.table("evidence", ids), tables.table("ring_hours", ids), frame, said
        )
        if sheet.drawn:
            made.append(sheet)
    return made
