"""Who joins a ring, who stays as fringe, and what is left of the groups that others join from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.stages.membership import _settled

CANDIDATES = pd.DataFrame(
    {"candidate": [0, 1, 2, 3], "parent": pd.array([2, None, None, None], dtype="Int64"),
     "kind": ["coordinated", "coordinated", "reseller_pool", "unclear"]}
)  # fmt: skip


def _rows(*rows: tuple[int, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["candidate", "account_id", "membership"])


CORES = pd.concat(
    [
        _rows(*((0, f"a{i}", 0.9) for i in range(4))),
        _rows(*((1, f"b{i}", 0.9) for i in range(4))),
        _rows(*((2, f"p{i}", 0.6) for i in range(4)), (2, "a0", 0.6)),
        _rows(*((3, f"u{i}", 0.7) for i in range(4))),
    ],
    ignore_index=True,
)


def _made(*belong: tuple[int, str, float], by_text: bool = True) -> pd.DataFrame:
    """Members with the probabilities given; members that are not named belong by 0.8."""
    named = {(c, a) for c, a, _ in belong}
    found_by_search = {(c, a) for c, a in zip(CORES["candidate"], CORES["account_id"], strict=True) if c < 2}
    rest = [(c, a, 0.8) for c, a in sorted(found_by_search - named)]
    table = _rows(*belong, *rest)
    core = [key in found_by_search for key in zip(table["candidate"], table["account_id"], strict=True)]
    return _settled(table.assign(core=core, by_text=by_text), CORES, CANDIDATES)


def _where(made: pd.DataFrame, account: str) -> dict[int, float]:
    mine = made[made["account_id"] == account]
    return dict(zip(mine["candidate"], mine["membership"], strict=True))


def test_members_who_do_not_belong_stay_as_fringe() -> None:
    assert _where(_made((0, "a1", 0.2)), "a1") == {0: 0.2}


@pytest.mark.parametrize(("sure", "joins"), [(0.7, True), (0.69, False)])
def test_strangers_join_from_seven_tenths_on(sure: float, joins: bool) -> None:
    assert _where(_made((0, "stranger", sure)), "stranger") == ({0: sure} if joins else {})


@pytest.mark.parametrize(("sure", "joins"), [(0.9, True), (0.89, False)])
def test_who_shares_no_text_must_belong_more_surely_to_join(sure: float, joins: bool) -> None:
    made = _made((0, "stranger", sure), (0, "a1", 0.6), by_text=False)
    assert _where(made, "stranger") == ({0: sure} if joins else {})
    assert _where(made, "a1") == {0: 0.6}  # members stay what they are


def test_an_account_joins_the_ring_it_belongs_to_most_surely() -> None:
    assert _where(_made((0, "stranger", 0.7), (1, "stranger", 0.9)), "stranger") == {1: 0.9}
    assert _where(_made((1, "a1", 0.9)), "a1") == {1: 0.9}  # it leaves the ring it was found in
    assert _where(_made((1, "a1", 0.8)), "a1") == {0: 0.8}  # unless it belongs there as surely


def test_who_joins_leaves_a_group_that_is_no_pool_and_stays_in_the_pool() -> None:
    assert _where(_made((0, "u1", 0.9)), "u1") == {0: 0.9}
    assert _where(_made((0, "p1", 0.9)), "p1") == {0: 0.9, 2: 0.6}
    assert _where(_made(), "a0") == {0: 0.8, 2: 0.6}


def test_a_group_keeps_three_accounts_whoever_leaves() -> None:
    made = _made(*((0, f"u{i}", 0.7 + i / 20) for i in range(4)))
    assert made.groupby("candidate").size().to_dict() == {0: 5, 1: 4, 2: 5, 3: 3}
    assert _where(made, "u3") == {0: pytest.approx(0.85)}  # the surest goes


def test_no_account_is_twice_in_groups_of_one_level() -> None:
    dice = np.random.default_rng(1)
    names = [*CORES["account_id"].unique(), *(f"s{i}" for i in range(10))]
    belong = {(int(dice.integers(0, 2)), str(dice.choice(names)), round(float(dice.random()), 3)) for _ in range(60)}
    once = {(c, a): p for c, a, p in belong}
    made = _made(*((c, a, p) for (c, a), p in once.items()))
    level = made[made["candidate"] != 2]
    assert not level["account_id"].duplicated().any()
    assert set(CORES["account_id"]) <= set(made["account_id"])
