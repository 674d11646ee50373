"""Weigh who operates each ring: named operators, a shared vendor, planted indicators, and always `unknown`.

Grain in: members of rings, indicators, and where the things that they name were seen. Grain out: one row a ring and
hypothesis; the probabilities of a ring sum to one. Wrong and planted indicators are always among the right ones, so
one family of indicators never names anybody; two that agree do.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.link_types import link_types
from pipeline.settings import Settings
from pipeline.stages.attribution.ledger import FAMILY_OF, Priors, hypotheses, weigh
from pipeline.stages.attribution.touches import Platform, numbered, touches
from pipeline.workbench import Workbench


@dataclass(frozen=True)
class Attribution:
    """What the stage writes."""

    attribution: pd.DataFrame
    counts: dict[str, int]


def make(
    members: pd.DataFrame,
    evidence: pd.DataFrame,
    sightings: list[str],
    clean_events: list[str],
    account_traits: pd.DataFrame,
    templates: pd.DataFrame,
    clean_ip_ranges: pd.DataFrame,
    clean_indicators: pd.DataFrame,
    *,
    settings: Settings,
    bench: Workbench,
) -> Attribution:
    """The ledger of every ring that evidence speaks of."""
    rings = sorted(set(evidence["ring_id"]) | set(members["ring_id"]))
    priors = Priors(settings.attribution.prior_named, settings.attribution.prior_false_flag)
    indicators = numbered(clean_indicators)
    if indicators.empty or not rings:
        return Attribution(hypotheses(pd.DataFrame(), rings, priors), {"indicators_touching": 0})
    types = link_types(settings.link_types)
    platform = Platform(sightings, clean_events, account_traits, templates, clean_ip_ranges, types)
    found = touches(indicators, members, platform, bench)
    about = indicators[["operator", "entity_type", "confidence"]]
    touched = found.pairs.merge(about, left_on="indicator", right_index=True)
    touched["family"] = touched["entity_type"].map(FAMILY_OF).fillna(touched["entity_type"])
    touched = touched.merge(members[["ring_id", "account_id"]], on="account_id")
    lines = weigh(touched, members, found.n_accounts, len(account_traits))
    counts = {"indicators_touching": int(lines["indicator"].nunique()) if len(lines) else 0}
    return Attribution(hypotheses(lines, rings, priors), counts)
