"""Forty-five mornings of a small world against one run over the same window (`make soak`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipeline.worlds import build
from pipeline.worlds.world import WORLDS
from tests.benchmarks.daily import run_day, same_tables

pytestmark = pytest.mark.slow


def test_forty_five_mornings_end_where_one_run_does(tmp_path: Path) -> None:
    world = replace(WORLDS["onset"], n_accounts=600, prevalence=0.1, ring_size=(10.0, 30.0), volume=0.4)
    build(world, tmp_path / "world", seed=5)
    start = date.fromisoformat(world.start)
    given: list[str] = []
    for n in range(1, world.days + 1):
        run = run_day(tmp_path / "world", tmp_path / "daily", start + timedelta(days=n))
        history = pd.read_parquet(run / "ring_history.parquet")
        given += history.loc[history["change"] == "born", "ring_id"].tolist()
    assert len(given) == len(set(given)), "a ring id was given twice"
    found = same_tables(run, run_day(tmp_path / "world", tmp_path / "once", start + timedelta(days=world.days), "none"))
    assert all(found.values()), found
