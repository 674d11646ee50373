"""What each shared thing can prove: planted sites, cards and templates through the whole stage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.link_types import LinkType
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.stages import entities
from pipeline.stages._entity_classes import CIRCLE
from tests.support.frames import PlainBench, frame

DAYS = 10
DEVICE = LinkType("device_id", "events", "device_id", family="device", match_probability=0.3, cap_bits=9.0)


def sighting(account: str, kind: str, entity: str, day: int, n: int = 5) -> dict[str, Any]:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(days=day)
    return {
        "account_id": account, "entity_type": kind, "entity": entity, "day": date(2026, 5, 1) + timedelta(days=day),
        "n_events": n, "active_hours": 1 << 12, "first_seen": noon, "last_seen": noon,
    }  # fmt: skip


def platform() -> list[dict[str, Any]]:
    """A home, a lease that passes on, an office, a carrier, exits, cards and templates, among 400 lone accounts.

    Eighty accounts, more than a public template needs, all use the five frames of one campaign.
    """
    rows = []
    for day in range(DAYS):
        rows += [sighting(f"home{i}", "ip", "198.51.100.1", day) for i in range(3)]
        rows += [sighting(f"desk{i}", "ip", "198.51.100.3", day) for i in range(8)]
        rows.append(sighting(f"lease{day % 5}", "ip", "198.51.100.2", day))
        for i in range(60):  # twenty gateways each, in turn
            rows += [sighting(f"phone{i}", "ip", f"203.0.113.{(i + day * 3 + k) % 20}", day) for k in range(3)]
        rows += [sighting(f"exit{i}", "ip", f"192.0.2.{(i + day) % 8}", day) for i in range(8)]
        rows += [sighting(f"lone{i}", "template", "tpl-public", day, n=1) for i in range(70)]
        rows += [sighting(f"lone{i}", "template", f"tpl-own-{i}", day, n=30) for i in range(70)]
        rows += [sighting(f"camp{i}", "template", f"tpl-camp-{k}", day) for i in range(80) for k in range(5)]
        rows += [sighting(f"ring{i}", "template", "tpl-private", day) for i in range(6)]
    rows += [sighting(f"ring{i}", "payment", "card-ring", 0, n=0) for i in range(6)]
    rows += [sighting(f"home{i}", "payment", "card-home", 0, n=0) for i in range(2)]
    rows += [sighting(f"desk{i}", "payment", "card-desk", 0, n=0) for i in range(8)]
    rows += [sighting(f"ring{i}", "device_id", "dev-1", 0) for i in range(2)]
    rows += [sighting(f"lone{i}", "payment", f"card-{i}", 0, n=0) for i in range(400)]
    return rows


def run(tmp_path: Path, *, parts: int = 2, reverse: bool = False, **tables: pd.DataFrame) -> pd.DataFrame:
    """The table of the stage, by entity."""
    rows = platform()[:: -1 if reverse else 1]
    schema = arrow_schema(TABLES["sightings"])
    accounts = sorted({r["account_id"] for r in rows})
    paths = []
    for part in range(parts):
        mine = {a for i, a in enumerate(accounts) if i % parts == part}
        made = pa.Table.from_pylist([r for r in rows if r["account_id"] in mine], schema=schema)
        paths.append(str(tmp_path / f"part-{part}.parquet"))
        pq.write_table(made.sort_by([(k, "ascending") for k in TABLES["sightings"].key]), paths[-1])
    traits = [
        {"account_id": a, "organization": "Elm Works" if a.startswith("desk") else None, "n_events": 50}
        for a in accounts
    ]
    given = {
        "clean_ip_ranges": frame("clean_ip_ranges"),
        "clean_allowlist": frame("clean_allowlist"), "clean_decisions": frame("clean_decisions"), **tables,
    }  # fmt: skip
    made = entities.make(
        sightings=paths, account_traits=frame("account_traits", traits), settings=Settings(link_types=(DEVICE,)),
        bench=PlainBench(str(tmp_path)), **given,
    )  # fmt: skip
    return made.entities.set_index("entity")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return run(tmp_path_factory.mktemp("entities"))


@pytest.mark.parametrize(
    ("entity", "said"),
    [
        ("198.51.100.1", "household"), ("198.51.100.2", "dynamic address"), ("198.51.100.3", "office"),
        ("203.0.113.0", "carrier NAT"), ("card-ring", "shared card"), ("card-home", "personal card"),
        ("card-desk", "company card"), ("tpl-private", "private template"), ("tpl-public", "public template"),
        ("tpl-camp-3", CIRCLE),
        ("dev-1", "declared"),
    ],
)  # fmt: skip
def test_a_thing_is_known_by_its_use(table: pd.DataFrame, entity: str, said: str) -> None:
    assert table.loc[entity, "class"] == said


def test_what_is_known_of_a_range_goes_before_a_guess(tmp_path: Path) -> None:
    ranges = frame("clean_ip_ranges", [{"cidr": "192.0.2.0/29", "asn": "64500", "kind": "vpn"}])
    found = run(tmp_path, clean_ip_ranges=ranges)
    assert found.loc["192.0.2.1", ["class", "asn", "network"]].tolist() == ["VPN exit", "64500", "192.0.2.0/24"]
    assert found.loc["192.0.2.1", "class_probability"] == 0.9


def test_bits_follow_the_formula(table: pd.DataFrame) -> None:
    """log2 of m over the share of the others that have it, times what the class leaves of it, within the cap."""
    population = 6 + 2 + 8 + 400  # accounts that have any card
    assert table.loc["card-ring", "bits"] == pytest.approx(np.log2(0.2 / (5.5 / population)), abs=1e-6)
    assert table.loc["dev-1", "bits"] == 0.0, "two accounts alone have any device: it is common among those that do"
    assert (table["bits"] >= 0).all()
    assert table.loc["tpl-public", "bits"] == 0.0


def test_a_lease_that_passes_on_hardly_counts(table: pd.DataFrame) -> None:
    assert table.loc["198.51.100.2", "counts"] == pytest.approx(0.1)
    assert table.loc["198.51.100.1", "counts"] == pytest.approx(1.0)


def test_things_of_one_account_are_left_aside(table: pd.DataFrame) -> None:
    assert not [e for e in table.index if e.startswith("card-") and e[5:].isdigit()]


def test_what_is_allowed_links_nothing_and_says_why(tmp_path: Path) -> None:
    allowed = frame("clean_allowlist", [
        {"entity_type": "ip", "value": "203.0.113.0/28", "reason": "carrier"},
        {"entity_type": "device_id", "value": "dev-1", "reason": "a test bench"},
    ])  # fmt: skip
    decided = frame("clean_decisions", [{
        "decision_id": "d1", "conclusion": "entity_allowed", "reason": "the office card", "analyst": "ana",
        "decided_at": datetime(2026, 5, 2, tzinfo=UTC), "entity_type": "payment", "entity": "card-desk",
    }])  # fmt: skip
    found = run(tmp_path, clean_allowlist=allowed, clean_decisions=decided)["left_out_because"]
    assert found["203.0.113.3"] == found["dev-1"] == "on the allowlist"
    assert found["card-desk"] == "allowed by an analyst"
    assert found["tpl-public"] == "public"
    assert found[["card-ring", "198.51.100.3"]].isna().all()


def test_parts_and_order_of_rows_say_nothing(tmp_path: Path, table: pd.DataFrame) -> None:
    other = run(tmp_path, parts=3, reverse=True)
    pd.testing.assert_frame_equal(other, table)
