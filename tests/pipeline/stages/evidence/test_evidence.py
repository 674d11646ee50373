"""What ties each ring together, held against counting by hand."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.link_types import link_types
from pipeline.stages.evidence import Evidence, pictures
from pipeline.stages.evidence.pictures import ring_groups
from pipeline.stages.evidence.ties import ring_ties
from tests.pipeline.stages.evidence.scene import INNER, POOL, RING, START, Request, Scene, rich
from tests.support.frames import frame


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return rich().evidence(tmp_path_factory.mktemp("evidence"))


def frames(made: Evidence) -> dict[str, pd.DataFrame]:
    tables = {}
    for name, table in vars(made).items():
        if name != "counts":
            tables[name] = table.to_pandas() if isinstance(table, pa.Table) else table
    return tables


def test_an_account_stands_in_its_inner_ring_only(made: Evidence) -> None:
    rings = made.members.groupby("ring_id")["account_id"].apply(list).to_dict()
    assert rings == {
        "R-INNER": ["p0", "p1", "p2", "p3"],
        "R-POOL": ["p4", "p5", "p6", "p7"],
        "R-RING": ["r0", "r1", "r2", "r3", "r4", "r5"],
    }
    assert made.members.set_index("account_id").loc["r0", "payer_days"] == 30.0
    assert pd.isna(made.members.set_index("account_id").loc["r5", "payer_days"])


def test_a_pool_counts_its_inner_accounts_among_those_that_share(made: Evidence) -> None:
    rows = made.evidence.set_index(["ring_id", "entity"])
    assert rows.loc[("R-POOL", "198.51.100.1"), ["n_accounts_in_ring", "n_accounts_total"]].tolist() == [8, 28]
    assert rows.loc[("R-POOL", "card-2"), "n_accounts_in_ring"] == 2
    assert ("R-INNER", "card-2") not in rows.index


def test_counted_bits_are_the_mean_over_accounts_of_the_strongest_of_each_family(made: Evidence) -> None:
    things = made.evidence[made.evidence["ring_id"] == "R-RING"].set_index("entity")
    bits = things["bits"]
    by_hand = 0.0
    for place in range(6):
        by_hand += bits["198.51.100.2"] + bits["tpl-r"] + bits[f"dev-{place // 3}"]
        by_hand += bits["card-1"] if place < 3 else 0.0
    assert things["bits_counted"].sum() == pytest.approx(by_hand / 6)
    assert (things["bits_counted"] <= things["bits"] + 1e-12).all()


def test_a_ring_does_not_make_its_own_things_common() -> None:
    """The same card is as rare for a large ring that has it all as for a small one."""

    def bits(size: int) -> float:
        accounts = [f"a{i:03d}" for i in range(size)]
        belongs = pd.DataFrame({"candidate": 0, "account_id": accounts})
        incidence = frame(
            "incidence_bits", [{"account_id": a, "entity_type": "payment", "entity": "k"} for a in accounts]
        )
        known = {"family": "payment", "n_accounts": size, "counts": 1.0, "bits": 9.0 - math.log2(size - 0.5)}
        about = frame("entities", [{"entity_type": "payment", "entity": "k", **known}])
        found = ring_ties(belongs, incidence, about, {t.name: t for t in link_types()})
        return float(found.of_rings["bits"].iloc[0])

    assert bits(4) == pytest.approx(bits(40)) == pytest.approx(bits(400))


def test_hours_and_days_add_up(made: Evidence) -> None:
    tables = frames(made)
    activity, hours, daily = tables["activity"], tables["ring_hours"], tables["daily"]
    requests = rich().requests
    assert activity["n_events"].sum() == sum(r.account[0] in "pr" for r in requests)
    assert hours["n_events"].sum() == activity["n_events"].sum()
    assert daily["n_events"].sum() == len(requests)
    first = hours[(hours["ring_id"] == "R-RING")].sort_values("hour").iloc[0]
    assert (first["hour"].to_pydatetime(), first["n_accounts"], first["n_events"]) == (
        START + timedelta(hours=9),
        6,
        12,
    )
    flagged = daily[daily["group"] == "flagged"]
    assert flagged["n_accounts"].tolist() == [6, 6, 6]
    assert flagged["n_events"].tolist() == [18, 18, 18]


def test_only_sure_members_of_flagged_rings_are_the_accused_of_a_day(tmp_path: Path) -> None:
    scene = rich()
    scene.membership = {"r0": 0.4}
    daily = scene.evidence(tmp_path).daily.to_pandas()
    assert daily.loc[daily["group"] == "flagged", "n_accounts"].tolist() == [5, 5, 5]


def test_provenance_leads_back_to_the_requests(made: Evidence) -> None:
    table = frames(made)["provenance"]
    row = table[(table["account_id"] == "r0") & (table["entity"] == "198.51.100.2")].sort_values("day").iloc[0]
    mine = [r for r in rich().requests if r.account == "r0" and r.at.date() == START.date()]
    assert row["n_events"] == 3
    assert list(row["request_ids"]) == [r.number for r in sorted(mine, key=lambda r: (r.at, r.number or ""))]
    device = table[(table["entity_type"] == "device_id") & (table["account_id"] == "r3")]
    assert device["n_events"].tolist() == [3, 3, 3]
    card = table[table["entity"] == "card-1"]
    assert set(card["account_id"]) == {"r0", "r1", "r2"}
    assert (card["n_events"] == 0).all()
    assert (card["request_ids"].str.len() == 0).all()


def test_at_most_twenty_requests_stand_behind_a_tie_of_a_day(tmp_path: Path) -> None:
    scene = rich()
    for i in range(50):
        scene.requests.append(
            Request("r0", START + timedelta(hours=20, seconds=i), "198.51.100.2", None, None, f"z{50 - i:03d}")
        )
    table = scene.evidence(tmp_path).provenance.to_pandas()
    row = table[(table["account_id"] == "r0") & (table["entity"] == "198.51.100.2")].sort_values("day").iloc[0]
    assert (row["n_events"], len(row["request_ids"])) == (53, 20)


def test_every_ring_has_a_row_where_pages_look_for_one(made: Evidence) -> None:
    for name in ("evidence", "score_parts", "explanations", "ring_groups", "layout"):
        assert set(frames(made)[name]["ring_id"]) == {"R-POOL", "R-INNER", "R-RING"}, name


def test_groups_count_each_member_once(made: Evidence) -> None:
    sizes = made.ring_groups.groupby("ring_id")["n_accounts"].sum().to_dict()
    assert sizes == {"R-POOL": 4, "R-INNER": 4, "R-RING": 6}
    ring = made.ring_groups[made.ring_groups["ring_id"] == "R-RING"]
    assert ring["n_accounts"].tolist() == [3, 3]
    assert "payment:card-1" in ring["entities"].iloc[0] or "payment:card-1" in ring["entities"].iloc[1]


def test_links_and_incidence_name_members_only(made: Evidence) -> None:
    ring = made.links[made.links["ring_id"] == "R-RING"]
    assert len(ring) == 15
    kinds = [c for c in ring.columns if c.startswith("bits_")]
    assert kinds == ["bits_ip", "bits_payment", "bits_template", "bits_device_id"]
    assert ring[kinds].sum(axis=1).tolist() == pytest.approx(ring["bits"].tolist())
    outside = made.incidence[made.incidence["ring_id"].isna()]
    assert set(outside["account_id"].str[0]) == {"s"}


def test_the_same_tables_whatever_the_parts_and_the_order(tmp_path: Path) -> None:
    scene = rich()
    turned = rich()
    turned.requests.reverse()
    turned.groups = {k: v[::-1] for k, v in scene.groups.items()}
    one, other = frames(scene.evidence(tmp_path, parts=1)), frames(turned.evidence(tmp_path, parts=3))
    for name, table in one.items():
        keys = [
            c for c in table.columns if table[c].map(lambda v: not hasattr(v, "__len__") or isinstance(v, str)).all()
        ]
        pd.testing.assert_frame_equal(
            table.sort_values(keys, ignore_index=True), other[name].sort_values(keys, ignore_index=True), obj=name
        )


def test_a_ring_that_shares_nothing_breaks_nothing(tmp_path: Path) -> None:
    scene = Scene(groups={RING: ["a", "b", "c"]}, parents={}, scores={RING: 0.9})
    scene.requests = [Request(a, START, f"198.51.100.{i}", None, None, None) for i, a in enumerate("abc")]
    scene.requests += [Request("s1", START, "198.51.100.0", None, None, None)]
    made = scene.evidence(tmp_path)
    assert made.evidence[["entity", "n_accounts_in_ring", "bits_counted"]].values.tolist() == [["198.51.100.0", 1, 0.0]]
    assert made.ring_groups[["rank", "n_accounts"]].values.tolist() == [[1, 3]]
    assert set(made.layout["vertex"]) >= {"a", "b", "c"}
    assert made.links.empty


def test_a_pool_of_rings_only_has_rows_without_accounts(tmp_path: Path) -> None:
    scene = rich()
    scene.groups = {POOL: [f"p{i}" for i in range(4)], INNER: [f"p{i}" for i in range(4)], RING: scene.groups[RING]}
    made = scene.evidence(tmp_path)
    assert "R-POOL" not in set(made.members["ring_id"])
    assert "R-POOL" in set(made.evidence["ring_id"])
    assert made.ring_groups[made.ring_groups["ring_id"] == "R-POOL"][["n_accounts", "n_core"]].values.tolist() == [
        [0, 0]
    ]
    assert "R-POOL" in set(made.layout["ring_id"])


@settings(max_examples=20)
@given(st.lists(st.sets(st.integers(0, 15)), min_size=1, max_size=60))
def test_groups_are_at_most_thirteen_and_lose_nobody(holdings: list[set[int]]) -> None:
    names = [f"t{i:02d}" for i in range(16)]
    n_in = [sum(i in h for h in holdings) for i in range(16)]
    ties = pd.DataFrame({"ring_id": "R", "entity_type": "ip", "entity": names, "n_accounts_in_ring": n_in})
    rows = [("R", f"a{j}", "ip", names[i]) for j, h in enumerate(holdings) for i in h if n_in[i] >= 2]
    of_accounts = pd.DataFrame(rows, columns=["ring_id", "account_id", "entity_type", "entity"]).astype("str")
    members = pd.DataFrame({"ring_id": "R", "account_id": [f"a{j}" for j in range(len(holdings))], "membership": 0.9})
    groups = ring_groups(ties, of_accounts, members)
    assert groups["n_accounts"].sum() == groups["n_core"].sum() == len(holdings)
    assert len(groups) <= 13
    assert groups["n_accounts"].iloc[:12].is_monotonic_decreasing


def test_a_picture_has_places_for_the_surest_of_the_ring_and_of_each_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "DRAWN_ACCOUNTS", 2)
    held = {f"a{j:02d}": [f"t{j % 3}", "all"] for j in range(30)}
    named = sorted({t for things in held.values() for t in things})
    n_in = [sum(t in things for things in held.values()) for t in named]
    ties = pd.DataFrame({"ring_id": "R", "entity_type": "ip", "entity": named, "n_accounts_in_ring": n_in})
    rows = [("R", a, "ip", t, 3.0) for a, things in held.items() for t in things]
    of_accounts = pd.DataFrame(rows, columns=["ring_id", "account_id", "entity_type", "entity", "bits"])
    members = pd.DataFrame({"ring_id": "R", "account_id": sorted(held), "membership": [1 - j / 100 for j in range(30)]})
    drawn = pictures.layout(ties, of_accounts, members)
    accounts = sorted(drawn.loc[drawn["vertex_type"] == "account", "vertex"])
    assert accounts == ["a00", "a01", "a02", "a03", "a04", "a05"], "two of each group of ten, the surest two among them"
    assert drawn[["x", "y"]].abs().max().max() <= 1
