"""Lay out what ties each ring together: members, shared things, pairs, hours, requests, and what pictures need.

Grain in: candidates with their lasting names, the bipartite graph, sightings and hours by account. Grain out: the
tables of the contract that describe rings. Pairs are made inside a ring only, so `links` cannot grow with a hub.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from pipeline.accused import MEMBERSHIP, innermost, is_flagged, with_pools
from pipeline.link_types import link_types
from pipeline.period import Period
from pipeline.settings import Settings
from pipeline.stages.evidence.hours import hours
from pipeline.stages.evidence.links import ring_links
from pipeline.stages.evidence.pictures import layout, ring_groups
from pipeline.stages.evidence.provenance import Sources, provenance, wanted_ties
from pipeline.stages.evidence.ties import ring_ties
from pipeline.workbench import Workbench


@dataclass(frozen=True)
class Evidence:
    """What the stage writes, a table a field."""

    members: pd.DataFrame
    evidence: pd.DataFrame
    score_parts: pd.DataFrame
    explanations: pd.DataFrame
    incidence: pd.DataFrame
    links: pd.DataFrame
    activity: pa.Table
    ring_hours: pa.Table
    ring_groups: pd.DataFrame
    daily: pa.Table
    provenance: pa.Table
    layout: pd.DataFrame
    counts: dict[str, int]


def make(
    ring_ids: pd.DataFrame,
    candidates: pd.DataFrame,
    candidate_members: pd.DataFrame,
    candidate_parts: pd.DataFrame,
    candidate_explanations: pd.DataFrame,
    incidence_bits: pd.DataFrame,
    entities: pd.DataFrame,
    sightings: list[str],
    account_hours: list[str],
    account_traits: pd.DataFrame,
    clean_events: list[str],
    template_events: list[str],
    *,
    settings: Settings,
    period: Period,
    bench: Workbench,
) -> Evidence:
    """Every table that describes rings; `candidate` numbers give way to ring ids here."""
    types = {t.name: t for t in link_types(settings.link_types)}
    names = ring_ids.set_index("candidate")["ring_id"]
    inner = innermost(candidate_members, candidates)
    found = ring_ties(with_pools(inner, candidates), incidence_bits, entities, types)
    ties = _named(found.of_rings, names).groupby("ring_id", sort=True).head(settings.evidence.entities_per_ring)
    of_accounts = _named(found.of_accounts, names)
    members = _members(_named(inner, names), account_traits, period)
    own = members[["ring_id", "account_id", "membership"]]
    when = hours(account_hours, _accused(own, ring_ids, candidates, settings), bench)
    wanted = wanted_ties(ties, of_accounts, own, settings.evidence.provenance_entities)
    sources = Sources(sightings, clean_events, template_events)
    return Evidence(
        members=members,
        evidence=ties.drop(columns=["family", "n_accounts", "global_bits", "counts", "ring_size"]),
        score_parts=_named(candidate_parts, names),
        explanations=_named(candidate_explanations, names),
        incidence=_incidence(incidence_bits, own),
        links=ring_links(of_accounts, own, list(types), settings.evidence.links_per_account),
        activity=when.activity,
        ring_hours=when.ring_hours,
        ring_groups=ring_groups(ties, of_accounts, own),
        daily=when.daily,
        provenance=provenance(wanted, sources, types, settings.evidence.request_ids, bench),
        layout=layout(ties, of_accounts, own),
        counts={"entities_beyond_the_list": len(found.of_rings) - len(ties)},
    )


def _named(table: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """A table by candidate as a table by ring."""
    kept = table[table["candidate"].isin(names.index)]
    named = kept.assign(ring_id=kept["candidate"].map(names)).drop(columns="candidate")
    return named[["ring_id", *(c for c in named.columns if c != "ring_id")]]


def _members(members: pd.DataFrame, traits: pd.DataFrame, period: Period) -> pd.DataFrame:
    about = traits[["account_id", "n_events", "first_seen", "last_seen", "created_at", "status", "first_paid"]]
    table = members.merge(about, on="account_id", how="left")
    table["n_events"] = table["n_events"].fillna(0).astype("int64")
    paid = pd.to_datetime(table["first_paid"], utc=True)
    table["payer_days"] = (pd.Timestamp(period.until) - paid).dt.total_seconds() / 86_400
    return table.drop(columns="first_paid").sort_values(["ring_id", "account_id"]).reset_index(drop=True)


def _accused(own: pd.DataFrame, ring_ids: pd.DataFrame, candidates: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """(ring_id, account_id, accused): accused accounts are the sure members of flagged rings."""
    rings = candidates.merge(ring_ids, on="candidate")
    flagged = set(rings.loc[is_flagged(rings, settings.scores), "ring_id"])
    accused = own["ring_id"].isin(flagged) & (own["membership"] >= MEMBERSHIP)
    return own[["ring_id", "account_id"]].assign(accused=accused)


def _incidence(incidence_bits: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    ring_of = own.set_index("account_id")["ring_id"]
    table = incidence_bits.drop(columns="n_days", errors="ignore")
    return table.assign(ring_id=table["account_id"].map(ring_of))
