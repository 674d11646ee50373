"""A worker that dies takes its results with it: every task of every stage may be done over, and nothing shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import Request, carry_out
from pipeline.storage.tasks import DaskBench
from tests.scale.worlds import settings, small_buckets, tables_of, twice_delivered


def done_over(self: DaskBench, function: Callable[[Any], Any], items: Iterable[Any], *, what: str) -> list[Any]:
    """Each task three times: once whole, once more after all others, as when a worker is lost at the end."""
    listed = list(items)
    for _ in range(2):
        for item in listed:
            function(item)
    return [function(item) for item in listed]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input."""
    return twice_delivered(tmp_path_factory.mktemp("world") / "input")


@pytest.fixture(scope="module")
def quiet(world: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tables of an undisturbed run."""
    output = tmp_path_factory.mktemp("quiet")
    with pytest.MonkeyPatch.context() as patch:
        small_buckets(patch)
        carry_out(Request(str(world), str(output), settings(), keep_working=True))
    return tables_of(output)


def test_tasks_can_be_done_over(
    world: Path, quiet: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_buckets(monkeypatch)
    monkeypatch.setattr(DaskBench, "map", done_over)
    carry_out(Request(str(world), str(tmp_path / "over"), settings(), keep_working=True))
    assert tables_of(tmp_path / "over") == quiet


def test_buckets_show_in_no_result(world: Path, quiet: dict[str, str], tmp_path: Path) -> None:
    """One bucket or many, filtered from the parts or cut into files: the tables of the run are the same."""
    carry_out(Request(str(world), str(tmp_path / "one"), settings(), keep_working=True))
    assert tables_of(tmp_path / "one") == quiet
