"""A day after a day: what is kept in `state/` changes how long a run takes, never what it says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RunError
from pipeline.period import instant
from pipeline.run import Request, carry_out, one_stage
from pipeline.run.unfinished import open_unfinished
from pipeline.settings import ExportsSettings, RunSettings, Settings, WindowSettings
from pipeline.stages import templates
from pipeline.stages.intake import duplicates
from pipeline.stages.intake import events as intake_events
from pipeline.stages.sightings import partial
from pipeline.storage import folder
from tests.support.days import write_day, write_days
from tests.support.tiny import Tiny

PLAIN = Settings(
    window=WindowSettings(days=8), exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1)
)
WIDE = ("intake", "templates", "sightings")


@pytest.fixture
def days(tiny: Tiny, tmp_path: Path) -> Path:
    """The tiny world by day; a day's file holds a few late rows of the day before, and a row delivered twice."""
    rows = tiny.events.reset_index(drop=True)
    late = np.arange(len(rows)) % 50 == 7
    delivered = rows["timestamp"] + pd.to_timedelta(np.where(late, 1, 0), unit="D")
    again = rows.iloc[::97]
    rows = pd.concat([rows, again], ignore_index=True)
    delivered = pd.concat([delivered, again["timestamp"] + pd.Timedelta(days=1)], ignore_index=True)
    source = write_days(rows.head(0), tiny, tmp_path / "in")
    for day, mine in rows.groupby(delivered.dt.strftime("%Y-%m-%d"), sort=True):
        write_day(mine, str(day), source)
    return source


def wide_tables(source: Path, output: Path, until: str) -> dict[str, pd.DataFrame]:
    """The tables of the wide stages of a run that is begun and left."""
    request = Request(str(source), str(output), PLAIN, until=instant(until), previous="none")
    run_id = carry_out(request, only_begin=True).run_id
    for stage in WIDE:
        one_stage(stage, run_id, output=str(output))
    run = open_unfinished(folder(output), run_id)
    made = {t: pd.read_parquet(run.path(t)) for t in ("templates", "rejected_events")}
    for table in ("account_traits", "conversations"):
        made[table] = pd.read_parquet(run.path(table))
    for table in ("sightings", "account_hours", "template_events", "clean_events"):
        frame = pd.concat([pd.read_parquet(p) for p in run.parts(table)])
        frame = frame.drop(columns=["source", "row"], errors="ignore")
        made[table] = frame.sort_values(list(frame.columns), ignore_index=True)
    made["counts"] = pd.DataFrame([run.stages["intake"]["counts"]["events"]])
    return made


def same(a: dict[str, pd.DataFrame], b: dict[str, pd.DataFrame]) -> None:
    """Whether two sets of tables are equal."""
    for table, frame in a.items():
        pd.testing.assert_frame_equal(frame, b[table], obj=table)


def test_day_after_day_ends_where_one_run_does(days: Path, tmp_path: Path) -> None:
    for day in ("2026-05-09", "2026-05-10", "2026-05-11"):
        daily = wide_tables(days, tmp_path / "daily", day)
    same(daily, wide_tables(days, tmp_path / "once", "2026-05-11"))
    assert daily["counts"]["duplicates"][0] > 0 and daily["counts"]["outside_window"][0] > 0


def test_only_new_days_are_read(days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[int, ...]] = []
    real = intake_events._write_part

    def counted(task: Any) -> Any:
        read.append(task.chunk.number)
        return real(task)

    monkeypatch.setattr(intake_events, "_write_part", counted)
    wide_tables(days, tmp_path / "out", "2026-05-10")
    read.clear()
    wide_tables(days, tmp_path / "out", "2026-05-11")
    # the newest day, and at both ends of the window the days whose late rows it cuts
    assert len(read) <= 4


