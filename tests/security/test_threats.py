"""The threat model, row by row: what an attacker may try against the method, what it costs him, what it changes.

Each test states the bound that `docs/explanation/threat-model.md` claims. The bounds are about who stands together and
what is told, not about particular scores: those change with the scoring model.
"""

from __future__ import annotations

import dataclasses
import random
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.link_types import LinkType, link_types
from pipeline.run import Request, carry_out
from pipeline.settings import ExportsSettings, NullSettings, RunSettings, ScoresSettings, Settings
from pipeline.stages._entity_classes import CIRCLE, COUNTS, ClassRules, classify
from tests.support.models import hand_made
from tests.support.tiny import Tiny, tiny_world, write_tiny

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/explanation/threat-model.md"
# The shipped model takes eight accounts on a tiny platform for nothing, whole or not; how a ring is cut is asked of one
# that knows a ring when it sees it.
MODEL = hand_made(Path(tempfile.mkdtemp()) / "model.json", coordinated="two_families", whole="text_closed", offset=6.0)
SETTINGS = Settings(
    exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1),
    scores=ScoresSettings(report_floor=0.0, model=MODEL), null=NullSettings(rewirings=1),
)  # fmt: skip
CAMPUS, HOUSEHOLD = "198.51.6.1", "198.51.9.1"  # addresses of innocents in the tiny world
Change = Callable[[Tiny], Tiny]
_RUNS: dict[str, Path] = {}


def ring(world: Tiny, number: int = 0) -> set[str]:
    """Accounts of a planted ring."""
    return set(world.truth[world.truth.ring_id == f"ring-{number}"].account_id)


def requests(world: Tiny, per_account: int, **values: object) -> pd.DataFrame:
    """Further requests of every account of the ring, copies of its own with some columns changed."""
    rows = world.events[world.events.account_id.isin(ring(world))].groupby("account_id").head(per_account)
    moved = rows.assign(request_id="x-" + rows.request_id, timestamp=rows.timestamp + pd.Timedelta(minutes=7))
    return moved.assign(**values)


def more(world: Tiny, rows: pd.DataFrame) -> Tiny:
    return dataclasses.replace(world, events=pd.concat([world.events, rows], ignore_index=True))


def same(world: Tiny) -> Tiny:
    return world


def through_the_campus(world: Tiny) -> Tiny:
    """40 requests an account through the address of a campus."""
    return more(world, requests(world, 40, ip=CAMPUS))


def through_a_household(world: Tiny) -> Tiny:
    """40 requests an account through the address of a household, as residential proxies sell it."""
    return more(world, requests(world, 40, ip=HOUSEHOLD))


def a_card_each(world: Tiny) -> Tiny:
    """Every account pays with a card of its own."""
    mine = ring(world)
    pairs = zip(world.payments.account_id, world.payments.payment_fingerprint, strict=True)
    return dataclasses.replace(world, payments=world.payments.assign(
        payment_fingerprint=[f"own-{a}" if a in mine else card for a, card in pairs]
    ))  # fmt: skip


def a_flood_of_noise(world: Tiny) -> Tiny:
    """Five requests of noise, through rotating addresses, for every request of the ring."""
    dice = random.Random(3)
    rows = pd.concat([requests(world, 40, number=n) for n in range(5)], ignore_index=True)
    return more(world, rows.drop(columns="number").assign(
        request_id=[f"noise-{n}" for n in range(len(rows))],
        prompt=[" ".join(f"{dice.getrandbits(30):x}" for _ in range(20)) for _ in range(len(rows))],
        ip=[f"100.{dice.randint(64, 127)}.{dice.randrange(256)}.{dice.randrange(256)}" for _ in range(len(rows))],
    ))  # fmt: skip


def poisoned_frames(world: Tiny) -> Tiny:
    """Ring 0 sends 40 near copies an account of the other ring's frame, each with other words in the fixed places."""
    dice = random.Random(5)
    theirs = world.events[world.events.account_id.isin(ring(world, 1))].prompt.tolist()
    rows = requests(world, 40)

    def near(text: str) -> str:
        return " ".join(f"{dice.getrandbits(20):x}" if dice.random() < 0.3 else w for w in text.split(" "))

    return more(world, rows.assign(prompt=[near(dice.choice(theirs)) for _ in range(len(rows))]))


CHANGES: dict[str, Change] = {c.__name__: c for c in (
    same, through_the_campus, through_a_household, a_card_each, a_flood_of_noise, poisoned_frames,
)}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Tiny:
    return tiny_world()


