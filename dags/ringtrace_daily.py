"""Every morning: one task a stage of the plan, each a call of `ringtrace stage` in the project's own environment.

The run of a logical date looks at the window that ends at the midnight beginning that date: the newest day in it is the
day before. It begins when that day's input is complete. A shut gate fails its task with the reason and is not tried
again; a person lets it through by running the day again with the parameter `let_through`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from ringtrace_call import DEFAULTS, notify, place, ringtrace

from pipeline.plan import STAGES

with DAG(
    "ringtrace_daily",
    description="Finds rings of organised fraud in the window that ended last midnight",
    schedule=place("SCHEDULE", "0 5 * * *"),
    start_date=datetime.fromisoformat(place("START", "2026-01-01T00:00:00+00:00")),
    catchup=False,
    max_active_runs=1,  # each run names the rings after the run before it
    default_args={**DEFAULTS, "on_failure_callback": notify},
    params={"let_through": Param([], type="array", description="gates that need not open today")},
    tags=["ringtrace"],
) as dag:

    @task(retries=int(place("WAIT_RETRIES", "24")))
    def input_complete(logical_date: Any = None) -> str:
        """The end of the window, once the day before it is there; a day that is missing is named."""
        day = logical_date.date() - timedelta(days=1)
        marker = ["--marker", place("MARKER")] if place("MARKER") else []
        ringtrace(["status", place("OUTPUT", "output"), "--input", place("INPUT"), "--day", day.isoformat(), *marker])
        return str(logical_date.date())

    @task
    def begin(until: str) -> str:
        """Name the run; one under way is gone on with."""
        options = {"--settings": place("SETTINGS"), "--decisions": place("DECISIONS")}
        given = [word for option, value in options.items() if value for word in (option, value)]
        where = ["run", place("INPUT"), "--output", place("OUTPUT", "output"), "--until", until]
        return str(ringtrace([*where, "--begin", "--resume", *given])["run_id"])

    @task
    def stage(name: str, run: str, params: dict[str, Any] | None = None) -> None:
        """One stage of the run; its gates stop the line."""
        passed = [word for gate in (params or {})["let_through"] for word in ("--let-through", gate)]
        ringtrace(["stage", name, "--run", run, "--output", place("OUTPUT", "output"), "--gates", *passed])

    run = begin(input_complete())  # type: ignore[arg-type]
    before: Any = run
    for name in (*(s.name for s in STAGES), "publish"):
        step = stage.override(task_id=name)(name, run)  # type: ignore[arg-type]
        before >> step
        before = step
