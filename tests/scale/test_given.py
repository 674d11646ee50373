"""What all tasks share travels once: by a file, not with each task."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from pipeline.storage.given import LARGE, PickedUp, put_down
from pipeline.storage.tasks import DaskBench


def added(task: tuple[int, np.ndarray, int]) -> int:
    """A function of a small value, a large one and another small one."""
    number, table, more = task
    return number + int(table.sum()) + more


def test_large_values_are_put_down_once(tmp_path: Path) -> None:
    table = np.ones(LARGE, dtype=np.int64)
    items = [(n, table, 5) for n in range(8)]
    light, files = put_down(items, str(tmp_path))
    assert len(files) == 1 and len(pickle.dumps(light)) < 10_000
    assert [PickedUp(added)(i) for i in light] == [added(i) for i in items]


def test_small_or_different_values_travel_as_they_are(tmp_path: Path) -> None:
    small = [(n, np.ones(10), 5) for n in range(8)]
    different = [(n, np.ones(LARGE), 5) for n in range(2)]
    no_tuples = [np.ones(LARGE)] * 3
    for items in (small, different, no_tuples, small[:1]):
        assert put_down(items, str(tmp_path)) == (items, [])
    assert not list(tmp_path.iterdir())


def test_processes_are_given_the_same(tmp_path: Path) -> None:
    table = np.ones(LARGE, dtype=np.int64)
    items = [(n, table, 5) for n in range(4)]
    made = [DaskBench(str(tmp_path), 2, 10**9, way).map(added, items, what="add") for way in ("sync", "processes")]
    assert made[0] == made[1] == [LARGE + n + 5 for n in range(4)]
    assert not list(tmp_path.iterdir())
