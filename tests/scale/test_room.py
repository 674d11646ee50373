"""The room on the disk is looked at before anything is done: too little ends with exit code 2 and leaves nothing."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from pipeline import capacity
from pipeline.errors import UsageError
from pipeline.run import Request, carry_out
from pipeline.run.room import check_room, rows_there
from pipeline.settings import Settings
from pipeline.storage.find import find_inputs
from pipeline.storage.prompts import has_prompts
from tests.support.tiny import Tiny, write_tiny

Usage = namedtuple("Usage", "total used free")


def free(patch: pytest.MonkeyPatch, size: float) -> None:
    """A disk with so many bytes free."""
    patch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 0, int(size)))


def test_too_little_room_is_said_before_the_start(
    tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 1000)
    with pytest.raises(UsageError) as told:
        carry_out(Request(str(tiny_input), str(tmp_path / "out")))
    assert told.value.exit_code == 2 and "0.0 GB free" in str(told.value) and "--output" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_enough_room_is_said_too(tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 5e9)
    said = check_room(find_inputs(tiny_input), Settings(), tmp_path / "not" / "yet")
    assert "5.0 GB are free" in said


def test_what_lies_there_already_is_not_asked_for_again(
    tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = capacity.disk_needed(rows_there(find_inputs(tiny_input).tables["events"]), True)
    free(monkeypatch, needed / 2)
    with pytest.raises(UsageError):
        check_room(find_inputs(tiny_input), Settings(), tmp_path)
    check_room(find_inputs(tiny_input), Settings(), tmp_path, used=needed // 2 + 1)


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_rows_are_told_or_bounded(form: str, tiny: Tiny, tmp_path: Path) -> None:
    rows = rows_there(find_inputs(write_tiny(tiny, tmp_path / form, form=form, files=2)).tables["events"])
    assert rows == len(tiny.events) if form == "parquet" else rows >= len(tiny.events)


def test_prompts_are_seen_where_there_are_any(tiny: Tiny, tmp_path: Path) -> None:
    with_text = write_tiny(tiny, tmp_path / "text")
    assert has_prompts(find_inputs(with_text).tables["events"], Settings())
    for name, prompt in (("null", tiny.events.assign(prompt=None)), ("none", tiny.events.drop(columns="prompt"))):
        place = tmp_path / name
        shutil.copytree(with_text, place)
        prompt.to_parquet(place / "events.parquet", index=False)
        assert not has_prompts(find_inputs(place).tables["events"], Settings()), name


def test_a_file_that_cannot_be_read_is_left_to_intake(tiny: Tiny, tmp_path: Path) -> None:
    place = write_tiny(tiny, tmp_path / "broken")
    (place / "events.parquet").write_bytes(b"nothing")
    assert rows_there(find_inputs(place).tables["events"]) == 0
    check_room(find_inputs(place), Settings(), tmp_path)