@pytest.fixture(scope="module")
def runs(world: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The finished run of a changed world, carried out once."""

    def of(name: str) -> Path:
        if name not in _RUNS:
            place = tmp_path_factory.mktemp(name)
            source = write_tiny(CHANGES[name](world), place / "in")
            _RUNS[name] = Path(carry_out(Request(str(source), str(place / "out"), SETTINGS, keep_working=True)).place)
        return _RUNS[name]

    return of


def neighbours(run: Path, accounts: set[str]) -> tuple[int, set[str]]:
    """How many of some accounts stand together in their largest group, and who else is surely in a group of theirs."""
    members = pd.read_parquet(run / "members.parquet")
    theirs = members[members.account_id.isin(accounts)]
    beside = members[members.ring_id.isin(theirs.ring_id) & ~members.account_id.isin(accounts)]
    most = int(theirs.ring_id.value_counts().max()) if len(theirs) else 0
    return most, set(beside[beside.membership >= 0.5].account_id)


@pytest.mark.parametrize("attack", ["through_the_campus", "through_a_household"])
def test_innocents_are_not_glued_to_a_ring(attack: str, world: Tiny, runs: Callable[[str], Path]) -> None:
    """320 requests through the address of strangers bring none of them into the ring, and leave the ring whole."""
    together, strangers = neighbours(runs(attack), ring(world))
    assert strangers == set() and together >= 7


@pytest.mark.parametrize("attack", ["same", "a_card_each", "a_flood_of_noise"])
def test_a_ring_is_not_split_cheaply(attack: str, world: Tiny, runs: Callable[[str], Path]) -> None:
    """Eight further cards, or 1,600 requests of noise, leave seven of its eight accounts together."""
    together, strangers = neighbours(runs(attack), ring(world))
    assert together >= 7 and strangers == set()


def test_ids_of_templates_are_not_poisoned(world: Tiny, runs: Callable[[str], Path]) -> None:
    """320 near copies of somebody's frame leave the ids of nineteen in twenty of his requests as they were."""
    theirs = ring(world, 1)
    ids = []
    for name in ("same", "poisoned_frames"):
        rows = pd.read_parquet(runs(name) / "working" / "template_events.parquet")
        ids.append(rows[rows.account_id.isin(theirs)].set_index("request_id").template_id.fillna(""))
    before, after = ids[0].align(ids[1])
    assert len(before) == 8 * 40 and (before == after).mean() >= 0.95


def _classes(
    n: int, platform: int, sticky: float, kind: str = "template", same_users: float = 0.0
) -> tuple[str, float]:
    """Class of an entity of so many accounts, and the share of its rarity that counts."""
    table = pd.DataFrame({
        "entity_type": [kind], "n_accounts": [n], "squares": [n * n], "account_days": [n], "n_days": [1],
        "sticky": [int(1000 * sticky * n)], "in_top_organisation": [0], "kind": [None],
        "same_users": [same_users],
    })  # fmt: skip
    declared = (LinkType("device_id", "events", "device_id", "device"),)
    rules = ClassRules(SETTINGS.entities.public_share, SETTINGS.entities.public_accounts, platform)
    said, _, counts = classify(table, {t.name: t for t in link_types(declared)}, rules)
    return str(said[0]), float(counts[0])


@pytest.mark.parametrize(("platform", "price"), [(3_000, 60), (100_000, 1_000), (1_000_000, 10_000)])
def test_making_a_frame_public_costs_accounts(platform: int, price: int) -> None:
    """A frame proves nothing from 60 accounts and 1% of the platform on, and only where it is a small part of what
    each of them sends: cover has to be bought for that many accounts."""
    assert _classes(price, platform, 0.2) == ("public template", COUNTS["public template"])
    assert _classes(price - 1, platform, 0.2)[0] != "public template"
    assert _classes(price, platform, 0.5)[0] == "private template"
    # not even then where they all use another of his frames: the cover has to be of strangers
    assert _classes(price, platform, 0.2, same_users=0.9) == (CIRCLE, COUNTS[CIRCLE])


def test_a_hub_costs_its_maker_and_not_us(world: Tiny, tmp_path: Path) -> None:
    """One device of 2,000 accounts makes no pairs and no ring of its owners' neighbours: links stay 20 an account."""
    rows = [
        {"request_id": f"hub-{n}", "timestamp": world.events.timestamp.iloc[n % 100], "account_id": f"hub-{n:05d}",
         "ip": f"100.64.{n // 250}.{n % 250}", "prompt": None, "device_id": "dev-hub"} for n in range(2_000)
    ]  # fmt: skip
    flooded = more(world, pd.DataFrame(rows))
    declared = dataclasses.replace(SETTINGS, link_types=(LinkType("device_id", "events", "device_id", "device"),))
    run = Path(carry_out(Request(str(write_tiny(flooded, tmp_path / "in")), str(tmp_path / "out"), declared)).place)
    links = pd.read_parquet(run / "links.parquet")
    ends = pd.concat([links.account_a, links.account_b])
    assert len(links) <= SETTINGS.evidence.links_per_account * ends.nunique()
    together, strangers = neighbours(run, ring(world))
    assert together >= 7 and not any(a.startswith("hub-") for a in strangers)
    assert np.isfinite(links.bits).all()


# the page ----------------------------------------------------------------------------------------------------------


def rows_of_the_page() -> list[list[str]]:
    """Cells of the rows of every table of the page."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "---" not in line]
    return [[c.strip() for c in line.strip("|").split("|")] for line in lines if "`tests/" in line]


def test_every_row_of_the_page_has_its_test() -> None:
    rows = rows_of_the_page()
    assert len(rows) >= 20
    for row in rows:
        assert len(row) == 5 and all(row), row
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[-1])
        assert named, row
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(), f"{path} has no {name}"


def test_every_attack_of_this_file_is_on_the_page() -> None:
    said = PAGE.read_text()
    own = re.findall(r"^def (test_\w+)\(", Path(__file__).read_text(), re.MULTILINE)
    assert [n for n in own if not n.startswith("test_every") and n not in said] == []
