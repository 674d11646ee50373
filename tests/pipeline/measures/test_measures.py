"""Measures on two planted groups: a relayed ring and an office, alike in what they share and unlike in all they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphs.affinity import Affinity
from graphs.ties import Groups
from pipeline.graph_tables import GraphTables, graph_tables
from pipeline.link_types import link_types
from pipeline.measures import NAMES, Records, measure, read_records
from tests.support.frames import PlainBench

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAYS = 28
RING = [f"ring-{i:02d}" for i in range(12)]
OFFICE = [f"work-{i:02d}" for i in range(12)]
OTHERS = [f"other-{i:03d}" for i in range(60)]


def _hours() -> pd.DataFrame:
    """The ring works round the clock save two silences; the office from 9 to 17 on weekdays; others as they like."""
    rng = np.random.default_rng(5)
    rows = []
    for day in range(DAYS):
        for hour in range(24):
            moment = START + timedelta(days=day, hours=hour)
            silent = day in (9, 10, 20)
            for name in RING:
                if not silent and rng.random() < 0.3:
                    rows.append((name, moment, 2))
            for i, name in enumerate(OFFICE):
                if day % 7 < 5 and 9 <= hour < 17 and rng.random() < 0.15 + 0.03 * i:
                    rows.append((name, moment, 1 + i))
            for i, name in enumerate(OTHERS):
                if abs(hour - (8 + i % 12)) <= 2 and rng.random() < 0.2:
                    rows.append((name, moment, 1 + i % 7))
    return pd.DataFrame(rows, columns=["account_id", "hour", "n_events"])


def _traits(hours: pd.DataFrame) -> pd.DataFrame:
    by = hours.groupby("account_id")
    out = pd.DataFrame(
        {
            "n_events": by["n_events"].sum(),
            "n_days": by["hour"].apply(lambda h: h.dt.date.nunique()),
            "first_seen": by["hour"].min(),
            "last_seen": by["hour"].max(),
        }
    ).reset_index()
    ring, office = out["account_id"].isin(RING), out["account_id"].isin(OFFICE)
    number = out["account_id"].str[-2:].astype(int)
    out["created_at"] = pd.to_datetime(START, utc=True) - pd.to_timedelta(
        np.where(ring, 3, 40 * (number % 20 + 1)), "D"
    )
    out["status"] = np.where(ring & (number < 3), "suspended", "active")
    out["email_domain"] = np.where(office, "alderworks.example", "mail.example")
    out["organization"] = pd.Series([None] * len(out), dtype="str")
    out["first_paid"] = out["created_at"]
    out["client"] = np.where(ring, "c-ring", "c-" + (number % 9).astype(str))
    out["mean_output_tokens"] = np.where(ring, 900.0, 100.0 * 2.0 ** (number % 6))
    out["mean_input_tokens"] = np.where(ring, 300.0, 50.0 * 2.0 ** (number % 5))
    for column, of_ring, of_rest in (
        ("reasoning_share", 0.6, 0.02), ("templated_share", 0.9, 0.2), ("distinct_slots_share", 0.95, 0.4),
        ("top_template_share", 0.8, 0.3), ("client_share", 0.95, 0.7),
    ):  # fmt: skip
        out[column] = np.where(ring, of_ring, of_rest)
    out["n_cards"] = np.where(ring, 1, 1 + number % 3)
    out["n_addresses"] = np.where(ring, 9, 1 + number % 4)
    out["n_templates"] = np.where(ring, 2, 5 + number % 7)
    return out


def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both groups share one address and one card; the ring one private template."""
    rows = []
    for name in RING:
        rows += [
            (name, "ip", "203.0.113.1"),
            (name, "payment", f"card-{RING.index(name) // 3}"),
            (name, "template", "t-ring"),
        ]
    for name in OFFICE:
        rows += [(name, "ip", "198.51.100.1"), (name, "payment", "card-work"), (name, "template", "t-work")]
    incidence = pd.DataFrame(rows, columns=["account_id", "entity_type", "entity"])
    incidence["bits"] = 6.0
    incidence["n_events"] = np.where(incidence["entity"].eq("t-ring"), 300, 5)
    names = incidence[["entity_type", "entity"]].drop_duplicates().reset_index(drop=True)
    entities = names.assign(
        family=names["entity_type"].map({"ip": "network", "payment": "payment", "template": "text"}), counts=1.0,
        **{"class": np.where(names["entity"].eq("198.51.100.1"), "office", "hosting")},
    )  # fmt: skip
    return incidence, entities


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    hours = _hours()
    traits = _traits(hours)
    place: Path = tmp_path_factory.mktemp("hours")
    parts = []
    for i in range(2):
        mine = hours[hours["account_id"].str.len() % 2 == i]
        mine.to_parquet(place / f"part-{i}.parquet", index=False)
        parts.append(str(place / f"part-{i}.parquet"))
    incidence, entities = _tables()
    tables: GraphTables = graph_tables(incidence, entities, link_types(), traits)
    # One conversation handed on within the hour; one opening that an office uses again weeks later.
    conversations = pd.DataFrame(
        {
            "conversation": np.array([7, 7, 8, 8], dtype=np.uint64),
            "account_id": [RING[0], RING[1], OFFICE[0], OFFICE[1]],
            "first_seen": [START, START + timedelta(hours=1), START, START + timedelta(days=9)],
        }
    )
    records: Records = read_records(tables, traits, parts, conversations, PlainBench(str(place)))
    number = {name: i for i, name in enumerate(tables.accounts)}
    groups = Groups.from_arrays([0] * 12 + [1] * 12, [number[a] for a in (*RING, *OFFICE)])
    return measure(tables, groups, records, _affinity(number))


