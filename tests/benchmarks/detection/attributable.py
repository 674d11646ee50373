"""Which flagged rings indicators give enough to be named by."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.link_types import link_types
from pipeline.run.unfinished import Unfinished
from pipeline.stages.attribution.ledger import FAMILY_OF
from pipeline.stages.attribution.touches import Platform, numbered, touches
from tests.benchmarks.detection.ground import RULES
from tests.support.frames import PlainBench

_SURE = 0.5  # confidence that an indicator must have
_FAMILIES = 2  # of indicators that must agree


def touched(run: Unfinished, scratch: Path) -> pd.DataFrame:
    """Valid indicators that touch members of rings: (ring_id, indicator, operator, family, confidence)."""
    small = ("members", "account_traits", "templates", "clean_ip_ranges", "clean_indicators")
    members, traits, templates, ranges, told = (pd.read_parquet(run.path(name)) for name in small)
    indicators = numbered(told)
    if indicators.empty or members.empty:
        return pd.DataFrame({c: [] for c in ("ring_id", "indicator", "operator", "family", "confidence")})
    wide = (sorted(str(p) for p in run.path(name).glob("*.parquet")) for name in ("sightings", "clean_events"))
    found = touches(indicators, members, Platform(*wide, traits, templates, ranges, link_types(RULES.link_types)),
        PlainBench(str(scratch)))  # fmt: skip
    rows = found.pairs.merge(members[["ring_id", "account_id"]], on="account_id")
    rows = rows.merge(indicators[["operator", "entity_type", "confidence"]], left_on="indicator", right_index=True)
    rows["family"] = rows["entity_type"].map(FAMILY_OF).fillna(rows["entity_type"])
    return rows[["ring_id", "indicator", "operator", "family", "confidence"]].drop_duplicates(ignore_index=True)


def attributable(touched: pd.DataFrame, rings: pd.DataFrame) -> pd.Series:
    """Whether each ring is touched by indicators of its true operator, of two families, each of confidence 0.5 or more.

    `rings`: (ring_id, true_operator).
    """
    true = touched["ring_id"].map(rings.set_index("ring_id")["true_operator"])
    right = touched[(touched["operator"] == true) & (touched["confidence"] >= _SURE)]
    n = right.groupby("ring_id")["family"].nunique()
    return rings["ring_id"].map(n).fillna(0).ge(_FAMILIES)
