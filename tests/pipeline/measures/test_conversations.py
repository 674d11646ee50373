"""Hand-offs of a planted relay, and what is left of them by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphs.ties import Groups
from pipeline.measures.conversations import by_chance, handoffs

RINGS = [[f"r{ring}-{i}" for i in range(10)] for ring in range(30)]
ACCOUNTS = np.array(sorted(name for ring in RINGS for name in ring), dtype=object)


@pytest.fixture(scope="module")
def relayed() -> pd.DataFrame:
    """Thirty rings of ten accounts; each account hands four conversations on within its ring, ten minutes later."""
    dice = np.random.default_rng(4)
    rows = []
    for ring in RINGS:
        for account in ring * 4:
            other = dice.choice([name for name in ring if name != account])
            begun = pd.Timestamp("2026-03-02", tz="UTC") + pd.Timedelta(minutes=int(dice.integers(0, 40_000)))
            rows += [(account, begun), (other, begun + pd.Timedelta(minutes=10))]
    table = pd.DataFrame(rows, columns=["account_id", "first_seen"])
    table["conversation"] = np.repeat(np.arange(len(rows) // 2, dtype=np.uint64) * np.uint64(7919), 2)
    return table.assign(n_events=1, last_seen=table["first_seen"])


def _rings() -> Groups:
    number = {name: i for i, name in enumerate(ACCOUNTS)}
    account = np.array([number[name] for ring in RINGS for name in sorted(ring)], dtype=np.int64)
    return Groups.from_arrays(np.repeat(np.arange(len(RINGS)), 10), account, len(RINGS))


def test_by_chance_nobody_hands_on_within_a_ring(relayed: pd.DataFrame) -> None:
    assert handoffs(relayed, _rings(), ACCOUNTS).min() == 1.0
    left = handoffs(by_chance(relayed, ACCOUNTS, seed=1), _rings(), ACCOUNTS)
    assert left.mean() < 0.4  # nine others in 299 are of the same ring; eight conversations an account
    assert np.isfinite(left).all()


def test_by_chance_everybody_keeps_as_many_conversations_and_these_their_times(relayed: pd.DataFrame) -> None:
    mixed = by_chance(relayed, ACCOUNTS, seed=1)
    assert mixed["account_id"].value_counts().to_dict() == relayed["account_id"].value_counts().to_dict()
    assert not mixed.duplicated(["conversation", "account_id"]).any()
    by_start = ["conversation", "first_seen"]
    left, right = (t.sort_values(by_start)[by_start].reset_index(drop=True) for t in (relayed, mixed))
    pd.testing.assert_frame_equal(left, right)


def test_by_chance_says_the_same_whatever_the_order_of_rows(relayed: pd.DataFrame) -> None:
    turned, mixed = relayed.sample(frac=1.0, random_state=3), by_chance(relayed, ACCOUNTS, seed=1)
    pd.testing.assert_frame_equal(mixed, by_chance(turned, ACCOUNTS, seed=1))
    assert not by_chance(relayed, ACCOUNTS, seed=2)["account_id"].equals(mixed["account_id"])


def test_by_chance_leaves_out_who_is_not_asked_for(relayed: pd.DataFrame) -> None:
    few = ACCOUNTS[:10]
    assert set(by_chance(relayed, few, seed=1)["account_id"]) <= set(few)
    assert by_chance(relayed, np.array(["nobody"], dtype=object), seed=1).empty
    assert by_chance(relayed.iloc[:0], ACCOUNTS, seed=1).empty
