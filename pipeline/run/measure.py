"""Seconds and peak memory of a stage. These go to the manifest only, never into a table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Cost:
    """What a stage took: wall seconds, and the peak of this process's resident memory in bytes while it ran."""

    seconds: float = 0.0
    peak_memory: int = 0


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """Measure a block. Where the system cannot start a new peak, the peak is the process's so far."""
    cost = Cost()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = round(time.perf_counter() - start, 3)
        cost.peak_memory = _peak()


def _peak() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
