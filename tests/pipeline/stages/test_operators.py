"""Rings of one operator are joined, rings that only rent or buy from the same vendor are not."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schemas.inputs import RESERVED_PREFIX
from pipeline.settings import Settings
from pipeline.stages.operators import make, ring_pairs
from tests.support.frames import frame

FAMILY = {"ip": "network", "payment": "payment", "template": "text", "device_id": "device"}


@dataclass
class Scene:
    """Coordinated rings by size, and what their accounts and strangers have."""

    rings: dict[str, int]
    has: list[tuple[str, str, str]] = field(default_factory=list)  # account, type, entity
    named: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def shares(self, kind: str, entity: str, strangers: int = 0, **taken: int) -> Scene:
        """So many accounts of each ring have it, and so many strangers."""
        self.has += [(f"{ring}-{i}", kind, entity) for ring, n in taken.items() for i in range(n)]
        self.has += [(f"stranger-{i}", kind, entity) for i in range(strangers)]
        return self

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        ring_of = {f"{ring}-{i}": f"R-{ring}" for ring, n in self.rings.items() for i in range(n)}
        incidence = [
            {"account_id": a, "entity_type": k, "entity": e, "bits": 7.0, "ring_id": ring_of.get(a)}
            for a, k, e in self.has
        ]
        counts = pd.Series([(k, e) for _, k, e in self.has]).value_counts()
        entities = [
            {
                "entity_type": k,
                "entity": e,
                "family": FAMILY[k],
                "n_accounts": int(n),
                "counts": 1.0,
                "bits": max(0.0, 11.0 - 1.4 * n**0.5),
            }
            for (k, e), n in counts.items()
        ]
        members = [{"account_id": a, "ring_id": r, "membership": 0.9} for a, r in ring_of.items()]
        return frame("incidence", incidence), frame("members", members), frame("entities", entities)

    def operators(self, previous: pd.DataFrame | None = None) -> dict[str, str]:
        incidence, members, entities = self.tables()
        names = list(self.rings)
        candidates = [{"candidate": i, "kind": self.kinds.get(r, "coordinated")} for i, r in enumerate(names)]
        attribution = [
            {"ring_id": f"R-{r}", "operator": o, "probability": 0.9, "rank": 1} for r, o in self.named.items()
        ]
        made = make(
            frame("attribution", attribution),
            incidence,
            members,
            frame("candidates", candidates),
            frame("ring_ids", [{"candidate": i, "ring_id": f"R-{r}"} for i, r in enumerate(names)]),
            entities,
            previous,
            settings=Settings(),
        )
        table = made.operator_ids
        return {r.removeprefix("R-"): o for r, o in zip(table["ring_id"], table["operator_id"], strict=True)}


def previous(ids: dict[str, str]) -> pd.DataFrame:
    return frame("rings", [{"ring_id": f"R-{r}", "operator_id": o} for r, o in ids.items()])


def test_each_ring_alone_has_an_operator_of_its_own() -> None:
    ids = Scene({"a": 10, "b": 10}).operators()
    assert all(o.startswith(RESERVED_PREFIX) for o in ids.values())
    assert len(set(ids.values())) == 2


def test_a_private_text_joins() -> None:
    ids = Scene({"a": 10, "b": 12, "c": 9}).shares("template", "t", a=9, b=10).operators()
    assert ids["a"] == ids["b"] != ids["c"]


def test_exits_of_their_own_join() -> None:
    scene = Scene({"a": 10, "b": 12, "c": 9})
    for i in range(3):
        scene.shares("ip", f"x{i}", a=8, b=9)
    ids = scene.operators()
    assert ids["a"] == ids["b"] != ids["c"]


def test_a_proxy_pool_of_many_joins_nobody() -> None:
    scene = Scene({"a": 10, "b": 12})
    for i in range(40):
        scene.shares("ip", f"x{i}", strangers=6, a=2, b=2)
    ids = scene.operators()
    assert ids["a"] != ids["b"]


def test_cards_of_one_vendor_join_nobody() -> None:
    scene = Scene({"a": 10, "b": 12})
    for i in range(4):
        scene.shares("payment", f"k{i}", a=4, b=4)
    ids = scene.operators()
    assert ids["a"] != ids["b"]


def test_a_text_that_others_use_too_joins_nobody() -> None:
    ids = Scene({"a": 10, "b": 12}).shares("template", "t", strangers=60, a=9, b=10).operators()
    assert ids["a"] != ids["b"]


def test_a_text_of_many_rings_joins_although_some_of_its_accounts_were_not_found() -> None:
    few, many = ({f"r{i}": 10 for i in range(n)} for n in (3, 12))
    ids = Scene(few).shares("template", "t", strangers=12, **few).operators()
    assert len(set(ids.values())) == 3
    ids = Scene(many).shares("template", "t", strangers=32, **many).operators()
    assert len(set(ids.values())) == 1
    ids = Scene(many).shares("template", "t", strangers=800, **many).operators()
    assert len(set(ids.values())) == 12


def test_an_exit_that_many_rings_rent_counts_once() -> None:
    rings = {"a": 20, "b": 20, "c": 2, "d": 2, "e": 2, "f": 2}
    assert len(set(Scene(rings).shares("ip", "x", **rings).operators().values())) == 6


def test_what_one_account_of_each_has_joins_nobody() -> None:
    ids = Scene({"a": 40, "b": 40}).shares("template", "t", a=1, b=1).operators()
    assert ids["a"] != ids["b"]


def test_a_declared_type_of_thing_joins_too() -> None:
    ids = Scene({"a": 10, "b": 12}).shares("device_id", "d", a=9, b=10).operators()
    assert ids["a"] == ids["b"]


def test_a_name_spreads_to_sister_rings_and_two_names_never_meet() -> None:
    scene = Scene({"a": 10, "b": 12, "c": 9}, named={"a": "Alder"})
    scene.shares("template", "t", a=9, b=10).shares("template", "u", b=10, c=8)
    assert scene.operators() == {"a": "Alder", "b": "Alder", "c": "Alder"}
    scene.named = {"a": "Alder", "c": "Birch"}
    ids = scene.operators()
    assert (ids["a"], ids["c"]) == ("Alder", "Birch")
    assert ids["b"] in ("Alder", "Birch")


def test_what_two_named_operators_have_is_a_vendors() -> None:
    scene = Scene({"a": 10, "b": 12, "c": 9}, named={"a": "Alder", "b": "Birch"})
    ids = scene.shares("template", "wrapper", a=9, b=10, c=9).operators()
    assert ids["c"].startswith(RESERVED_PREFIX)


def test_only_coordinated_rings_have_an_operator() -> None:
    ids = Scene({"a": 10, "b": 12}, kinds={"b": "reseller_pool"}).shares("template", "t", a=9, b=10).operators()
    assert list(ids) == ["a"]


def test_the_name_of_an_unknown_operator_lasts() -> None:
    scene = Scene({"a": 10, "b": 12}).shares("template", "t", a=9, b=10)
    first = scene.operators()
    grown = Scene({"a": 10, "b": 12, "c": 30}).shares("template", "t", a=9, b=10, c=20)
    second = grown.operators(previous(first))
    assert set(second.values()) == {first["a"]}
    apart = Scene({"a": 10, "b": 12, "c": 30}).shares("template", "t", a=9, c=20)
    third = apart.operators(previous(second))
    assert third["a"] == third["c"] == first["a"]
    assert third["b"] not in second.values()


def test_a_named_operator_leaves_the_old_name_unused() -> None:
    first = Scene({"a": 10, "b": 12}).shares("template", "t", a=9, b=10).operators()
    named = Scene({"a": 10, "b": 12}, named={"a": "Alder"}).shares("template", "t", a=9, b=10)
    assert set(named.operators(previous(first)).values()) == {"Alder"}


@settings(max_examples=15)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 60))
def test_strangers_never_add_evidence(n_a: int, n_b: int, strangers: int) -> None:
    def bits(others: int) -> float:
        scene = Scene({"a": 12, "b": 12}).shares("ip", "x", strangers=others, a=n_a, b=n_b)
        incidence, members, entities = scene.tables()
        entities["bits"] = 6.0
        table = ring_pairs(incidence, members, entities, ["R-a", "R-b"], {}, Settings())
        return float(table["bits"].sum())

    assert bits(strangers) <= bits(0) + 1e-9
