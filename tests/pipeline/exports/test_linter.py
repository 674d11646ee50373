"""The linter stops sentences that say more than is known, and lets through those that do not."""

from __future__ import annotations

import pytest

from pipeline.exports.linter import check, sentences
from pipeline.exports.trace import Source, cite
from pipeline.measures.catalogue import MEASURES, Measure
from pipeline.part_words import title
from pipeline.words import PART_WORDS

ANY = Source("value", "rings", "size")


def n(shown: str) -> str:
    """A number with a source."""
    return cite(shown, ANY, shown)


BAD = [
    ("We have high confidence that it is likely (0.71) one operation.", "joins"),
    (f"Our confidence is high: it is very likely ({n('0.86')}) one group.", "joins likelihood and confidence"),
    ("R-1042 is run by Alder.", "hypothesis as a fact"),
    ("Alder operates R-1042.", "hypothesis as a fact"),
    (f"Birch ({n('0.61')}) is behind it.", "below the naming level"),
    ("The accounts are one coordinated operation.", "hypothesis as a fact"),
    (f"{n('453')} fraudsters were found.", "accuses"),
    (f"{n('453')} accounts were caught.", "accuses"),
    ("The accounts probably shared a card.", "second-row"),
    ("It is highly likely that they share a card.", "second-row"),
    (f"Nearly {n('28.8 million')} requests were made.", "rounds"),
    (f"They made up to {n('40')} requests.", "rounds"),
    (f"Requests came from some {n('25,000')} accounts.", "rounds"),
    ("Sign-ups exploded in May.", "colours"),
    ("A sophisticated operation.", "colours"),
    ("A massive group.", "colours"),
    ("They stopped because of the bans.", "cause"),
    ("Two accounts were banned.", "stopped for a reason not known"),
    ("It might possibly be a reseller.", "hedges"),
    ("It could be a reseller.", "hedges"),
    ("There are no other rings.", "absence"),
    ("They wanted to copy the model.", "motive"),
    ("This clearly shows one hand.", "certainty"),
    ("It is proven.", "certainty"),
    (f"It is likely ({n('0.93')}) that they are one group.", "different bands"),
    ("It is very likely that they are one group.", "without its number"),
    ("There were 453 accounts.", "number without a source"),
    (f"The first was seen on {n('3 May')}.", "date without a year"),
    (f"{n('40%')} of {n('15')} accounts.", "percentage of fewer than 20"),
    ("The attack began early.", "accuses"),
]


@pytest.mark.parametrize(("sentence", "rule"), BAD, ids=[b[0][:40] for b in BAD])
def test_bad_sentences_are_stopped(sentence: str, rule: str) -> None:
    found = check(sentence, below=frozenset({"Birch"}))
    assert any(rule in f.rule for f in found), found


GOOD = [
    f"It is likely ({n('0.71')}) that the {n('64')} accounts are one coordinated operation.",
    f"Our confidence is moderate: {n('2')} kinds of evidence count three bits or more, stability is {n('0.90')}.",
    f"It is very likely ({n('0.86')}) that Alder operates R-1042.",
    f"The operation is not attributed. The best named rival reached {n('0.61')}.",
    f"{n('453')} accounts are linked; {n('431')} of them belong with membership 0.5 or more.",
    f"Nine accounts paid with one card between {n('22 Apr 2026')} and {n('3 May 2026')}.",
    f"{n('25,104')} accounts made {n('28.8 million')} requests, 22 Apr–5 Jun 2026.",
    f"In the seven days after {n('3 May 2026')}, {n('311')} accounts were first seen; in the seven "
    f"days before, {n('40')}.",
    f"There is almost no chance (below {n('0.01')}) that it is a reseller pool.".replace(
        "below " + n("0.01"), n("below 0.01")
    ),
    f"There is a roughly even chance ({n('0.50')}) that they are one coordinated operation.",
    f"{n('38%')} of {n('400')} requests follow one template that asks for reasoning steps. The purpose is not known.",
    "Who operates the accounts is not known.",
]


@pytest.mark.parametrize("sentence", GOOD)
def test_good_sentences_pass(sentence: str) -> None:
    assert check(sentence, below=frozenset({"Birch"}), allowed=("22 Apr–5 Jun 2026",)) == []


def test_the_same_name_passes_where_it_reached_the_level() -> None:
    text = f"It is very likely ({n('0.86')}) that Birch operates R-1042."
    assert check(text, names=frozenset({"Birch"}), below=frozenset({"Birch"})) == []
    assert check(text, below=frozenset({"Birch"})) != []


def test_sentences_end_outside_numbers_only() -> None:
    source = Source("count", "members", "", (("ring_id", "=", "R-1"), ("membership", ">=", "0.5")))
    text = f"First {cite('0.71', source, 0.71)} of all. Second; third."
    assert len(list(sentences(text))) == 3


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_no_measure_is_worded_so_that_a_briefing_of_it_is_refused(measure: Measure) -> None:
    does = f"They {PART_WORDS[measure.name]}" if measure.name in PART_WORDS else title(measure.name)
    text = f"{does}: {n('60%')}, beside {n('9%')} in comparable innocent groups."
    assert check(text) == []
