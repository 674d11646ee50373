"""A cluster of worker processes with memory limits on this machine, reached at an address as any other is."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

from pipeline.run import Silent


@contextlib.contextmanager
def cluster(memory_limit: str = "1.5GB", workers: int = 2, **more: Any) -> Iterator[Any]:
    """A running cluster; a worker that dies is started again, as a deployment would."""
    from distributed import LocalCluster

    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers, threads_per_worker=1, processes=True, memory_limit=memory_limit, dashboard_address=":0",
        silence_logs=50, **more,
    ) as made:  # fmt: skip
        yield made


def pids(made: Any) -> list[int]:
    """Process numbers of the workers that are there now."""
    found = [nanny.pid for nanny in made.workers.values()]
    return sorted(pid for pid in found if pid)


class Killer(Silent):
    """Kills a worker in each of the named stages, as soon as one of its tasks is done: that result is lost with it."""

    def __init__(self, made: Any, stages: set[str]) -> None:
        self.cluster, self.stages = made, stages
        self.now = ""
        self.killed: list[str] = []

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """A stage begins."""
        self.now = name

    def tasks(self, what: str, done: int, total: int) -> None:
        """Kill, once a stage."""
        if self.now not in self.stages or self.now in self.killed or done < 1 or total < 2:
            return
        there = pids(self.cluster)
        if there:
            self.killed.append(self.now)
            with contextlib.suppress(ProcessLookupError):
                os.kill(there[len(self.killed) % len(there)], signal.SIGKILL)
