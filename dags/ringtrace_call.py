"""What both DAGs share: where things lie, and how a task calls the command line in the project's own environment.

Nothing is worked out in the scheduler's environment. Each value comes from the environment of the scheduler:

    RINGTRACE_PYTHON     interpreter of the project's environment   (default: python3)
    RINGTRACE_INPUT      folder or URI of the input
    RINGTRACE_OUTPUT     folder or URI of finished runs             (default: output)
    RINGTRACE_SETTINGS   settings file
    RINGTRACE_DECISIONS  folder or URI of analysts' decisions, where they do not lie in the input
    RINGTRACE_MARKER     file in the input that marks a complete day, such as events/date={day}/_SUCCESS
    RINGTRACE_NOTIFY     program that is told of failures: DAG, task, day and reason as its arguments
    RINGTRACE_RETRIES, RINGTRACE_RETRY_SECONDS, RINGTRACE_WAIT_RETRIES
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]
if str(HOME) not in sys.path:  # only `pipeline.plan` is read from there, which imports nothing heavy
    sys.path.append(str(HOME))

_WRONG = 2  # exit code of wrong usage or input: trying again changes nothing
DEFAULTS = {
    "retries": int(os.environ.get("RINGTRACE_RETRIES", "2")),
    "retry_delay": timedelta(seconds=float(os.environ.get("RINGTRACE_RETRY_SECONDS", "300"))),
    "execution_timeout": timedelta(hours=6),
}


def place(name: str, default: str = "") -> str:
    """A value of the environment."""
    return os.environ.get(f"RINGTRACE_{name}", default)


def ringtrace(words: list[str], *, answers: bool = True) -> dict[str, Any]:
    """Call the command line with these words; its answer, of commands that know `--json`.

    Raises AirflowFailException (never tried again) where usage or input is wrong or a gate is shut, AirflowException
    where the command failed or was killed; both with the command's own paragraph as the reason.
    """
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    command = [place("PYTHON", "python3"), "-m", "pipeline", *words, *(["--json"] if answers else [])]
    path = os.pathsep.join(p for p in (str(HOME), os.environ.get("PYTHONPATH", "")) if p)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    print(done.stderr, end="")
    if done.returncode == 0:
        return json.loads(done.stdout) if answers else {}
    said = done.stderr.strip().splitlines()
    reason = said[-1] if said else f"ended with {done.returncode}"
    raise (AirflowFailException if done.returncode == _WRONG else AirflowException)(reason)


def notify(context: dict[str, Any]) -> None:
    """Tell the program that RINGTRACE_NOTIFY names of a task that failed for good."""
    program = place("NOTIFY")
    if program:
        task = context["task_instance"]
        reason = str(context.get("exception") or "")[:2000]
        words = [program, task.dag_id, task.task_id, str(context.get("ds", "")), reason]
        subprocess.run(words, check=False, timeout=60)
