"""What happens in a world: the populations and tactics are there as described."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pipeline.worlds import WORLDS, World, build, simulate
from tests.pipeline.worlds.test_tables import events

AGENT_HEADS = ("# Quillcode session", "<harborpilot", "SYSTEM NOTE FOR LANTERNLOOP")
BASE = replace(
    WORLDS["mixed"], n_accounts=500, prevalence=0.12, days=8, volume=0.4, resold_homes=150, ring_size=(15.0, 60.0)
)


def joined(folder: Path) -> pd.DataFrame:
    """Events with truth beside them."""
    return events(folder).merge(pd.read_parquet(folder / "truth.parquet"), on="account_id")


def test_default_texts_of_agents_head_about_a_third_of_the_prompts(tiny_world: Path) -> None:
    share = events(tiny_world).prompt.str.startswith(AGENT_HEADS).mean()
    assert 0.2 < share < 0.42


def test_prompts_are_in_many_languages_and_rarely_equal(tiny_world: Path) -> None:
    prompts = events(tiny_world).drop_duplicates("request_id").prompt.iloc[:4000]
    for script in (
        r"[\u4e00-\u9fff]{4}",
        r"[\u3040-\u30ff]{2}",
        r"[\u0600-\u06ff]{3}",
        r"\b(?:cada|según)\b",
        r"\b(?:wird|oder|nach)\b",
    ):
        assert prompts.str.contains(script, regex=True).mean() > 0.0005, script
    longer = prompts[(prompts.str.len() > 60) & ~prompts.str.startswith(AGENT_HEADS)]
    assert longer.duplicated().mean() < 0.01


def test_carriers_put_many_people_behind_few_addresses(tiny_world: Path) -> None:
    table = joined(tiny_world)
    degree = table.groupby("ip").account_id.nunique()
    by_population = table.assign(degree=table.ip.map(degree)).groupby("population").degree.mean()
    assert by_population["mobile"] > 1.5 * by_population["residential"]


def test_companies_share_cards_and_rest_at_weekends(tiny_world: Path) -> None:
    truth, payments = (pd.read_parquet(tiny_world / f"{name}.parquet") for name in ("truth", "payments"))
    shared = payments.groupby("payment_fingerprint").account_id.nunique()
    paid = (
        payments.assign(shared=payments.payment_fingerprint.map(shared))
        .merge(truth, on="account_id")
        .groupby("population")
        .shared.median()
    )
    assert paid["company"] >= 3
    assert paid["residential"] == 1
    table = joined(tiny_world)
    weekend = table.assign(weekend=table.timestamp.dt.day_of_week >= 5).groupby("population").weekend.mean()
    assert weekend["company"] < 0.75 * weekend[["residential", "mobile", "startup", "ci_bot", "household"]].mean()


@pytest.mark.parametrize("schedule", ["round_robin", "least_used"])
def test_balanced_relays_give_equal_volumes(tmp_path: Path, schedule: str) -> None:
    world = replace(BASE, schedules=(schedule,), evasion=(0.0, 0.0), mixed_traffic=0.0)
    build(world, tmp_path / "w", seed=2)
    table = joined(tmp_path / "w")
    busy = table[table.ring_id.notna()].groupby([table.ring_id, table.timestamp.dt.date, "account_id"]).size()
    daily = busy.groupby(level=[0, 1]).agg(["mean", "std", "size"])
    ring_spread = (daily["std"] / daily["mean"])[daily["size"] >= 5].median()
    people = table[table.population == "residential"].groupby(["account_id", table.timestamp.dt.date]).size()
    assert ring_spread < 0.6 * people.std() / people.mean()


def test_conversations_are_handed_from_account_to_account(tmp_path: Path) -> None:
    build(replace(BASE, schedules=("round_robin",), evasion=(0.0, 0.1)), tmp_path / "w", seed=3)
    table = joined(tmp_path / "w").drop_duplicates("request_id")
    heads = table.assign(head=table.prompt.str[:400])
    heads = heads[(heads.prompt.str.len() > 500) & ~heads.prompt.str.startswith(AGENT_HEADS)]
    shared = heads.groupby("head").agg(accounts=("account_id", "nunique"), rings=("ring_id", "nunique"))
    assert (shared[shared.rings == 1].accounts > 1).sum() > 5


def test_residential_proxies_leave_through_homes_of_innocents(tmp_path: Path) -> None:
    world = replace(BASE, exits=("proxy",), n_accounts=900, resold_homes=80)
    build(world, tmp_path / "w", seed=4)
    table = joined(tmp_path / "w")
    guilty, innocent = set(table.ip[table.ring_id.notna()]), set(table.ip[table.ring_id.isna()])
    assert len(guilty & innocent) > 10


def test_ipv6_rotators_stay_in_one_48(tmp_path: Path) -> None:
    build(replace(BASE, exits=("ipv6_many",), evasion=(0.0, 0.0), rings_per_operator=1.0), tmp_path / "w", seed=5)
    table = joined(tmp_path / "w")
    six = table[table.ring_id.notna() & table.ip.str.contains(":")].assign(
        site=lambda t: t.ip.str.lower().str.split(":").str[:3].str.join(":")
    )
    main = six.groupby("ring_id").site.agg(lambda s: s.value_counts(normalize=True).iloc[0])
    addresses = six.groupby("ring_id").ip.nunique()
    assert main.median() > 0.6
    assert addresses.median() > 30


def test_evasion_makes_rings_share_less(tmp_path: Path) -> None:
    cards, volume = {}, {}
    for care in (0.0, 1.0):
        folder = tmp_path / str(care)
        build(replace(BASE, evasion=(care, care), ring_size=(8.0, 20.0)), folder, seed=6)
        truth, payments = (pd.read_parquet(folder / f"{name}.parquet") for name in ("truth", "payments"))
        guilty = payments[payments.account_id.isin(truth.account_id[truth.ring_id.notna()])]
        cards[care] = (guilty.groupby("payment_fingerprint").account_id.nunique() > 1).mean()
        table = joined(folder)
        volume[care] = table[table.ring_id.notna()].groupby("account_id").size().median()
    assert cards[1.0] < 0.5 * cards[0.0]
    assert volume[1.0] < volume[0.0]


def test_held_out_tactics_do_not_occur(tmp_path: Path) -> None:
    build(replace(BASE, exits=("few", "vpn"), cards=("own",), schedules=("sticky",)), tmp_path / "w", seed=7)
    rings = pd.read_parquet(tmp_path / "w" / "truth_rings.parquet")
    assert set(rings.exits) <= {"few", "vpn"}
    assert set(rings.cards) == {"own"}
    assert set(rings.schedule) == {"sticky"}


def test_onset_begins_on_day_twenty_and_bans_replace_accounts(tmp_path: Path) -> None:
    world = replace(
        WORLDS["onset"], n_accounts=500, prevalence=0.12, volume=0.15, cards=("shared",), ring_size=(20.0, 60.0)
    )
    build(world, tmp_path / "w", seed=8)
    table = joined(tmp_path / "w")
    guilty = table[table.ring_id.notna()]
    day = (guilty.timestamp - pd.Timestamp("2026-03-02", tz="UTC")).dt.days
    assert day.min() >= 20
    before, after = set(guilty.account_id[day < 29]), set(guilty.account_id[day >= 30])
    assert before and after
    assert not before & after
    payments = pd.read_parquet(tmp_path / "w" / "payments.parquet")
    cards = [set(payments.payment_fingerprint[payments.account_id.isin(side)]) for side in (before, after)]
    assert len(cards[0] & cards[1]) >= 2


def test_campaign_has_the_four_operators_in_size(tmp_path: Path) -> None:
    simulate("campaign-2026", tmp_path / "w", scale=0.0006, seed=9)
    table = joined(tmp_path / "w")
    sizes = table.groupby("operator").size()
    assert list(sizes.index) == ["Alder", "Birch", "Cedar", "Dogwood"]
    for name, requests in (("Birch", 3.4e6), ("Cedar", 13e6), ("Dogwood", 28.8e6)):
        assert 0.75 < sizes[name] / (requests * 0.0006) < 1.35, name
    assert table.timestamp.min().date().isoformat() == "2026-04-22"
    assert table.timestamp.max().date().isoformat() == "2026-06-05"


def test_indicators_are_partial_and_about_one_in_eleven_wrong(tmp_path: Path) -> None:
    world: World = replace(
        BASE, n_accounts=2500, prevalence=0.15, days=1, volume=0.05, rings_per_operator=1.5, ring_size=(6.0, 12.0)
    )
    build(world, tmp_path / "w", seed=10)
    indicators, truth = (pd.read_parquet(tmp_path / "w" / f"{name}.parquet") for name in ("indicators", "truth"))
    accounts = indicators[indicators.entity_type == "account"].merge(
        truth, left_on="value", right_on="account_id", suffixes=("", "_true")
    )
    wrong = (accounts.operator != accounts.operator_true).mean()
    assert 0.02 < wrong < 0.25
    assert {"account", "template", "payment"} <= set(indicators.entity_type)
    named = indicators.operator.nunique()
    assert 0.6 * truth.operator.nunique() < named <= truth.operator.nunique()
