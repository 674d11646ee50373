"""Frames built from sentences that others use as well: found by which fingerprints follow one another."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.combined import assign_both, combine, combined_rules, longer_of, open_to
from pipeline.text.frames import FrameRules, Shared, talks
from pipeline.text.labels import Frames, Labels, assign
from pipeline.text.sketches import sketch
from pipeline.text.traits import language_names
from pipeline.text.wrappers import Held
from tests.pipeline.text.mining import mine
from tests.pipeline.text.planted import Planted, pairwise, sentence

_THINGS = """harbour ledger sensor museum recipe contract engine garden lecture archive bridge novel invoice orchestra
glacier syllabus battery mosaic vaccine railway""".split()
_KINDS = "quiet northern fragile medieval rapid hollow digital bitter coastal spare modest radical".split()
_SENTENCES = (
    "{Score|Grade|Rate} the answer {from|between} 3 to 8 against these criteria: {a}, {b}, {c}.",
    "{Decide|Judge|Determine} whether {a} promotes {b}, and {give|state|name} the {chief|main} reason.",
    "{Rewrite|Recast} the passage so that a reader of {a} can follow it without knowing {b}.",
    "{Use|Write|Keep to} no more than 45 {words|lines|sentences} about {a} per point.",
    "{Lay out|Format|Arrange} the {answer|result} as a table with {a} and {b} in columns.",
)


def _worded(dice: random.Random, line: str) -> str:
    """Take one of the wordings of each {choice}."""
    while "{" in line:
        before, _, rest = line.partition("{")
        words, _, after = rest.partition("}")
        line = before + dice.choice(words.split("|")) + after
    return line


def _frame(dice: random.Random) -> list[str]:
    lines = dice.sample(_SENTENCES, k=3)
    for name in "abc":
        thing = f"the {dice.choice(_KINDS)} {dice.choice(_THINGS)}"
        lines = [line.replace("{" + name + "}", thing) for line in lines]
    return lines


def plant_shared(seed: int, n_frames: int = 30, n_each: int = 60) -> Planted:
    """Prompts of closed circles whose frames are made of the same five sentences, worded anew each time."""
    dice = random.Random(seed)
    rows: list[tuple[str, int, str]] = []
    for number in range(n_frames):
        lines = _frame(dice)
        members = [f"ring {number} {member}" for member in range(6)]
        for _ in range(n_each):
            slot = " ".join(sentence(dice) for _ in range(dice.randint(2, 8)))
            rows.append((" ".join([*(_worded(dice, line) for line in lines), slot]), number, dice.choice(members)))
    for number in range(600):  # strangers: one of the sentences, with things of their own, once
        line = _worded(dice, _frame(dice)[0])
        text = " ".join([line, *(sentence(dice) for _ in range(dice.randint(2, 8)))])
        rows.append((text, -1, f"someone {number}"))
    dice.shuffle(rows)
    return Planted([row[0] for row in rows], np.array([row[1] for row in rows]), [row[2] for row in rows])


def test_frames_of_sentences_that_others_use_are_found() -> None:
    alone, both, precise = [], [], []
    for seed in (1, 2, 3):
        plan = plant_shared(seed)
        found = mine(plan.texts, plan.accounts)
        second = found.private >= len(found.frames.ids)
        alone.append(pairwise(plan.frame, np.where(second, -1, found.private))[1])
        both.append(pairwise(plan.frame, found.private)[1])
        precise.append(pairwise(np.where(second, plan.frame, -1), np.where(second, found.private, -1))[0])
    assert np.mean(alone) < 0.7, "the plan does not need combined fingerprints"
    assert np.mean(both) > 0.85
    assert np.mean(precise) > 0.97


def test_what_strangers_say_once_each_is_no_frame() -> None:
    dice = random.Random(5)
    phrase = "Please be so kind as to answer the following question of mine before you turn to anything else today."
    texts = [" ".join([sentence(dice), phrase, *(sentence(dice) for _ in range(4))]) for _ in range(45)]
    strangers = [f"someone {number}" for number in range(45)]
    assert (mine(texts, strangers).private < 0).all()
    circle = [f"member {number % 5}" for number in range(45)]
    assert (mine(texts, circle).private >= 0).mean() > 0.9  # five accounts that say it again and again


def test_a_conversation_that_is_sent_again_counts_once() -> None:
    """Two accounts with a frame (fingerprints 0 and 1) in four prompts each; one sends a text of its own again (2)."""
    rows, ids = np.array([(row, thing) for row in range(8) for thing in ((0, 1, 2) if row < 4 else (0, 1))]).T
    shared = Shared(
        rows=rows, ids=ids, places=ids, n_in_row=np.full(8, 5), accounts=np.repeat([0, 1], 4),
        parted=np.zeros(8, bool), languages=np.zeros(8, np.int8), values=np.arange(3, dtype=np.uint64),
        n_events=np.array([8, 8, 4]),
    )  # fmt: skip
    eight = np.arange(8)
    n_talks, n_back = talks(shared, Held(eight, np.zeros(8, np.int64), np.full(8, 2), eight, eight))
    assert n_talks.tolist() == [1 + 4, 0, 0] and n_back.tolist() == [1, 0, 0]


def _frames(values: list[int]) -> Frames:
    """No frame at all, but fingerprints that many strangers use."""
    n = len(values)
    return Frames(
        values=np.array(values, np.uint64), frame=np.full(n, -1), common=np.ones(n, bool), speaks=np.zeros(n, bool),
        usual=np.zeros(0), n_events=np.zeros(0, np.int64), popular=np.zeros(0, bool), wrapper=np.zeros(0, bool),
        brief=np.zeros(0, bool), ids=np.zeros(0, np.uint64), family=np.zeros(0, np.uint64),
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), max_size=12))
@settings(max_examples=60, deadline=None)
def test_combined_fingerprints_stay_inside_their_rows(rows: list[tuple[int, bool, bool]]) -> None:
    lengths = np.array([n for n, _, _ in rows], np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    values = np.arange(offsets[-1], dtype=np.uint64)
    is_open = np.array([given for _, given, _ in rows], bool)
    longer = np.array([given for _, _, given in rows], bool)
    made = combine(values, offsets, is_open, longer, _frames([]))
    width = np.where(longer, 3, 2)
    assert np.array_equal(np.diff(made.offsets), np.where(is_open, np.maximum(0, lengths - width + 1), 0))
    owner = np.repeat(np.arange(len(rows)), np.diff(made.offsets))
    assert (made.heads >= offsets[owner]).all() and (made.tails < offsets[owner + 1]).all()
    assert np.array_equal(made.tails - made.heads + 1, width[owner])
    assert len(np.unique(made.values)) == len(made.values)


def test_what_many_strangers_use_is_left_out() -> None:
    values, offsets = np.arange(6, dtype=np.uint64), np.array([0, 6])
    made = combine(values, offsets, np.array([True]), np.array([False]), _frames([2]))
    assert made.heads.tolist() == [0, 3, 4]  # no pair over the gap


def test_rows_with_a_frame_keep_it_and_beginnings_leave_out_what_is_known() -> None:
    plan = plant_shared(4)
    found = mine(plan.texts, plan.accounts)
    made = sketch(pa.array(plan.texts, pa.string()), compiled=False)
    n_in_row, longer = np.diff(made.offsets), longer_of(made.languages)
    plain = assign(made.prints, made.offsets, n_in_row, found.frames)
    kept = ~open_to(plain, found.frames)
    assert np.array_equal(found.labels.frame[kept], plain.frame[kept])
    second = found.labels.frame >= len(found.frames.ids)
    assert second.any()
    beginnings = found.labels.beginning[second]
    fillings = len(np.unique(beginnings[beginnings != 0])) / max(1, (beginnings != 0).sum())
    assert fillings > 0.9  # the slot tells, not the frame
    same = assign_both(made.prints, made.offsets, n_in_row, longer, found.frames, _frames([]))
    assert all(np.array_equal(getattr(same, name), getattr(plain, name)) for name in Labels.__annotations__)


def test_rules_of_the_second_look_are_stricter_about_strangers() -> None:
    rules = FrameRules()
    assert combined_rules(rules).returning > rules.returning
    assert longer_of(np.array([len(language_names()) - 1, 0, -1], np.int8)).tolist() == [True, False, False]
