"""What is looked at after some stages: gates of the day's input and of its rings, and the drift watch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.drift import TRAILING, Day, classes_of, days_of, score_warnings, warnings_of
from pipeline.gates import rejected_gate, rings_gate, rows_gate, silent_gate
from pipeline.link_types import link_types
from pipeline.run.unfinished import Unfinished
from pipeline.settings import Settings
from pipeline.storage import FinishedRun
from pipeline.storage.places import private_folder
from pipeline.storage.tables import read_parquet

BORN = "born"


@dataclass(frozen=True)
class Looking:
    """What a look needs: the run under way, its settings, the run before it, a folder to work in."""

    run: Unfinished
    settings: Settings
    past: FinishedRun | None
    scratch: Path
    memory: int


def look_after(stage: str, at: Looking) -> dict[str, Any] | None:
    """What is found after a stage, as plain values for the manifest; None where nothing is looked at."""
    look = {"sightings": _input, "entities": _classes, "rings": _rings}.get(stage)
    return None if look is None else look(at)


def _input(at: Looking) -> dict[str, Any]:
    scratch = str(private_folder(at.scratch))
    parts = [at.run.parts(t) for t in ("account_hours", "sightings")]
    days = days_of(*parts, scratch=scratch, memory=at.memory) if all(parts) else []
    rules = at.settings.gates
    spoken = {t.name for t in link_types(at.settings.link_types) if t.table not in ("payments", "accounts")}
    counts = at.run.stages.get("intake", {}).get("counts", {}).get("events", {"in": 0, "rejected": 0})
    before = at.past.manifest["stages"]["intake"]["counts"].get("events") if at.past else None
    gates = (rows_gate(days, rules), silent_gate(days, spoken, rules), rejected_gate(counts, before, rules))
    return {
        "gates": [g.as_dict() for g in gates], "warnings": warnings_of(days, what="link type"),
        "newest": [d.as_dict() for d in days[-TRAILING - 1 :]],
    }  # fmt: skip


def _classes(at: Looking) -> dict[str, Any]:
    noted = at.run.record.get("looks", {}).get("sightings", {}).get("newest", [])
    days, known = [Day.from_dict(d) for d in noted], str(at.run.path("entities"))
    if not days:
        return {"warnings": []}
    scratch = str(private_folder(at.scratch))
    classed = classes_of(days, at.run.parts("sightings"), known, scratch=scratch, memory=at.memory)
    return {"warnings": warnings_of(classed, what="class")}


def _rings(at: Looking) -> dict[str, Any]:
    rings = read_parquet(at.run.path("rings")).select(["ring_id", "score", "flagged"]).to_pylist()
    changes = read_parquet(at.run.path("ring_history")).select(["ring_id", "change"]).to_pylist()
    born = {c["ring_id"] for c in changes if c["change"] == BORN}
    n_born = sum(r["flagged"] and r["ring_id"] in born for r in rings)
    before = at.past.manifest.get("drift", {}).get("scores") if at.past else None
    scores = {
        "rings": len(rings), "flagged": sum(r["flagged"] for r in rings),
        "mean_score": round(sum(sorted(r["score"] for r in rings)) / len(rings), 9) if rings else 0.0,
    }  # fmt: skip
    gate = rings_gate(n_born, int(before["flagged"]) if before else None, at.settings.gates)
    return {"gates": [gate.as_dict()], "warnings": score_warnings(scores, before), "scores": scores}
