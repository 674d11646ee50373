"""The workbench on Dask: threads, processes, one after the other, or a cluster at an address."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import RunError
from pipeline.storage.given import PickedUp, put_down

T = TypeVar("T")
R = TypeVar("R")

Report = Callable[[str, int, int], None]  # what, done, of how many
_TRIES = 3


def no_report(what: str, done: int, total: int) -> None:
    """Says nothing."""


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class DaskBench:
    """Carries out the tasks of a stage. `address` names a running cluster, else `scheduler` works on this machine."""

    scratch: str
    workers: int
    memory: int
    scheduler: str = "threads"
    address: str | None = None
    report: Report = field(default=no_report)

    def map(self, function: Callable[[T], R], items: Iterable[T], *, what: str) -> list[R]:
        """Apply a top-level function to each item; results in the order of the items.

        A task whose worker died is tried again; RunError after three tries.
        """
        listed = list(items)
        self.report(what, 0, len(listed))
        if not listed:
            return []
        if self.address is None and (self.scheduler != "processes" or self.workers == 1):
            return self._here(function, listed, what)
        light, files = put_down(listed, self.scratch)
        given: Callable[[Any], R] = PickedUp(function) if files else function
        try:
            return self._on_cluster(given, light, what) if self.address else self._here(given, light, what)
        finally:
            for file in files:
                Path(file).unlink(missing_ok=True)

    def _here(self, function: Callable[[Any], R], items: list[Any], what: str) -> list[R]:
        from dask.callbacks import Callback

        done: dict[int, R] = {}

        def finished(key: Any, value: Any, graph: Any, state: Any, worker: Any) -> None:
            if isinstance(key, tuple) and key[0] == "task":
                done[key[1]] = value
                self.report(what, len(done), len(items))

        for _ in range(_TRIES):
            left = [i for i in range(len(items)) if i not in done]
            graph = {("task", i): (function, items[i]) for i in left}
            try:
                with Callback(posttask=finished):  # type: ignore[no-untyped-call]
                    results = self._get(_as_graph(graph), [("task", i) for i in left])
                done.update(zip(left, results, strict=True))
                return [done[i] for i in range(len(items))]
            except Exception as fault:
                if not _worker_died(fault):
                    raise
                _POOLS.pop(self.workers).shutdown(wait=False)
        raise _gave_up(what)

    def _get(self, graph: dict[Any, Any], keys: list[Any]) -> Any:
        """Results of a graph by the Dask scheduler that was asked for."""
        if self.scheduler == "sync" or self.workers == 1:
            from dask.local import get_sync

            return get_sync(graph, keys)
        if self.scheduler == "processes":
            from dask.multiprocessing import get as get_processes

            return get_processes(graph, keys, pool=_pool(self.workers), num_workers=self.workers)
        from dask.threaded import get as get_threads

        return get_threads(graph, keys, num_workers=self.workers)

    def _on_cluster(self, function: Callable[[Any], R], items: list[Any], what: str) -> list[R]:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker

        with Client(self.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            futures = client.map(function, items, retries=_TRIES, pure=False)
            try:
                done = as_completed(futures, loop=client.loop)  # type: ignore[no-untyped-call]
                for n, _ in enumerate(done, start=1):
                    self.report(what, n, len(items))
                return list(client.gather(futures))
            except KilledWorker as fault:
                raise _gave_up(what) from fault


# worker processes are kept between maps: starting one costs as much as a small task's whole work
_POOLS: dict[int, ProcessPoolExecutor] = {}


def _pool(workers: int) -> ProcessPoolExecutor:
    """The worker processes of this process, started afresh (never forked: threads are at work here)."""
    if workers not in _POOLS:
        _POOLS[workers] = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    return _POOLS[workers]


def _as_graph(tasks: dict[Any, tuple[Callable[..., Any], Any]]) -> dict[Any, Any]:
    """A Dask graph whose items are handed over as they are, never searched for keys."""
    from dask._task_spec import DataNode, Task

    graph: dict[Any, Any] = {}
    for key, (function, item) in tasks.items():
        name = ("item", key[1])
        graph[name] = DataNode(name, item)
        graph[key] = Task(key, function, graph[name].ref())
    return graph


def _worker_died(fault: Exception) -> bool:
    from concurrent.futures.process import BrokenProcessPool

    return isinstance(fault, BrokenProcessPool)


def _gave_up(what: str) -> RunError:
    return RunError(
        f"workers died {_TRIES} times while they were to {what}", found="most often too little memory",
        mend="Lower run.memory_gb or run.workers in the settings, and run the same command with --resume.",
    )  # fmt: skip
