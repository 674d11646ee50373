"""Inputs and settings by which the wide stages do all that they do on large logs, in a run of seconds."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.scoring_model import shipped_model
from pipeline.settings import ExportsSettings, InputSettings, RunSettings, ScoresSettings, Settings
from pipeline.stages import sightings
from pipeline.stages.intake import duplicates
from pipeline.storage import list_runs
from pipeline.storage.tables import file_digest
from tests.support.tiny import tiny_world, write_tiny


def settings(scheduler: str = "sync", workers: int = 1, memory_gb: float = 2.0, model: str = "") -> Settings:
    """Settings without exports, of many small chunks; with the shipped model or that of a file."""
    run = RunSettings(scheduler=scheduler, workers=workers, memory_gb=memory_gb)
    return Settings(
        exports=ExportsSettings(make=False), run=run, input=InputSettings(chunk_rows=1000),
        scores=ScoresSettings(model=model),
    )  # fmt: skip


def credulous(place: Path) -> str:
    """The shipped model, to which every group is a ring, so that stages which ask about rings have some; its file."""
    given = json.loads(shipped_model().read_text())
    given["calibration"]["offset"] += 100.0
    place.write_text(json.dumps(given))
    return str(place)


def twice_delivered(to: Path) -> Path:
    """The tiny world with some of its requests in two files; a folder."""
    world = tiny_world()
    write_tiny(world, to, files=3)
    again = world.events.iloc[::40].sort_values("request_id", ignore_index=True)
    second = pd.concat([again, again.iloc[:5]], ignore_index=True)
    second.to_parquet(to / "events" / "part-9.parquet", index=False)
    return to


def small_buckets(patch: pytest.MonkeyPatch) -> None:
    """As many buckets as a log of a hundred million rows has, so that the rows are cut by account. Workers do not know
    of it, but none of them chooses the number of buckets."""
    patch.setattr(sightings, "ROWS_A_BUCKET", 500)
    patch.setattr(duplicates, "KEYS_A_BUCKET", 1 << 10)


def tables_of(output: Path) -> dict[str, str]:
    """Digest of every table of the only run of an output, working tables too where they were kept."""
    (run,) = list_runs(output)
    found = sorted(run.place.path.rglob("*.parquet"))
    return {str(p.relative_to(run.place.path)): file_digest(p) for p in found}