def _affinity(number: dict[str, int]) -> Affinity:
    """Members of the ring are of one operator by the pair, those of the office as often as not in a chain."""
    ends = [(number[a], number[b], 5.0) for i, a in enumerate(RING) for b in RING[i + 1 :]]
    ends += [(number[a], number[b], -1.0) for a, b in pairwise(OFFICE)]
    a, b, bits = zip(*ends, strict=True)
    return Affinity.from_arrays(a, b, bits, n_accounts=len(number))


@pytest.mark.parametrize(
    "name",
    ["flat_day", "no_rhythm", "weekend", "synchrony", "reasoning", "templated", "distinct_slots", "frame_share",
     "creation_burst", "young", "suspended", "one_client", "handoffs", "addresses_an_account", "frame_share_middle",
     "top_template", "client_steady", "affinity_best", "affinity_bound", "affinity_mean", "affinity_pairs",
     "presence"],
)  # fmt: skip
def test_the_ring_has_more_of(found: dict[str, np.ndarray], name: str) -> None:
    ring, office = found[name]
    assert ring > office


@pytest.mark.parametrize(
    "name",
    ["volume_spread", "answer_spread", "question_spread", "organisation", "site", "top_card", "payer_days",
     "cards_an_account", "cards_spread", "addresses_spread", "templates_an_account", "template_rate", "age_spread",
     "paid_spread"],
)  # fmt: skip
def test_the_office_has_more_of(found: dict[str, np.ndarray], name: str) -> None:
    ring, office = found[name]
    assert office > ring


def test_values_by_hand(found: dict[str, np.ndarray]) -> None:
    assert found["top_card"].tolist() == pytest.approx([3 / 12, 1.0])
    assert found["accounts_a_card"].tolist() == pytest.approx([np.log2(3), np.log2(12)])
    assert (found["suspended"][0] - found["suspended"][1]) == pytest.approx(3 / 12)
    assert found["handoffs"].tolist() == pytest.approx([2 / 12, 0.0])
    assert found["organisation"].tolist()[1] == pytest.approx(1.0)
    of_one = 1 / (1 + 2.0**-5)
    assert found["affinity_best"].tolist() == pytest.approx([of_one, 1 / 3])
    assert found["affinity_bound"].tolist() == pytest.approx([1.0, 0.0])
    assert found["affinity_mean"].tolist() == pytest.approx([of_one, 2 * 11 / 3 / 12 / 11])
    assert found["affinity_closed"].tolist() == pytest.approx([1.0, 1.0])
    bits = found["network_bits"] + found["payment_bits"] + found["text_bits"]  # nobody lacks what the others share
    assert found["tie_bits"].tolist() == pytest.approx(bits.tolist())
    for family in ("network", "payment", "text"):
        assert found[f"{family}_closed"].tolist() == pytest.approx([1.0, 1.0])
        assert found[f"{family}_open"].tolist() == pytest.approx([0.0, 0.0])
    assert found["network_reach"].tolist() == pytest.approx([1.0, 1.0])
    assert found["frame_reach"].tolist() == pytest.approx([1.0, 1.0])
    assert found["frames"].tolist() == pytest.approx([0.0, 0.0])
    assert found["frame_share_spread"][0] < 0.5
    assert found["shared_frames"][0] == pytest.approx(found["frame_share"][0])
    assert found["paying"].tolist() == pytest.approx([0.0, 0.0])
    assert found["group_size"].tolist() == pytest.approx([np.log2(12)] * 2)


def test_what_could_not_be_measured_is_null(found: dict[str, np.ndarray]) -> None:
    assert set(found) == set(NAMES)
    assert np.isnan(found["declared_bits"]).all()
