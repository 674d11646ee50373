"""Numbers that know their source, and how numbers are written."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.exports import numbers
from pipeline.exports.trace import BETWEEN, CLOSE, OPEN, Source, cite, cited, pieces, plain, safe, uncited
from tests.support.hostile import PAYLOADS

SOURCE = Source("sum", "rings", "n_events", (("ring_id", "=", "R-1"), ("day", ">=", "2026-04-22")))


def test_a_cited_number_reads_as_itself() -> None:
    text = f"It made {cite('1,200', SOURCE, 1200)} requests."
    assert plain(text) == "It made 1,200 requests."
    assert "1,200" not in uncited(text)
    found = list(cited(text))
    assert [(c.shown, c.exact) for c in found] == [("1,200", "1200")]
    assert found[0].source == "sum rings.n_events where ring_id = R-1; day >= 2026-04-22"


@given(st.lists(st.tuples(st.text(alphabet="abc .,", max_size=12), st.integers(0, 10**9)), max_size=6))
def test_pieces_put_together_are_the_text(parts: list[tuple[str, int]]) -> None:
    text = "".join(before + cite(str(n), SOURCE, n) for before, n in parts)
    again = "".join(p if isinstance(p, str) else f"{p.shown}" for p in pieces(text))
    assert again == plain(text) == "".join(f"{before}{n}" for before, n in parts)
    assert [c.exact for c in cited(text)] == [str(n) for _, n in parts]


@given(st.text(max_size=200))
def test_strangers_text_never_acts(text: str) -> None:
    made = safe(text)
    assert len(made) <= 60
    assert all(c.isprintable() for c in made)
    assert not set(made) & {OPEN, BETWEEN, CLOSE}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_become_one_plain_line(payload: str) -> None:
    assert "\n" not in safe(payload) and "\u202e" not in safe(payload) and "\x1b" not in safe(payload)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (numbers.count(25_104), "25,104"),
        (numbers.count(9_999_999), "9,999,999"),
        (numbers.count(28_800_000), "28.8 million"),
        (numbers.bits(6.1), "+6.1"),
        (numbers.bits(-9.0), "−9.0"),
        (numbers.bits(0.01), "0.0"),
        (numbers.probability(0.004), "below 0.01"),
        (numbers.probability(0.995), "above 0.99"),
        (numbers.probability(0.7), "0.70"),
        (numbers.percent(1, 1000), "below 1%"),
        (numbers.percent(999, 1000), "above 99%"),
        (numbers.percent(16, 100), "16%"),
        (numbers.percent(0, 10), "0%"),
        (numbers.measure(0.71), "0.71"),
        (numbers.measure(3.0), "3"),
        (numbers.measure(1234.5), "1,234"),
        (numbers.short(800_000), "800k"),
        (numbers.short(1_250_000_000), "1.2bn"),
    ],
)
def test_how_numbers_are_written(made: str, expected: str) -> None:
    assert made == expected


def test_how_dates_are_written() -> None:
    first, last = pd.Timestamp("2026-04-22", tz="UTC"), pd.Timestamp("2026-06-05", tz="UTC")
    assert numbers.days(first, last) == "22 Apr–5 Jun 2026"
    assert numbers.days(first, first) == "22 Apr 2026"
    assert numbers.days(first - pd.Timedelta(365, "D"), last) == "22 Apr 2025–5 Jun 2026"
    assert numbers.window(first, last + pd.Timedelta(1, "D")) == "22 Apr–5 Jun 2026"
