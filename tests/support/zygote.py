"""Runs commands in forked children of one warmed-up process: a kill costs milliseconds, not the imports again.

As a program it reads a line of JSON a command, forks, answers with the child's pid, and at its end with its status.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


class Zygote:
    """A warmed-up process that runs `ringtrace` commands."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def run(
        self, args: list[str], *, kill_after: float | None = None, kill_when: Callable[[], bool] | None = None,
        said: Path | None = None,
    ) -> int:  # fmt: skip
        """Run a command; its exit code, or -9 where it was killed after so many seconds or when something holds."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"args": args, "said": str(said or os.devnull)}) + "\n")
        self._process.stdin.flush()
        pid = int(self._answer())
        if kill_when is not None:
            limit = time.monotonic() + 120
            while not kill_when() and time.monotonic() < limit and _alive(pid):
                time.sleep(0.0005)
        if kill_after is not None:
            time.sleep(kill_after)
        if kill_when is not None or kill_after is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return int(self._answer())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def _alive(pid: int) -> bool:
    """Whether a process runs (a dead child that nobody waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def moments(n: int, longest: float, seed: int) -> list[float]:
    """Random moments within a run, drawn from a seed."""
    dice = random.Random(seed)
    return [dice.uniform(0.0, longest) for _ in range(n)]


def _serve() -> None:
    """The program: warm up, then fork for each command."""
    import duckdb  # noqa: F401
    import igraph  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.sparse  # noqa: F401

    from pipeline import cli
    from pipeline.plan import STAGES
    from pipeline.run.walk import find_make

    for stage in STAGES:
        find_make(stage.name)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(said, 1)
            os.dup2(said, 2)
            os._exit(cli.main(asked["args"]))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
