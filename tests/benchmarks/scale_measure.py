"""What the benches of scale share: the machine's name, a child process with its cost, a fitted exponent.

Memory is the sum over the child and all its descendants (proportional set size, so that shared pages count once);
disk is what lies below a folder. Both are sampled, so a peak shorter than the pause between two looks may be missed.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

PAUSE = 0.5  # seconds between two looks


def machine() -> dict[str, Any]:
    """Date, machine and versions that figures are published with."""
    from importlib.metadata import version

    packages = ("duckdb", "dask", "distributed", "pyarrow", "pandas", "numpy", "igraph", "scipy")
    model = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).date().isoformat(), "cores": len(os.sched_getaffinity(0)),
        "processor": model[0] if model else platform.machine(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1), "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(), **{p: version(p) for p in packages},
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(path).read_text().splitlines()
    return []


def disk(folder: Path) -> int:
    """Bytes below a folder; a file with two names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                told = (Path(place) / name).lstat()
                seen[told.st_dev, told.st_ino] = told.st_blocks * 512
    return sum(seen.values())


@dataclass
class Peaks:
    """Largest values that were seen."""

    memory: int = 0
    disk: int = 0
    samples: int = field(default=0, repr=False)


def _memory(process: psutil.Process) -> int:
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += int(one.memory_full_info().pss)
    return total


@contextlib.contextmanager
def watched(pid: int, folder: Path | None = None) -> Iterator[Peaks]:
    """Watch a process, its descendants and a folder while the block runs."""
    peaks, stop = Peaks(), threading.Event()

    def look() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            while not stop.is_set():
                peaks.memory = max(peaks.memory, _memory(process))
                if folder is not None and peaks.samples % 4 == 0:
                    peaks.disk = max(peaks.disk, disk(folder))
                peaks.samples += 1
                stop.wait(PAUSE)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()


def child(module: str, words: Sequence[str], *, folder: Path | None = None) -> tuple[str, float, Peaks]:
    """Run a module in a process of its own: what it printed, its wall seconds, its peaks. RuntimeError on failure."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, text=True) as process:
        with watched(process.pid, folder) as peaks:
            said, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{module} {' '.join(words)} ended with {process.returncode}")
    return said, time.perf_counter() - start, peaks


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Slope of the least-squares line through log cost against log size; at least two different sizes."""
    x, y = [math.log(s) for s in sizes], [math.log(c) for c in costs]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def processor_seconds() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system
