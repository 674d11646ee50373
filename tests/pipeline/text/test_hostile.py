"""Prompts are written by attackers: bounded time, no crash, no accidental merger."""

from __future__ import annotations

import random
import time

import numpy as np
import pyarrow as pa

from pipeline.text.sketches import LONGEST, sketch
from tests.pipeline.text.mining import mine
from tests.pipeline.text.planted import plant, sentence


def test_a_huge_prompt_is_cut() -> None:
    before = time.process_time()
    made = sketch(pa.array(["harbour " * 1_250_000, '"' * 10_000_000, "`" * 10_000_000]), compiled=False)
    assert time.process_time() - before < 30
    assert made.n_chars.tolist() == [10_000_000] * 3
    assert np.diff(made.offsets).max() <= LONGEST


def test_distinct_one_word_prompts_are_not_joined() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = [a + b + c + d for a in letters[:10] for b in letters for c in letters for d in letters[:5]]
    found = mine(texts, [f"account {number % 999}" for number in range(len(texts))])
    assert (found.labels.frame < 0).all()


def test_control_characters_and_surrogates() -> None:
    torn = b"\xed\xa0\x80 harbour \xed\xbf\xbf"  # unpaired surrogates as bytes
    text = pa.StringArray.from_buffers(
        1, pa.py_buffer(np.array([0, len(torn)], np.int32).tobytes()), pa.py_buffer(torn)
    )
    assert len(sketch(text, compiled=False).prints) == 1
    noise = "".join(chr(code) for code in range(32)) + "\x7f\x85\u202e\ufeff"
    assert len(sketch(pa.array([noise]), compiled=False).prints) == 0


def test_a_prompt_that_holds_many_frames_joins_none_of_them() -> None:
    planted = plant("end", n_frames=12)
    before = mine(planted.texts, planted.accounts)
    dice = random.Random(5)
    firsts = [planted.texts[int(np.flatnonzero(planted.frame == number)[0])] for number in range(12)]
    bridges = [" ".join(dice.sample(firsts, 6)) for _ in range(40)]
    after = mine(planted.texts + bridges, planted.accounts + ["attacker"] * len(bridges))
    size = len(planted.texts)
    kept = before.lasting != 0
    assert (after.lasting[:size][kept] == before.lasting[kept]).mean() > 0.98


def test_repetition_makes_no_giant_group() -> None:
    dice = random.Random(6)
    texts = [("ha " * dice.randint(50, 400)) + sentence(dice) for _ in range(100)]
    texts += [" ".join(sentence(dice) for _ in range(6)) for _ in range(300)]
    found = mine(texts, [f"account {number}" for number in range(400)])
    assert (found.labels.frame[100:] < 0).all()
