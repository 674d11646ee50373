"""Progress on standard error: stage, tasks, rows, time left. Quiet where nobody is looking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pipeline.run import Watch


class Lines:
    """One plain line a finished stage, for logs (`--progress plain`)."""

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """A stage begins."""

    def tasks(self, what: str, done: int, total: int) -> None:
        """Some tasks are done."""

    def done(self, name: str, rows: int, seconds: float, *, kept: bool) -> None:
        """A stage is done."""
        how = "kept from before" if kept else f"{seconds:.1f} s"
        print(f"{name}: {rows:,} rows, {how}", file=sys.stderr, flush=True)


class Bars:
    """Bars that move in a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress: Progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TimeRemainingColumn(), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._line: TaskID | None = None
        self._work: TaskID | None = None

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._progress.stop()

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """A stage begins: the upper bar counts stages."""
        if self._line is None:
            self._line = self._progress.add_task("", total=of or None)
        self._progress.update(self._line, description=f"{name}: {says}", completed=max(number - 1, 0), total=of or None)
        self._drop_work()

    def tasks(self, what: str, done: int, total: int) -> None:
        """The lower bar counts the tasks of the stage."""
        if done == 0 or self._work is None:
            self._drop_work()
            self._work = self._progress.add_task(f"  {what}", total=total)
        self._progress.update(self._work, completed=done, total=total)

    def _drop_work(self) -> None:
        if self._work is not None:
            self._progress.remove_task(self._work)
            self._work = None

    def done(self, name: str, rows: int, seconds: float, *, kept: bool) -> None:
        """A line stays for each stage that is done."""
        how = "kept from before" if kept else f"{seconds:6.1f} s"
        self._progress.console.print(f"  {name:<12} {rows:>12,} rows  {how}", highlight=False)


class watching:  # noqa: N801 - used as a with-block
    """Whoever shows progress: bars in a terminal, plain lines or nothing elsewhere."""

    def __init__(self, choice: str) -> None:
        self.choice = choice
        self._bars: Bars | None = None

    def __enter__(self) -> Watch:
        choice = self.choice
        if choice == "auto":
            choice = "bars" if sys.stderr.isatty() else "none"
        if choice == "bars":
            self._bars = Bars()
            return self._bars.__enter__()
        if choice == "plain":
            return Lines()
        from pipeline.run import Silent

        return Silent()

    def __exit__(self, *fault: object) -> None:
        if self._bars is not None:
            self._bars.__exit__(*fault)
