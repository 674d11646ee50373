"""Parts of a score in words: every measure of the catalogue has a short name, shares read as percents, few as none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measures.catalogue import MEASURES
from pipeline.part_words import ACCOUNTS_EXCESS, EXCESS, TITLES, reading, title


def test_every_measure_has_a_short_name_of_its_own() -> None:
    assert [m.name for m in MEASURES if m.name not in TITLES] == []
    assert len(set(TITLES.values())) == len(TITLES)
    assert max(map(len, TITLES.values())) <= 28
    assert title("declared:badge_id") == "Declared: badge id"


def test_shares_less_the_platforms_are_known_as_such() -> None:
    counted = ("accounts", "requests", "prompts", "an account's", "distinct", "days", "likeness")
    said = {
        m.name
        for m in MEASURES
        if m.unit == "share" and m.says.endswith(", above the platform's") and m.says.startswith(counted)
    }
    assert said == {m.name for m in MEASURES} & EXCESS
    assert {m.name for m in MEASURES if m.name in EXCESS and m.says.startswith("accounts")} == said & ACCOUNTS_EXCESS


@pytest.mark.parametrize(
    ("part", "value", "unit", "accounts", "read"),
    [
        ("handoffs", 0.891, "share", 51, "89%"),
        ("handoffs", 0.891, "share", 9, "0.891"),
        ("handoffs", 0.004, "share", 400, "below 1%"),
        ("handoffs", 0.0, "share", 400, "0%"),
        ("one_client", 0.207, "share", 51, "+21 points"),
        ("suspended", -0.012, "share", 51, "−1 point"),
        ("suspended", 0.001, "share", 51, "0 points"),
        ("weekend", -0.016, "share", 51, "−0.016"),
        ("text_bits", 6.1, "bits", 51, "6.1"),
    ],
)
def test_readings(part: str, value: float, unit: str, accounts: int, read: str) -> None:
    assert reading(part, value, unit, accounts) == read


@given(st.sampled_from([m.name for m in MEASURES]), st.floats(-5, 5), st.integers(20, 10**6))
def test_any_share_can_be_read_and_is_true_to_a_percent(part: str, value: float, accounts: int) -> None:
    read = reading(part, value, "share", accounts)
    if read.endswith("%") and read[0].isdigit():
        assert float(read[:-1]) == pytest.approx(100 * value, abs=0.51)
