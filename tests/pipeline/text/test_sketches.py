"""Words, fingerprints and measures of a prompt: what is normal form, and that both paths give the same bytes."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.fingerprints import WIDTH, WINDOW, fingerprint
from pipeline.text.hashing import word_hash
from pipeline.text.sketches import LONGEST, Sketch, can_compile, sketch
from pipeline.text.tokens import tokenise
from pipeline.text.traits import language_names
from tests.pipeline.text.planted import plant

_ODD = [
    *"ab dE1 2\n\"``` :/@._-'«»",
    "://",
    "```",
    "​",
    "你",
    "好",
    "ก",
    "ü",
    "É",
    "Ａ",
    "１",
    "𠀀",
    "😀",
    "\x00",
    "a@b",
]


def words(text: str) -> list[int]:
    return [int(value) for value in tokenise(pa.array([text])).hashes]


def test_words_are_hashed_in_normal_form() -> None:
    assert words("Hello, WORLD!") == [word_hash("hello"), word_hash("world")]
    assert words("Ｈｅｌｌｏ wor\u200bld") == words("hello world")
    assert words("Straße ÜBER") == [word_hash("straße"), word_hash("über")]
    assert words("你好") == [word_hash("你"), word_hash("好")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 12 of 7a9", "order 3 of b2"),
        ("in 1, 2, 3 steps", "in 44 steps"),
        ("see https://a.example/x?y=1 now", "see ftp://b.example now"),
        ("mail bob@a.example now", "mail eve@b.example now"),
        ('say "good morning" now', "say «bye» now"),
        ("run ```x = 1``` now", "run ```\nprint(2)\n``` now"),
    ],
)
def test_what_varies_by_nature_is_one_word(one: str, other: str) -> None:
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [('{"name": "Ann Lee"}', '{"title": "Ann Lee"}'), ("it's 'fine'", "it's 'bad'"), ('one " quote', 'one " mark')],
)
def test_the_frame_is_not_lost(one: str, other: str) -> None:
    assert words(one) != words(other)


def test_a_shared_stretch_shares_a_fingerprint() -> None:
    dice = random.Random(1)
    vocabulary = [f"w{chr(97 + i)}{chr(97 + j)}" for i in range(26) for j in range(26)]
    for _ in range(50):
        stretch = dice.choices(vocabulary, k=WIDTH + WINDOW - 1)
        texts = [" ".join(dice.choices(vocabulary, k=9) + stretch + dice.choices(vocabulary, k=9)) for _ in range(2)]
        prints = fingerprint(tokenise(pa.array(texts)))
        one, other = (set(prints.values[prints.offsets[i] : prints.offsets[i + 1]].tolist()) for i in range(2))
        assert one & other


def same(one: Sketch, other: Sketch) -> None:
    for field in dataclasses.fields(Sketch):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert left.dtype == right.dtype
        assert np.array_equal(left, right), field.name


@pytest.mark.skipif(not can_compile(), reason="the extra `fast` is not installed")
@pytest.mark.parametrize("bound", [LONGEST, 37])
def test_both_paths_give_the_same_bytes(bound: int) -> None:
    dice = random.Random(7)
    texts = ["".join(dice.choice(_ODD) for _ in range(dice.randint(0, 90))) for _ in range(4000)]
    for column in (
        pa.array(texts),
        pa.array([None, *texts[:500]], pa.large_string()).slice(1, 300),
        plant("mixed", n_frames=3, n_other=100).column(),
        plant("chinese", n_frames=3, n_other=100).column(),
        broken_utf8(dice),
    ):
        same(sketch(column, bound=bound, compiled=False), sketch(column, bound=bound, compiled=True))


def broken_utf8(dice: random.Random) -> pa.Array:
    """Strings that are no strings: what a careless writer or an attacker may leave in a column."""
    some = [0x41, 0x20, 0x80, 0xBF, 0xC3, 0xE4, 0xBD, 0xA0, 0xF0, 0x9F, 0x98, 0xED, 0xA0, 0xFF, 0x60, 0x22]
    rows = [bytes(dice.choice(some) for _ in range(dice.randint(0, 50))) for _ in range(2000)]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(rows)))


@given(st.lists(st.text(max_size=60), max_size=8), st.lists(st.text(max_size=60), max_size=8))
def test_a_prompt_is_sketched_alone(before: list[str], after: list[str]) -> None:
    together = sketch(pa.array(before + after, pa.string()), compiled=False)
    apart = sketch(pa.array(after, pa.string()), compiled=False)
    first = len(before)
    assert np.array_equal(together.digests[first:], apart.digests)
    assert np.array_equal(together.prints[together.offsets[first] :], apart.prints)


def test_the_bound_counts_symbols_not_bytes() -> None:
    for compiled in (False, True) if can_compile() else (False,):
        one, other, more = (
            sketch(pa.array([text]), bound=12, compiled=compiled) for text in ("你" * 12, "你" * 13, "你好" * 6)
        )
        assert one.digests == other.digests != more.digests
        assert other.n_chars.tolist() == [13]


def test_a_blank_line_is_seen_beyond_the_bound() -> None:
    texts = ["one\n\ntwo", "one\r\n\r\ntwo", "one\ntwo\n", "one two three four five\n\n", "ü\n\n", "\n", None]
    for compiled in (False, True) if can_compile() else (False,):
        made = sketch(pa.array(texts, pa.string()), bound=9, compiled=compiled)
        assert made.parted.tolist() == [True, True, False, True, True, False, False]


def test_measures() -> None:
    made = sketch(
        pa.array(
            [
                "Please think step by step about the harbour and the sea",
                "Bitte schreibe mir das nicht noch einmal auf",
                "请一步一步解释这个问题",
                None,
                "",
            ]
        ),
        compiled=False,
    )
    names = language_names()
    assert made.asks_reasoning.tolist() == [True, False, True, False, False]
    assert [names[code] if code >= 0 else None for code in made.languages] == ["en", "de", "unspaced", None, None]
    assert made.n_chars.tolist() == [55, 44, 11, -1, 0]


def test_only_strings_are_prompts() -> None:
    with pytest.raises(TypeError):
        tokenise(pa.array([1, 2]))
