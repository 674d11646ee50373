"""A workbench that works here and now: one task after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class HereAndNow:
    """Does the work at once, in the order given or backwards. `memory` in bytes."""

    scratch: str
    workers: int = 1
    memory: int = 1 << 30
    backwards: bool = False

    def map(self, function: Callable[[T], R], items: Iterable[T], *, what: str) -> list[R]:
        """What the function makes of each item, in their order."""
        listed = list(items)
        if self.backwards:
            return [function(item) for item in reversed(listed)][::-1]
        return [function(item) for item in listed]
