"""Likelihood and confidence: the right word, the right number, never both in one sentence."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.words import BANDS, confidence, counted, it_is, likelihood, listed, number, term


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "almost no chance (below 0.01)"),
        (0.01, "almost no chance (0.01)"),
        (0.0499, "almost no chance (0.04)"),
        (0.05, "very unlikely (0.05)"),
        (0.2, "unlikely (0.20)"),
        (0.29, "unlikely (0.29)"),
        (0.45, "roughly even chance (0.45)"),
        (0.5499, "roughly even chance (0.54)"),
        (0.55, "likely (0.55)"),
        (0.7999, "likely (0.79)"),
        (0.80, "very likely (0.80)"),
        (0.95, "almost certain (0.95)"),
        (0.99, "almost certain (0.99)"),
        (0.9951, "almost certain (above 0.99)"),
        (1.0, "almost certain (above 0.99)"),
    ],
)
def test_term_and_number(probability: float, said: str) -> None:
    assert likelihood(probability) == said


@given(st.floats(0, 1))
def test_the_printed_number_lies_in_the_band_of_the_word(probability: float) -> None:
    printed = number(probability)
    word = term(probability)
    if printed[0].isdigit():
        assert term(float(printed)) == word
        assert abs(float(printed) - probability) <= 0.01 + 1e-9
    assert word in {w for _, w in BANDS}


@given(st.floats(0, 1))
def test_a_sentence_has_a_verb_and_its_term(probability: float) -> None:
    sentence = it_is(probability, "the 3 accounts are one coordinated operation")
    assert re.match(r"(It is|There is)( an?| a)? ?[a-z ]+\((below |above )?0\.\d\d\) that ", sentence)
    assert sentence.endswith(".")


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        term(probability)


@pytest.mark.parametrize(
    ("families", "stability", "q", "level"),
    [
        ([3.0, 3.0], 0.9, 0.01, "high"),
        ([5.0, 2.9], 0.9, 0.01, "low"),
        ([3.0, 3.0], 0.89, 0.01, "moderate"),
        ([3.0, 3.0], 0.9, 0.02, "moderate"),
        ([3.0, 3.0], 0.69, 0.01, "low"),
        ([3.0, 3.0], 0.9, 0.06, "low"),
        ([], 1.0, 0.0, "low"),
    ],
)
def test_confidence_follows_its_rule(families: list[float], stability: float, q: float, level: str) -> None:
    found = confidence(families, stability, q)
    assert found.level == level
    assert found.sentence.startswith(f"Confidence is {level}: ")


@given(st.lists(st.floats(0, 20), max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_confidence_never_speaks_of_likelihood(families: list[float], stability: float, q: float) -> None:
    sentence = confidence(families, stability, q).sentence
    assert not any(re.search(rf"\b{word}\b", sentence) for _, word in BANDS)
    assert sentence.count(".") >= 1
    assert sentence.endswith(".")


def test_counts_and_lists() -> None:
    assert [counted(1, "account"), counted(1_234, "account"), counted(2, "family", "families")] == [
        "1 account",
        "1,234 accounts",
        "2 families",
    ]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
