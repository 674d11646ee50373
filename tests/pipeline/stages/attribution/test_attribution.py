"""Who operates a ring: planted cases through the whole stage, from sightings and indicators to names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.naming import names_given
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.stages.attribution import make
from tests.support.frames import PlainBench, frame

DAY = date(2026, 5, 10)
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
FRAME = "Compare the two answers about <*> and say which one shows its steps of reasoning more clearly to a learner"
QUOTE = FRAME.replace("<*>", "the roots of a cubic equation")


@dataclass
class Scene:
    """Rings of accounts r0.., b0.. among 2,000 others; what was seen with whom; indicators."""

    rings: dict[str, int]
    seen: list[tuple[str, str, str]] = field(default_factory=list)  # account, link type, entity
    indicators: list[dict[str, Any]] = field(default_factory=list)
    fringe: set[str] = field(default_factory=set)
    n_others: int = 2_000
    mail: dict[str, str] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)

    def accounts(self, ring: str) -> list[str]:
        return [f"{ring}-{i}" for i in range(self.rings[ring])]

    def sees(self, accounts: list[str], kind: str, entity: str) -> Scene:
        self.seen += [(a, kind, entity) for a in accounts]
        return self

    def says(self, operator: str, kind: str, value: str, confidence: float = 0.7, **more: Any) -> Scene:
        row = {"operator": operator, "entity_type": kind, "value": value, "confidence": confidence}
        self.indicators.append(row | more)
        return self

    def attribution(self, folder: Path) -> pd.DataFrame:
        others = [f"o-{i}" for i in range(self.n_others)]
        members = [
            {"ring_id": f"R-{ring}", "account_id": a, "membership": 0.3 if a in self.fringe else 0.9}
            for ring in self.rings
            for a in self.accounts(ring)
        ]
        everybody = [m["account_id"] for m in members] + others
        sightings = [
            {
                "account_id": a,
                "entity_type": kind,
                "entity": entity,
                "day": DAY,
                "n_events": 1,
                "active_hours": 1,
                "first_seen": NOON,
                "last_seen": NOON,
            }
            for a, kind, entity in self.seen
        ]
        traits = pd.DataFrame({"account_id": everybody}).assign(
            first_seen=pd.Timestamp(NOON), last_seen=pd.Timestamp(NOON), created_at=pd.NaT, email_domain=None
        )
        traits["email_domain"] = traits["account_id"].map(self.mail).astype("str")
        events = [{"account_id": a, "timestamp": NOON, "user_agent": ua} for a, ua in self.agents.items()]
        made = make(
            frame("members", members),
            frame("evidence", [{"ring_id": f"R-{r}", "entity_type": "ip", "entity": r} for r in self.rings]),
            _parts(folder, "sightings", sightings),
            _parts(folder, "clean_events", events),
            traits,
            frame(
                "templates", [{"template_id": "tpl-1", "text": FRAME}, {"template_id": "tpl-2", "text": "Hello <*>"}]
            ),
            frame(
                "clean_ip_ranges",
                [{"cidr": "198.51.100.0/24", "asn": "AS64500"}, {"cidr": "192.0.2.0/24", "asn": "64501"}],
            ),
            frame("clean_indicators", self.indicators),
            settings=Settings(),
            bench=PlainBench(str(folder)),
        )
        return made.attribution


def _parts(folder: Path, table: str, rows: list[dict[str, Any]]) -> list[str]:
    """Rows as two parts of a wide table, an account in one of them."""
    schema = arrow_schema(TABLES[table])
    paths = []
    for number in (0, 1):
        mine = [r for r in rows if len(r["account_id"]) % 2 == number]
        path = folder / f"{table}-{number}.parquet"
        pq.write_table(pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in mine], schema=schema), path)
        paths.append(str(path))
    return paths


def probability(table: pd.DataFrame, ring: str, operator: str) -> float:
    row = table[(table["ring_id"] == f"R-{ring}") & (table["operator"] == operator)]
    return float(row["probability"].iloc[0]) if len(row) else 0.0


def names(table: pd.DataFrame) -> dict[str, str]:
    return names_given(table, 0.80)


def ring_with_things(size: int = 20) -> Scene:
    """One ring: a template used by all, a card by five, addresses by pairs."""
    scene = Scene({"r": size, "b": 8})
    members = scene.accounts("r")
    scene.sees(members, "template", "tpl-1").sees(members[:5], "payment", "card-1")
    return scene.sees(members[5:7], "ip", "198.51.100.7").sees(scene.accounts("b"), "payment", "card-b")


def test_without_indicators_only_unknown_is_left(tmp_path: Path) -> None:
    table = ring_with_things().attribution(tmp_path)
    assert table[["ring_id", "operator", "probability", "rank"]].values.tolist() == [
        ["R-b", "unknown", 1.0, 1],
        ["R-r", "unknown", 1.0, 1],
    ]


@pytest.mark.parametrize(("size", "confidence"), [(20, 0.5), (20, 0.95), (300, 0.5)])
@pytest.mark.parametrize(
    "pair",
    [
        (("template", QUOTE), ("account", "r-3")),
        (("template", "tpl-1"), ("payment", "card-1")),
        (("payment", "card-1"), ("account", "r-9")),
        (("ip", "198.51.100.7"), ("payment", "card-1")),
        (("cidr", "198.51.100.0/24"), ("template", QUOTE)),
    ],
)
def test_two_right_indicators_of_two_families_name(
    tmp_path: Path, confidence: float, size: int, pair: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    scene = ring_with_things(size)
    scene.n_others = 5_000
    for kind, value in pair:
        scene.says("Alder", kind, value, confidence)
    table = scene.attribution(tmp_path)
    assert names(table) == {"R-r": "Alder"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("template", QUOTE),
        ("payment", "card-1"),
        ("account", "r-3"),
        ("ip", "198.51.100.7"),
        ("cidr", "198.51.100.0/24"),
    ],
)
def test_one_family_never_names_however_sure_and_however_often(tmp_path: Path, kind: str, value: str) -> None:
    scene = ring_with_things()
    for source in ("one", "two", "three"):
        scene.says("Alder", kind, value, 0.99, source=source)
    table = scene.attribution(tmp_path)
    assert names(table) == {}
    assert probability(table, "r", "Alder") > probability(table, "b", "Alder")


def test_a_wrong_indicator_beside_right_ones_is_survived(tmp_path: Path) -> None:
    scene = ring_with_things().says("Alder", "template", QUOTE, 0.7).says("Alder", "account", "r-3", 0.7)
    scene.says("Birch", "payment", "card-1", 0.9)
    table = scene.attribution(tmp_path)
    assert names(table) == {"R-r": "Alder"}
    assert probability(table, "r", "Birch") < 0.2


def test_evenly_contradicting_indicators_name_nobody(tmp_path: Path) -> None:
    scene = ring_with_things()
    for operator in ("Alder", "Birch"):
        scene.says(operator, "template", QUOTE, 0.8).says(operator, "payment", "card-1", 0.8)
    table = scene.attribution(tmp_path)
    assert names(table) == {}
    assert probability(table, "r", "Alder") == pytest.approx(probability(table, "r", "Birch"))
    ranked = table[table["ring_id"] == "R-r"].sort_values("rank")["operator"].tolist()
    assert ranked.index("Alder") < ranked.index("Birch")


def test_a_network_of_many_proves_nothing(tmp_path: Path) -> None:
    scene = ring_with_things()
    scene.sees([f"o-{i}" for i in range(900)], "ip", "192.0.2.1").sees(scene.accounts("r")[:9], "ip", "192.0.2.1")
    scene.says("Alder", "asn", "AS64501", 0.9).says("Alder", "ip", "192.0.2.1", 0.9)
    scene.says("Alder", "email_domain", "mail.example", 0.9)
    scene.mail = dict.fromkeys([*scene.accounts("r"), *(f"o-{i}" for i in range(1500))], "mail.example")
    table = scene.attribution(tmp_path)
    assert probability(table, "r", "Alder") < 0.05


def test_planted_on_the_fringe_is_no_name(tmp_path: Path) -> None:
    scene = ring_with_things()
    scene.fringe = {"r-18", "r-19"}
    scene.sees(["r-18", "r-19"], "payment", "card-bait")
    scene.says("Birch", "payment", "card-bait", 0.8).says("Birch", "account", "r-19", 0.8)
    table = scene.attribution(tmp_path)
    assert names(table) == {}
    assert probability(table, "r", "false_flag") > probability(table, "r", "shared_vendor")


def test_things_of_a_vendor_speak_for_the_vendor(tmp_path: Path) -> None:
    scene = Scene({"r": 10, "b": 10, "c": 10, "d": 10})
    for ring in scene.rings:
        scene.sees(scene.accounts(ring), "ip", "198.51.100.9")
    scene.says("Alder", "ip", "198.51.100.9", 0.9)
    table = scene.attribution(tmp_path)
    assert names(table) == {}
    for ring in scene.rings:
        assert probability(table, ring, "shared_vendor") >= probability(table, ring, "Alder")


def test_out_of_its_time_an_indicator_says_nothing(tmp_path: Path) -> None:
    past, future = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    scene = ring_with_things()
    for kind, value in (("template", QUOTE), ("payment", "card-1"), ("account", "r-3")):
        scene.says("Alder", kind, value, 0.9, valid_from=past, valid_until=future)
    table = scene.attribution(tmp_path)
    assert probability(table, "r", "unknown") == 1.0


def test_clients_mail_domains_and_systems_of_networks_are_followed(tmp_path: Path) -> None:
    scene = ring_with_things()
    members = scene.accounts("r")
    scene.agents = dict.fromkeys(members, "odd-client/9")
    scene.mail = dict.fromkeys(members, "own.example")
    scene.says("Alder", "user_agent", "odd-client/9").says("Alder", "email_domain", "OWN.example ")
    scene.says("Birch", "asn", "64500")
    table = scene.attribution(tmp_path)
    assert names(table) == {"R-r": "Alder"}
    assert probability(table, "r", "Birch") > 0.0
    assert probability(table, "b", "unknown") == 1.0


def test_rows_in_any_order_give_the_same_ledger(tmp_path: Path) -> None:
    def table(turned: bool) -> pd.DataFrame:
        scene = (
            ring_with_things()
            .says("Alder", "template", QUOTE)
            .says("Birch", "account", "r-3")
            .says("Alder", "ip", "198.51.100.7")
        )
        if turned:
            scene.indicators.reverse()
            scene.seen.reverse()
        return scene.attribution(tmp_path)

    pd.testing.assert_frame_equal(table(False), table(True))
