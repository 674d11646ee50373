"""Large values that all tasks of a map are given: written once where workers can read them, never sent with each.

A hundred tasks with one table of a hundred megabytes would else be ten gigabytes through one scheduler.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGE = 1 << 20  # bytes from which a value is put down
_PLAIN = (str, bytes, int, float, bool, type(None))
_HELD = 2  # values that a worker holds at once
_READ: dict[str, Any] = {}
_READING = threading.Lock()


@dataclass(frozen=True)
class PutDown:
    """Stands in a task for a value that lies in a file."""

    path: str


@dataclass(frozen=True)
class PickedUp:
    """A task's function, given its large values again before it is called."""

    function: Callable[[Any], Any]

    def __call__(self, item: tuple[Any, ...]) -> Any:
        """Call it."""
        return self.function(tuple(_read(v.path) if isinstance(v, PutDown) else v for v in item))


def put_down(items: list[Any], scratch: str) -> tuple[list[Any], list[str]]:
    """The tasks with what is large and the same object in all of them put into files; and these files."""
    if len(items) < 2 or not all(type(i) is tuple and len(i) == len(items[0]) for i in items):
        return items, []
    made: dict[int, PutDown] = {}
    for place, value in enumerate(items[0]):
        if isinstance(value, _PLAIN) or any(i[place] is not value for i in items):
            continue
        content = pickle.dumps(value, protocol=5)
        if len(content) >= LARGE:
            path = Path(scratch) / f"given-{hashlib.sha256(content).hexdigest()[:16]}.pickle"
            path.write_bytes(content)
            made[place] = PutDown(str(path))
    if not made:
        return items, []
    light = [tuple(made.get(place, value) for place, value in enumerate(item)) for item in items]
    return light, sorted({p.path for p in made.values()})


def _read(path: str) -> Any:
    """A value that was put down, held for the tasks that come after."""
    with _READING:
        if path not in _READ:
            while len(_READ) >= _HELD:
                _READ.pop(next(iter(_READ)))
            _READ[path] = pickle.loads(Path(path).read_bytes())
        return _READ[path]
