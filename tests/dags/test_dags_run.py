"""The DAGs, run for real: Airflow in its own environment, its metadata database migrated, the tiny world by day."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.period import instant
from pipeline.plan import STAGES
from pipeline.run import Request, carry_out
from pipeline.settings_reader import read_settings
from pipeline.storage import list_runs
from tests.support.days import write_days
from tests.support.house import ROOT
from tests.support.tiny import tiny_world

AIRFLOW = ROOT / ".venv-airflow" / "bin"
DAGS = ROOT / "dags"
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not AIRFLOW.is_dir(), reason="`make airflow` has not made Airflow's environment"),
]
SETTINGS = """
[window]
days = 10
[run]
scheduler = "sync"
workers = 1
[communities]
seeds = 1
cpm_resolutions = [0.3]
barber_resolutions = [8.0]
[null]
rewirings = 1
[exports]
make = false
"""
# ends the first call of a stage as the system does when memory runs out, after some of its work
KILLER = """#!/bin/sh
case "$*" in
*"stage sightings"*) if [ ! -e "{mark}" ]; then touch "{mark}"
  {python} "$@" & child=$!; sleep 0.7; kill -9 $child; wait $child; exit $?; fi ;;
esac
exec {python} "$@"
"""
TELLER = '#!/bin/sh\nprintf "%s\\n" "$@" >> "{told}"\n'
DAYS = ("2026-05-11", "2026-05-12", "2026-05-13")


def program(path: Path, text: str) -> Path:
    """An executable file."""
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs, the settings and the programs."""
    here = tmp_path_factory.mktemp("airflow")
    world = tiny_world()
    write_days(world.events, world, here / "whole")
    mute = world.events.copy()
    newest = mute["timestamp"].dt.strftime("%Y-%m-%d") == "2026-05-12"
    mute.loc[newest, "ip"] = None
    write_days(mute, world, here / "mute")
    gone = world.events["timestamp"].dt.strftime("%Y-%m-%d") == "2026-05-09"
    write_days(world.events[~gone], world, here / "gap")
    (here / "settings.toml").write_text(SETTINGS)
    program(here / "killer", KILLER.format(mark=here / "killed", python=sys.executable))
    program(here / "teller", TELLER.format(told=here / "told"))
    (here / "approval.json").write_text(json.dumps({"approved_by": " "}))
    return here


@pytest.fixture(scope="module")
def results(place: Path) -> dict[str, dict[str, Any]]:
    """All DAG runs, in one process of Airflow: starting it costs more than the runs of a tiny world."""

    def order(dag: str, date: str, source: str, output: str, **env: str) -> dict[str, Any]:
        given = {
            "RINGTRACE_INPUT": str(place / source), "RINGTRACE_OUTPUT": str(place / output),
            "RINGTRACE_SETTINGS": str(place / "settings.toml"), "RINGTRACE_PYTHON": sys.executable,
        }  # fmt: skip
        return {"dag": dag, "date": f"{date}T05:00:00+00:00", "env": given | env}

    orders = {
        **{
            day: order("ringtrace_daily", day, "whole", "backfill", RINGTRACE_PYTHON=str(place / "killer"))
            for day in DAYS
        },
        "gate": order("ringtrace_daily", "2026-05-13", "mute", "gate"),
        "gap": order("ringtrace_daily", "2026-05-12", "gap", "gap"),
        "briefing": {**order("ringtrace_briefing", "2026-05-13", "whole", "backfill"),
                     "conf": {"run": "latest", "to": "x", "approval": str(place / "approval.json")}},
    }  # fmt: skip
    env = {
        **os.environ, "AIRFLOW_HOME": str(place / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS), "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "RINGTRACE_RETRIES": "1", "RINGTRACE_RETRY_SECONDS": "0", "RINGTRACE_WAIT_RETRIES": "0",
        "RINGTRACE_NOTIFY": str(place / "teller"), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    (place / "orders.json").write_text(json.dumps(list(orders.values())))
    for words in (
        [str(AIRFLOW / "airflow"), "db", "migrate"],
        [str(AIRFLOW / "python"), str(Path(__file__).with_name("drive.py")), str(place / "orders.json"),
         str(place / "results.json")],
    ):  # fmt: skip
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=1700, check=False)
        (place / "log").write_text(done.stdout + done.stderr)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return dict(zip(orders, json.loads((place / "results.json").read_text()), strict=True))


def tables(run: Path) -> dict[str, bytes]:
    """Every table of a run."""
    return {p.name: p.read_bytes() for p in sorted(run.glob("*.parquet"))}


def test_a_passing_day_is_one_task_a_stage(results: dict[str, dict[str, Any]], place: Path) -> None:
    day = results[DAYS[0]]
    assert day["state"] == "success", (place / "log").read_text()[-4000:]
    assert set(day["tasks"]) == {"input_complete", "begin", *(s.name for s in STAGES), "publish"}
    assert set(day["tasks"].values()) == {"success"}


def test_three_days_are_filled_in_by_logical_date(results: dict[str, dict[str, Any]], place: Path) -> None:
    assert [results[day]["state"] for day in DAYS] == ["success"] * 3
    runs = list_runs(place / "backfill")
    assert [r.until.date().isoformat() for r in runs] == list(DAYS)
    assert [r.manifest["previous_run"] for r in runs] == [None, runs[0].run_id, runs[1].run_id]


def test_a_killed_task_is_tried_again_to_the_same_bytes(results: dict[str, dict[str, Any]], place: Path) -> None:
    assert (place / "killed").exists()
    tries = results[DAYS[0]]["tries"]
    assert {task for task, n in tries.items() if n != 1} == {"sightings"} and tries["sightings"] == 2
    first = list_runs(place / "backfill")[0]
    request = Request(
        str(place / "whole"), str(place / "at-once"), read_settings(place / "settings.toml"),
        until=instant(DAYS[0]),
    )  # fmt: skip
    at_once = carry_out(request)
    assert at_once.run_id == first.run_id
    assert tables(Path(at_once.place)) == tables(first.place.path)


def test_a_shut_gate_stops_the_line_with_its_reason(results: dict[str, dict[str, Any]], place: Path) -> None:
    gate = results["gate"]
    assert gate["state"] == "failed"
    assert gate["tasks"]["templates"] == "success" and gate["tasks"]["sightings"] == "failed"
    assert gate["tries"]["sightings"] == 1  # what is wrong today is wrong in five minutes
    assert set(gate["tasks"].values()) == {"success", "failed", "upstream_failed"}
    assert list_runs(place / "gate") == []
    told = (place / "told").read_text()
    assert "sightings" in told and "link types went silent: ip (0 accounts" in told


def test_a_missing_day_is_named_and_nothing_begins(results: dict[str, dict[str, Any]], place: Path) -> None:
    assert results["gap"]["state"] == "failed" and results["gap"]["tasks"]["begin"] == "upstream_failed"
    assert "a day is missing: 2026-05-09" in (place / "told").read_text()
    assert not (place / "gap" / ".unfinished").exists()


def test_a_briefing_needs_a_named_person(results: dict[str, dict[str, Any]], place: Path) -> None:
    assert results["briefing"]["tasks"] == {"approved": "failed", "brief": "upstream_failed"}
    assert "no approval on record by a named person" in (place / "told").read_text()


def test_files_are_parsed_without_heavy_imports() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(DAGS)!r}); import ringtrace_daily, ringtrace_briefing; "
        "heavy = {'pandas', 'numpy', 'pyarrow', 'dask', 'duckdb', 'igraph', 'scipy', 'matplotlib'} & set(sys.modules); "
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [str(AIRFLOW / "python"), "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
