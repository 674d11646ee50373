"""Listed prompts are known by their fingerprints, in whatever they are used for; nothing else is taken for one."""

from __future__ import annotations

import csv
import random
import string
from pathlib import Path

import numpy as np
import pytest

from pipeline.text import frames, public
from tests.benchmarks.public_list import rows_of
from tests.pipeline.text.mining import mine
from tests.pipeline.text.planted import order, plant, sentence


def write_list(path: Path, prompts: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        out = csv.writer(lines)
        out.writerow(("name", "prints"))
        out.writerows(rows_of(prompts))
    return path


def test_the_shipped_list_is_whole_and_holds_no_words() -> None:
    values, owner, names = public.listed()
    assert len(names) > 100
    assert (np.diff(values.astype(np.int64)) >= 0).all() and set(owner.tolist()) == set(range(len(names)))
    with public.LIST.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            assert set(row["prints"]) <= set(string.hexdigits) and len(row["prints"]) % public.DIGITS == 0


def test_a_listed_prompt_is_set_apart_and_its_neighbour_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(12)
    copied, own = (" ".join(order(dice) for _ in range(3)) for _ in range(2))
    path = write_list(
        tmp_path / "list.csv", [("copied", copied), ("never used", " ".join(order(dice) for _ in range(3)))]
    )
    monkeypatch.setattr(frames, "public_frames", lambda values, frame, n: public.public_frames(values, frame, n, path))
    texts = [f"{text} {sentence(dice)} {sentence(dice)}" for text in (copied, own) for _ in range(30)]
    found = mine(texts, [f"account {number % 6}" for number in range(60)])
    assert (found.labels.frame[:30] < 0).all() and (found.labels.wrapper[:30] >= 0).all()
    assert (found.labels.frame[30:] >= 0).all() and (found.labels.wrapper[30:] < 0).all()


def test_planted_frames_are_on_no_list() -> None:
    planted = plant("end", n_frames=10, n_other=200)
    assert (mine(planted.texts, planted.accounts).labels.wrapper < 0).all()


def test_no_frames_and_no_list() -> None:
    none = np.zeros(0, np.int64)
    assert public.public_frames(none.astype(np.uint64), none, 0).tolist() == []
