"""A briefing for others, made when a named person has approved it: the approval is a file, and it is kept.

Started by hand. For partners and the public the approval must name the run, the audience and who approved it, else
`ringtrace brief` refuses and the task fails at once; for inside use the record must exist as well.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task
from ringtrace_call import DEFAULTS, notify, ringtrace

with DAG(
    "ringtrace_briefing",
    description="Writes a briefing that a named person approved",
    schedule=None,
    start_date=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    catchup=False,
    default_args={**DEFAULTS, "on_failure_callback": notify},
    params={
        "run": Param("", type="string", description="folder of the finished run"),
        "to": Param("", type="string", description="folder for the briefing"),
        "audience": Param("partner", type="string", enum=["internal", "partner", "public"]),
        "recipient": Param("", type="string", description="which partner"),
        "approval": Param("", type="string", description="the approval on record, a JSON file"),
        "key_file": Param("", type="string", description="secret for pseudonyms"),
    },
    tags=["ringtrace"],
) as dag:

    @task
    def approved(params: dict[str, Any] | None = None) -> str:
        """Who approved it, read from the record; fails where there is none."""
        import json
        from pathlib import Path

        from airflow.sdk.exceptions import AirflowFailException

        path = Path((params or {})["approval"] or "nothing was named")
        try:
            name = json.loads(path.read_text(encoding="utf-8"))["approved_by"].strip()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            name = ""
        if not name:
            raise AirflowFailException(f"there is no approval on record by a named person: {path}")
        return str(name)

    @task
    def brief(approved_by: str, params: dict[str, Any] | None = None) -> None:
        """Write the briefing."""
        given = params or {}
        print(f"approved by {approved_by}")
        options = [
            word for name in ("recipient", "approval", "key_file") if given[name]
            for word in (f"--{name.replace('_', '-')}", given[name])
        ]  # fmt: skip
        ringtrace(
            ["brief", given["run"], "--to", given["to"], "--audience", given["audience"], *options], answers=False
        )

    brief(approved())  # type: ignore[arg-type]
