"""The capacity model: laws it must keep, and the sizes that were measured, which it must give back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import capacity
from pipeline.capacity import COSTS, Load, disk_needed, need, seconds_of
from pipeline.cli import main
from pipeline.plan import STAGES

MEASURED = json.loads((Path(__file__).parents[2] / "docs/benchmarks/scale.json").read_text())["runs"]
sizes = st.floats(1e5, 1e11)


def test_every_stage_has_a_cost() -> None:
    assert [c.name for c in COSTS] == ["survey", *(s.name for s in STAGES)]


@given(sizes, sizes, st.floats(1.0, 10.0))
def test_more_work_needs_no_less(events: float, accounts: float, more: float) -> None:
    small, large = Load(events, accounts), Load(events * more, accounts * more)
    for name, seconds in seconds_of(small).items():
        assert seconds <= seconds_of(large)[name]
    one, other = need(small, 1.0), need(large, 1.0)
    assert one.processor_hours <= other.processor_hours and one.disk_gb <= other.disk_gb
    assert one.driver_gb <= other.driver_gb
    assert seconds_of(Load(events, accounts, text=False))["templates"] <= seconds_of(small)["templates"]


@given(sizes, st.floats(0.1, 100.0))
def test_a_run_ends_in_time_or_says_what_bounds_it(events: float, hours: float) -> None:
    load = Load(events, events / capacity.EVENTS_AN_ACCOUNT)
    found = need(load, hours)
    assert found.cores >= 1 and sum(found.share.values()) == pytest.approx(1, abs=0.01)
    if found.bound == "cores":
        assert found.hours <= hours + 0.01
        assert found.cores == 1 or need(load, hours * 2).cores <= found.cores


def test_what_one_machine_cannot_search_is_said() -> None:
    assert "max_rows" in need(Load(1e11, 3e8), 1.0).bound and "max_rows" not in need(Load(1e8, 3e5), 1.0).bound


def test_a_faster_core_takes_less() -> None:
    load = Load(1e9, 3e6)
    assert sum(seconds_of(load, 2.0).values()) == pytest.approx(sum(seconds_of(load).values()) / 2)


@pytest.mark.parametrize("run", MEASURED, ids=lambda r: f"{r['events']:,}{' with text' if r['text'] else ''}")
def test_measured_sizes_are_given_back(run: dict) -> None:  # type: ignore[type-arg]
    load = Load(run["events"], run["accounts"], run["text"])
    assert sum(seconds_of(load).values()) == pytest.approx(run["cpu"], rel=0.35)
    assert run["peak_disk"] <= disk_needed(run["events"], run["text"]) <= 2.5 * run["peak_disk"] + 50e6


def test_the_command_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan-capacity", "--events", "1e9", "--accounts", "3e6", "--hours", "2"]) == 0
    said = capsys.readouterr().out
    assert "cores" in said and "disk" in said and "templates" in said
    assert main(["plan-capacity"]) == 0
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 7 and "refuses" in table
    assert main(["plan-capacity", "--events", "1e8", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == 1e8 and told["cores"] >= 1 and told["disk_gb"] > 1
    assert main(["plan-capacity", "--events", "-1"]) == 2
