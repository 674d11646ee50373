"""Kept work: whole or not there, known by all it was made from, removed when no run asks for it."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import pytest

from pipeline.storage.state import KEEP_DAYS, SEAL, State


def made(state: State, content: str = "rows") -> str:
    """A fresh folder with a file."""
    folder = state.new()
    (Path(folder) / "rows").write_text(content)
    return folder


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "state"), "code-1")


def test_what_was_kept_is_found_again_from_any_process(state: State) -> None:
    assert state.find("parts", "a") is None
    kept = state.keep("parts", "a", made(state))
    again: State = pickle.loads(pickle.dumps(state))
    assert again.find("parts", "a") == kept and (Path(kept) / "rows").read_text() == "rows"
    assert state.find("sketches", "a") is None and state.find("parts", "b") is None
    assert State(state.root, "code-2").find("parts", "a") is None
    assert Path(state.root).stat().st_mode & 0o077 == 0


def test_the_first_to_keep_stays(state: State) -> None:
    kept = state.keep("parts", "a", made(state, "first"))
    assert state.keep("parts", "a", made(state, "second")) == kept
    assert (Path(kept) / "rows").read_text() == "first"
    assert list((Path(state.root) / "making").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "gone", "seal", "no seal"])
def test_a_damaged_entry_is_none_and_can_be_made_anew(state: State, damage: str) -> None:
    kept = Path(state.keep("parts", "a", made(state)))
    if damage == "cut":
        (kept / "rows").write_text("ro")
    elif damage == "gone":
        (kept / "rows").unlink()
    elif damage == "seal":
        (kept / SEAL).write_text("[")
    else:
        (kept / SEAL).unlink()
    assert state.find("parts", "a") is None
    assert state.find("parts", "a") is None
    state.keep("parts", "a", made(state, "anew"))
    assert (kept / "rows").read_text() == "anew" and state.find("parts", "a") == str(kept)


def test_small_values_are_kept_as_they_are(state: State) -> None:
    state.note("files", "k", {"n": 3, "sums": [1 << 63, 2]})
    assert state.noted("files", "k") == {"n": 3, "sums": [1 << 63, 2]}
    assert state.noted("files", "other") is None


def test_what_no_run_used_for_days_is_removed(state: State) -> None:
    old, fresh = (state.keep("parts", key, made(state)) for key in ("old", "fresh"))
    half = state.new()
    long_ago = time.time() - (KEEP_DAYS + 1) * 86_400
    for kept in (old, fresh):
        os.utime(Path(kept) / SEAL, (long_ago, long_ago))
    assert state.find("parts", "fresh") is not None  # used just now
    state.tidy()
    assert not Path(old).exists() and not Path(half).exists() and Path(fresh).exists()
