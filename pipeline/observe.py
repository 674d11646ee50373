"""What a run tells the machines that watch over it: log lines, Prometheus metrics, OpenLineage events; all optional.

Where they go is named by the environment, since it changes no result: RINGTRACE_LOG (a file of JSON lines, `-` for
standard error), RINGTRACE_METRICS (a file for Prometheus' text-file collector), RINGTRACE_LINEAGE (a folder of events).
Names, counts and seconds are told, never a value of the input. A watcher that cannot be told stops no run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOG, METRICS, LINEAGE = "RINGTRACE_LOG", "RINGTRACE_METRICS", "RINGTRACE_LINEAGE"
_PRODUCER = "urn:ringtrace"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_TYPES = {"start": "START", "done": "COMPLETE", "kept": "COMPLETE", "failed": "FAIL", "published": "COMPLETE"}


def tell(
    event: str, *, run_id: str, stage: str, reads: Sequence[str] = (), writes: Sequence[str] = (), **values: Any
) -> None:
    """Tell of an event (`start`, `done`, `kept`, `failed`, `published`) of a stage; `values` are counts and seconds."""
    now = datetime.now(UTC)
    if target := os.environ.get(LOG):
        line = {"time": now.isoformat(), "run_id": run_id, "stage": stage, "event": event, **values}
        _append(target, json.dumps(line, sort_keys=True, default=str))
    if folder := os.environ.get(LINEAGE):
        made = lineage_event(event, run_id=run_id, stage=stage, reads=reads, writes=writes, now=now)
        _append(str(Path(folder) / f"{run_id}.jsonl"), json.dumps(made, sort_keys=True))


def lineage_event(
    event: str, *, run_id: str, stage: str, reads: Sequence[str], writes: Sequence[str], now: datetime
) -> dict[str, Any]:
    """An OpenLineage run event: the tables of the plan are its data sets."""
    mark = hashlib.sha256(f"{run_id}/{stage}".encode()).hexdigest()
    uuid = f"{mark[:8]}-{mark[8:12]}-5{mark[13:16]}-8{mark[17:20]}-{mark[20:32]}"
    return {
        "eventType": _TYPES.get(event, "OTHER"), "eventTime": now.isoformat(), "producer": _PRODUCER,
        "schemaURL": _SCHEMA, "run": {"runId": uuid}, "job": {"namespace": "ringtrace", "name": stage},
        "inputs": [{"namespace": "ringtrace", "name": f"{run_id}/{t}"} for t in reads],
        "outputs": [{"namespace": "ringtrace", "name": f"{run_id}/{t}"} for t in writes],
    }  # fmt: skip


def tell_metrics(manifest: Mapping[str, Any]) -> None:
    """Write the metrics of a finished run, whole or not at all."""
    target = os.environ.get(METRICS)
    if not target:
        return
    with contextlib.suppress(OSError):
        aside = Path(f"{target}.{os.getpid()}.aside")
        aside.write_text(metrics_text(manifest), encoding="utf-8")
        aside.replace(target)


def metrics_text(manifest: Mapping[str, Any]) -> str:
    """A manifest as Prometheus metrics in text form."""
    lines: list[str] = []

    def metric(name: str, help: str, values: Sequence[tuple[str, float]]) -> None:
        lines.extend((f"# HELP ringtrace_{name} {help}", f"# TYPE ringtrace_{name} gauge"))
        lines.extend(f"ringtrace_{name}{labels} {value:g}" for labels, value in values)

    until = datetime.fromisoformat(manifest["until"]).timestamp()
    metric("window_end_timestamp_seconds", "End of the window of the latest run.", [("", until)])
    stages = sorted(manifest["stages"].items())
    metric("stage_seconds", "Wall seconds of a stage.", [(f'{{stage="{n}"}}', s["seconds"]) for n, s in stages])
    metric(
        "stage_peak_memory_bytes", "Peak memory of a stage.",
        [(f'{{stage="{n}"}}', s["peak_memory"]) for n, s in stages],
    )  # fmt: skip
    rows = [(f'{{table="{t}"}}', n) for _, s in stages for t, n in sorted(s["rows_out"].items())]
    metric("table_rows", "Rows of a table.", rows)
    gates = [(f'{{gate="{g["name"]}"}}', float(g["open"])) for g in manifest.get("gates", [])]
    metric("gate_open", "1 where a gate is open, 0 where it is shut.", gates)
    metric("drift_warnings", "Warnings of the drift watch.", [("", len(manifest.get("drift", {}).get("warnings", [])))])
    return "\n".join(lines) + "\n"


def _append(target: str, line: str) -> None:
    with contextlib.suppress(OSError):
        if target == "-":
            print(line, file=sys.stderr, flush=True)
            return
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
