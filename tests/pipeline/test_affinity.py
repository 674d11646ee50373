"""Features of pairs by hand, and what they add up to."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from graphs.forest import Forest
from pipeline.affinity import SIGNS, AffinityModel, affinity_of, features_of, pairs_of
from pipeline.graph_tables import GraphTables, graph_tables
from pipeline.link_types import LinkType, link_types
from pipeline.scoring_model import read_model
from pipeline.settings import CommunitiesSettings

SETTINGS = CommunitiesSettings()
DAY = pd.Timedelta(days=1)


def _tables(extra: bool = False) -> GraphTables:
    """a and b share a card and a template, b and c an address; with `extra` a and c a declared device."""
    rows = [
        ("a", "payment", "card", 7.0), ("b", "payment", "card", 6.0), ("a", "template", "t", 5.0),
        ("b", "template", "t", 5.0), ("b", "ip", "203.0.113.9", 4.5), ("c", "ip", "203.0.113.9", 5.0),
    ]  # fmt: skip
    family = {"payment": "payment", "template": "text", "ip": "network", "device_id": "device"}
    types = link_types()
    if extra:
        rows += [("a", "device_id", "d", 8.0), ("c", "device_id", "d", 8.0)]
        types = link_types((LinkType(name="device_id", table="events", column="device_id", family="device"),))
    incidence = pd.DataFrame(rows, columns=["account_id", "entity_type", "entity", "bits"]).assign(n_events=1)
    entities = incidence[["entity_type", "entity"]].drop_duplicates(ignore_index=True)
    entities = entities.assign(family=entities["entity_type"].map(family), counts=1.0)
    return graph_tables(incidence, entities, types)


def _traits() -> pd.DataFrame:
    start = pd.Timestamp(datetime(2026, 3, 1, tzinfo=UTC))
    numbers = [
        "n_events", "n_days", "n_addresses", "n_cards", "n_templates", "mean_input_tokens", "mean_output_tokens",
        "top_template_share", "templated_share", "distinct_slots_share", "reasoning_share", "client_share",
        "night_share", "weekend_share",
    ]  # fmt: skip
    out = pd.DataFrame({"account_id": ["a", "b", "c"], **{c: [1.0, 3.0, np.nan] for c in numbers}})
    for column in ("created_at", "first_seen", "last_seen", "first_paid"):
        out[column] = [start, start + 2 * DAY, pd.NaT]
    return out.assign(client=["x", "x", None], top_template=["t", "t", None], email_domain=["m.example", None, None])


def test_features_by_hand() -> None:
    tables = _tables()
    pairs = pairs_of(tables, SETTINGS)
    found = features_of(tables, _traits(), pairs)
    assert list(found) == list(SIGNS)
    one, other = found.to_dict("records")  # a with b, b with c
    assert (one["payment_bits"], one["text_bits"], one["network_bits"]) == (6.0, 5.0, 0.0)
    assert (one["payment_shared"], one["network_shared"]) == (1.0, 0.0)
    assert (one["created_apart"], one["younger_days"]) == (2.0, 0.0)
    assert (one["requests_apart"], one["requests_least"]) == (1.0, 1.0)
    assert (one["same_client"], one["same_template"], one["same_domain"]) == (1.0, 1.0, 0.0)
    assert other["network_bits"] == 4.5 and np.isnan(other["created_apart"]) and other["same_client"] == 0.0


def test_a_declared_family_adds_its_own_bits() -> None:
    """Trees know three families; what is declared in the settings counts beside them."""
    model = AffinityModel(tuple(SIGNS), Forest(len(SIGNS), -1.0, ()))
    found = affinity_of(_tables(extra=True), _traits(), model, SETTINGS)
    said = dict(zip(zip(found.a.tolist(), found.b.tolist(), strict=True), found.bits.tolist(), strict=True))
    assert said == {(0, 1): -1.0, (0, 2): pytest.approx(7.0), (1, 2): -1.0}


def test_more_evidence_never_speaks_against() -> None:
    """The shipped trees keep the signs of the catalogue."""
    model = read_model().affinity
    assert set(model.features) <= set(SIGNS)
    rng = np.random.default_rng(8)
    x = rng.uniform(0, 10, size=(300, len(model.features)))
    for column, name in enumerate(model.features):
        if SIGNS[name] > 0:
            more = x.copy()
            more[:, column] += rng.uniform(0, 5, 300)
            assert (model.forest.total_bits(more) - model.forest.total_bits(x) >= -1e-9).all(), name