def test_what_was_counted_of_a_day_is_not_counted_again(
    days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    real = partial._count

    def noted(half: Any, folder: Path, db: Any) -> None:
        counted.extend([half.name] if half.n_rows else [])
        real(half, folder, db)

    monkeypatch.setattr(partial, "_count", noted)
    wide_tables(days, tmp_path / "out", "2026-05-10")
    assert counted.count("events") > 7 and counted.count("texts") > 7
    counted.clear()
    wide_tables(days, tmp_path / "out", "2026-05-11")
    assert 0 < counted.count("events") <= 4


def test_what_came_twice_is_looked_at_once(days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = duplicates._close_up

    def noted(reading: Any, part: Any, keys: Any, places: Any) -> Any:
        looked.append(part.number)
        return real(reading, part, keys, places)

    monkeypatch.setattr(duplicates, "_close_up", noted)
    request = Request(str(days), str(tmp_path / "out"), PLAIN, until=instant("2026-05-10"), previous="none")
    for until in ("2026-05-10", "2026-05-11"):
        run_id = carry_out(replace(request, until=instant(until)), only_begin=True).run_id
        looked.append(-1)
        one_stage("intake", run_id, output=str(tmp_path / "out"))
    first, second = looked[1 : looked.index(-1, 1)], looked[looked.index(-1, 1) + 1 :]
    assert len(first) >= 8 and 0 < len(second) <= 5


def test_labels_from_upstream_are_taken_over_once(days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in sorted((days / "events").rglob("*.parquet")):
        rows = pd.read_parquet(path).drop(columns="date", errors="ignore")
        rows.assign(template_id=rows["prompt"].str[:4], prompt=None).drop(columns="prompt").to_parquet(path)
    written: list[int] = []
    real = templates._write

    def noted(work: Any) -> Any:
        made = real(work)
        written.extend([1] if pq.read_metadata(work[0].result).num_rows else [])
        return made

    monkeypatch.setattr(templates, "_write", noted)
    wide_tables(days, tmp_path / "daily", "2026-05-10")
    before = len(written)
    daily = wide_tables(days, tmp_path / "daily", "2026-05-11")
    assert 0 < len(written) - before <= 4 < before
    same(daily, wide_tables(days, tmp_path / "once", "2026-05-11"))
    assert daily["templates"]["n_events"].sum() > 0


def test_a_day_delivered_again_replaces_the_first(days: Path, tmp_path: Path) -> None:
    wide_tables(days, tmp_path / "daily", "2026-05-10")
    path = days / "events" / "date=2026-05-08" / "part-0.parquet"
    rows = pd.read_parquet(path)
    rows["prompt"] = rows["prompt"].str.upper()  # the same bytes but for one column that intake does not carry
    write_day(rows.drop(columns="date", errors="ignore").iloc[5:], "2026-05-08", days)
    same(wide_tables(days, tmp_path / "daily", "2026-05-10"), wide_tables(days, tmp_path / "once", "2026-05-10"))


def test_files_that_went_away_move_nothing(days: Path, tmp_path: Path) -> None:
    wide_tables(days, tmp_path / "daily", "2026-05-11")
    shutil.rmtree(days / "events" / "date=2026-05-01")
    same(wide_tables(days, tmp_path / "daily", "2026-05-11"), wide_tables(days, tmp_path / "once", "2026-05-11"))


def test_damaged_or_deleted_state_changes_nothing(days: Path, tmp_path: Path) -> None:
    first = wide_tables(days, tmp_path / "daily", "2026-05-11")
    for path in (tmp_path / "daily" / "state").rglob("*"):
        if path.is_file() and path.suffix != ".json":
            path.write_bytes(path.read_bytes()[:-3])
    shutil.rmtree(tmp_path / "daily" / ".unfinished")
    same(first, wide_tables(days, tmp_path / "daily", "2026-05-11"))
    shutil.rmtree(tmp_path / "daily" / "state")
    same(first, wide_tables(days, tmp_path / "daily", "2026-05-11"))


def test_the_log_goes_on_while_a_run_is_under_way(days: Path, tmp_path: Path) -> None:
    request = Request(str(days), str(tmp_path / "out"), PLAIN, until=instant("2026-05-10"), previous="none")
    run_id = carry_out(request, only_begin=True).run_id
    one_stage("intake", run_id, output=str(tmp_path / "out"))
    path = days / "events" / "date=2026-05-12" / "part-0.parquet"
    write_day(pd.read_parquet(path).drop(columns="date", errors="ignore"), "2026-05-20", days)
    one_stage("templates", run_id, output=str(tmp_path / "out"))
    other = carry_out(replace(request, output=str(tmp_path / "other")), only_begin=True).run_id
    path.unlink()
    with pytest.raises(RunError, match="the input changed"):
        one_stage("intake", other, output=str(tmp_path / "other"))
