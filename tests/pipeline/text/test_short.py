"""Templates of short prompts and log lines, word by word."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.text.short import MOST_WORDS, line_hashes, lines_of, settle_short
from tests.benchmarks.loghub import RULES_FIXED_ON, grouping_accuracy

_NAMES = "ann bob cid dee eve fay gus hal".split()


def groups(texts: list[str]) -> list[int]:
    """The template of each text."""
    lines = lines_of(pa.array(texts))
    return [int(value) for value in settle_short(lines).find(line_hashes(lines))]


def test_a_place_with_enough_different_words_is_a_slot() -> None:
    found = groups([f"session opened for {name} by the door" for name in _NAMES[:3]])
    assert len(set(found)) == 1
    found = groups([f"session opened for {name} by the door" for name in _NAMES[:2]])
    assert len(set(found)) == 2


def test_several_slots_are_found_one_after_the_other() -> None:
    dice = random.Random(1)
    texts = [f"copy {dice.choice(_NAMES)} to {dice.choice(_NAMES)} as planned" for _ in range(300)]
    assert len(set(groups(texts))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 12 ms in all", "took 7 in all"),
        ("read /var/log/x done", "read old\\tmp\\y done"),
        ("from 10.0.0.1:80 now", "from 192.168.1.9:8080 now"),
        ("at Mon Jan 3 2005 ok", "at 2005 ok"),
        ("start com.some.thing end", "start org.other.thing end"),
        ("block blk_-12 seen", "block blk_77 seen"),
    ],
)
def test_what_varies_by_nature_is_a_slot_from_the_start(one: str, other: str) -> None:
    assert len(set(groups([one, other]))) == 1


def test_words_of_prose_stay_words() -> None:
    assert (
        len(set(groups(["the second march on the city", "the first march on the city", "sat in the sun and ate"]))) == 3
    )


def test_a_line_keeps_words_to_tell_it_by() -> None:
    assert len(set(groups([f"{one} {other}" for one in _NAMES for other in _NAMES]))) == len(_NAMES) ** 2
    assert len(set(groups([f"{one} {other} {one}" for one in _NAMES for other in _NAMES]))) >= len(_NAMES)


def test_order_and_repetition_change_nothing() -> None:
    dice = random.Random(2)
    texts = [
        f"job {dice.choice(_NAMES)} of {dice.choice(_NAMES)} ended in state {dice.choice(['ok', 'bad'])}"
        for _ in range(200)
    ]
    order = np.random.default_rng(1).permutation(len(texts))
    before = groups(texts)
    assert [before[i] for i in order] == groups([texts[i] for i in order])
    assert groups(texts * 3) == before * 3


def test_long_prompts_have_no_line() -> None:
    lines = lines_of(pa.array(["word " * (MOST_WORDS + 1), "x" * 700, None, "", "two words"]))
    assert np.diff(lines.offsets).tolist() == [0, 0, 0, 0, 2]
    assert line_hashes(lines)[:4].tolist() == [0] * 4


def test_grouping_accuracy_counts_exact_groups() -> None:
    assert grouping_accuracy([1, 1, 2, 2], [5, 5, 6, 7]) == 0.5
    assert grouping_accuracy([1, 2], [0, 0]) == 1.0


@pytest.mark.skipif("RINGTRACE_LOGHUB" not in os.environ, reason="RINGTRACE_LOGHUB names no folder with Loghub-2k")
def test_loghub() -> None:
    table = pq.read_table(Path(os.environ["RINGTRACE_LOGHUB"]) / "lines.parquet")
    found = {}
    for name in sorted(set(table["dataset"].to_pylist())):
        rows = table.filter(pc.equal(table["dataset"], name))
        found[name] = grouping_accuracy(rows["template_id"].to_pylist(), groups(rows["text"].to_pylist()))
    assert np.mean(list(found.values())) >= 0.85
    assert np.mean([value for name, value in found.items() if name not in RULES_FIXED_ON]) >= 0.80
