"""Gates, arrivals, the drift watch, and what is told to machines."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipeline import gates, observe
from pipeline.arrivals import Arrivals, arrivals, day_of, require
from pipeline.cli import main
from pipeline.drift import Day, classes_of, days_of, score_warnings, warnings_of
from pipeline.errors import RunError, UsageError
from pipeline.run import Request, carry_out
from pipeline.settings import ExportsSettings, GatesSettings, RunSettings, Settings
from tests.support.days import write_days
from tests.support.stubs import Stubs
from tests.support.tiny import Tiny

START = date(2026, 5, 4)  # a Monday
RULES = GatesSettings()


def days(n: int = 29, *, events: int = 1000, seen: int = 50, last: tuple[int, int] | None = None) -> list[Day]:
    """Days with so many requests of 100 accounts, `seen` of them with the type `a`; the last day may differ."""
    made = [Day(START + timedelta(days=i), events, 100, {"a": seen, "b": 90}) for i in range(n)]
    return made if last is None else [*made[:-1], Day(made[-1].day, last[0], 100, {"a": last[1], "b": 90})]


# gates -------------------------------------------------------------------------------------------------------------


def test_a_usual_day_passes_every_gate() -> None:
    found = (gates.rows_gate(days(), RULES), gates.silent_gate(days(), {"a", "b"}, RULES))
    assert all(g.open for g in found)
    gates.stop_at(found)


def test_too_few_rows_shut_the_gate_and_the_sentence_says_so() -> None:
    gate = gates.rows_gate(days(last=(300, 50)), RULES)
    assert not gate.open and "2026-06-01 has 300 requests; a usual day has 1,000" in gate.says


def test_a_quiet_sunday_is_measured_by_sundays() -> None:
    made = [Day(d.day, 300 if d.day.weekday() == 6 else 1000, 100, d.seen) for d in days(28)]
    assert made[-1].day.weekday() == 6 and gates.rows_gate(made, RULES).open


def test_without_history_nothing_is_compared() -> None:
    few = days(5, last=(1, 0))
    assert gates.rows_gate(few, RULES).open and gates.silent_gate(few, {"a"}, RULES).open
    assert gates.rows_gate([], RULES).open and warnings_of([], what="link type") == []


@pytest.mark.parametrize(("usual", "now", "shut"), [(50, 0, True), (50, 4, True), (50, 30, False), (10, 0, False)])
def test_a_link_type_gone_silent(usual: int, now: int, shut: bool) -> None:
    gate = gates.silent_gate(days(seen=usual, last=(1000, now)), {"a"}, RULES)
    assert gate.open != shut and ("a (" in gate.says) == shut


@pytest.mark.parametrize(
    ("now", "before", "shut"),
    [
        ({"in": 1000, "rejected": 1}, None, False),
        ({"in": 1000, "rejected": 90}, None, True),
        ({"in": 1000, "rejected": 90}, {"in": 900, "rejected": 80}, False),
        ({"in": 1000, "rejected": 30}, {"in": 900, "rejected": 0}, True),  # all of the new rows' own
        ({"in": 900, "rejected": 0}, {"in": 1000, "rejected": 10}, False),
        ({"in": 0, "rejected": 0}, None, False),
    ],
)
def test_a_jump_in_refused_rows(now: dict[str, int], before: dict[str, int] | None, shut: bool) -> None:
    assert gates.rejected_gate(now, before, RULES).open != shut


@pytest.mark.parametrize(
    ("born", "before", "shut"), [(400, None, False), (25, 3, False), (26, 3, True), (40, 90, False)]
)
def test_an_implausible_number_of_new_rings(born: int, before: int | None, shut: bool) -> None:
    assert gates.rings_gate(born, before, RULES).open != shut


def test_a_person_lets_a_gate_through_by_its_name() -> None:
    shut = [gates.Gate("rows", False, "Few."), gates.Gate("silent", False, "Mute.")]
    with pytest.raises(gates.GateError, match=r"gates rows, silent. Few\. Mute\.") as fault:
        gates.stop_at(shut)
    assert fault.value.exit_code == 2
    with pytest.raises(gates.GateError, match="gate silent"):
        gates.stop_at(shut, ["rows"])
    gates.stop_at(shut, ["rows", "silent"])


# arrivals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("events/date=2026-05-01/part-0.parquet", date(2026, 5, 1)), ("events-20260501.csv.gz", date(2026, 5, 1)),
        ("events/part-0.parquet", None), ("events/1234567890123.parquet", None), ("2026-13-41.csv", None),
        ("2026-04-01/events-2026-05-01.csv", date(2026, 5, 1)),
    ],
)  # fmt: skip
def test_a_name_tells_its_day(name: str, day: date | None) -> None:
    assert day_of(name) == day


def here(**sizes: int) -> Arrivals:
    """Arrivals of May 2026 by day of the month: `d01=100`."""
    return arrivals("in", [f"date=2026-05-{d[1:]}/x" for d in sizes], list(sizes.values()), "rows")


def ask(found: Arrivals, day: int, marked: bool | None = None) -> str:
    return require(found, date(2026, 5, day), marked=marked, marker="_SUCCESS", min_share=0.4, days=45)


def test_a_day_is_complete_by_rows_or_by_its_marker() -> None:
    found = here(d01=100, d02=110, d03=20, d04=90)
    assert "complete: 90 rows" in ask(found, 4)
    assert "complete" in ask(here(d01=100, d02=20), 2, True)


@pytest.mark.parametrize(
    ("day", "marked", "says"),
    [
        (3, None, "2026-05-03 has 20 rows so far; a usual day has 105"), (4, None, "the day 2026-05-04 is missing"),
        (2, False, "not marked as complete: there is no _SUCCESS"),
        (6, None, "2 days are missing: 2026-05-04, 2026-05-05"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(day: int, marked: bool | None, says: str) -> None:
    with pytest.raises(RunError, match=says):
        ask(here(d01=100, d02=110, d03=20, **({"d06": 100} if day == 6 else {})), day, marked)


def test_a_log_that_tells_no_day_is_no_daily_log() -> None:
    with pytest.raises(UsageError, match="tell no day"):
        arrivals("in", ["events.parquet"], [3], "rows")


# drift -------------------------------------------------------------------------------------------------------------


def test_a_share_that_moved_is_said_with_both_figures() -> None:
    said = warnings_of(days(last=(1000, 10)), what="link type")
    assert said == [
        "On 2026-06-01, 10.0% of the active accounts were seen with the link type a; in the 28 days before it was "
        "50.0% (median)."
    ]
    assert warnings_of(days(last=(1000, 53)), what="link type") == []


def test_scores_are_compared_with_the_previous_run() -> None:
    before = {"rings": 10, "flagged": 2, "mean_score": 0.3}
    assert score_warnings(before, before) == [] == score_warnings(before, None)
    assert len(score_warnings({"rings": 10, "flagged": 9, "mean_score": 0.8}, before)) == 2


def test_days_are_counted_from_the_parts(tmp_path: Path) -> None:
    hours = pd.DataFrame({
        "account_id": ["x", "x", "y"], "n_events": [3, 2, 5],
        "hour": pd.to_datetime(["2026-05-01T01:00Z", "2026-05-02T01:00Z", "2026-05-02T02:00Z"]).as_unit("us"),
    })  # fmt: skip
    seen = pd.DataFrame({
        "account_id": ["x", "x", "y"], "entity_type": "desk", "entity": ["1", "1", "2"],
        "day": [date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 2)],
    })  # fmt: skip
    known = pd.DataFrame({"entity_type": "desk", "entity": ["1", "2"], "class": ["home", "shop"]})
    paths = []
    for name, frame in (("hours", hours), ("seen", seen), ("known", known)):
        paths.append(str(tmp_path / f"{name}.parquet"))
        frame.to_parquet(paths[-1], index=False)
    found = days_of(paths[:1], paths[1:2], scratch=str(tmp_path), memory=1 << 28)
    assert found == [Day(date(2026, 5, 1), 3, 1, {"desk": 1}), Day(date(2026, 5, 2), 7, 2, {"desk": 2})]
    assert [Day.from_dict(json.loads(json.dumps(d.as_dict()))) for d in found] == found
    classed = classes_of(found, paths[1:2], paths[2], scratch=str(tmp_path), memory=1 << 28)
    assert classed[-1].seen == {"desk, home": 1, "desk, shop": 1}


# what is told ------------------------------------------------------------------------------------------------------


@pytest.fixture
def told(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stubbed run with every watcher named."""
    monkeypatch.setenv(observe.LOG, str(tmp_path / "log.jsonl"))
    monkeypatch.setenv(observe.METRICS, str(tmp_path / "ringtrace.prom"))
    monkeypatch.setenv(observe.LINEAGE, str(tmp_path / "lineage"))
    rules = Settings(exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1))
    source = write_days(tiny.events, tiny, tmp_path / "in")
    carry_out(Request(str(source), str(tmp_path / "out"), rules), find=Stubs())
    return tmp_path


def test_log_metrics_and_lineage_are_told(told: Path) -> None:
    lines = [json.loads(line) for line in (told / "log.jsonl").read_text().splitlines()]
    assert {line["event"] for line in lines} == {"start", "done", "published"}
    assert all(line["run_id"].startswith("2026-05-13-") and line["stage"] for line in lines)
    metrics = (told / "ringtrace.prom").read_text()
    assert 'ringtrace_gate_open{gate="rows"} 1' in metrics and 'ringtrace_table_rows{table="rings"}' in metrics
    (lineage,) = (told / "lineage").iterdir()
    events = [json.loads(line) for line in lineage.read_text().splitlines()]
    starts = {e["run"]["runId"] for e in events if e["eventType"] == "START"}
    ends = [e for e in events if e["eventType"] == "COMPLETE" and e["job"]["name"] != "publish"]
    assert starts == {e["run"]["runId"] for e in ends}
    assert any(d["name"].endswith("/clean_events") for e in events for d in e["inputs"])


def test_a_watcher_that_cannot_be_told_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (observe.LOG, observe.METRICS, observe.LINEAGE):
        monkeypatch.setenv(name, "/dev/null/nowhere/file")
    observe.tell("start", run_id="r", stage="intake")
    observe.tell_metrics({"until": "2026-05-01T00:00:00+00:00", "stages": {}})


def test_status_says_what_ran_and_what_is_late(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(told / "out"), "--input", str(told / "in")]) == 0
    out = capsys.readouterr().out
    assert "2026-05-13-" in out and "No day waits to be run." in out
    assert main(["status", str(told / "none"), "--input", str(told / "in"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == [] and len(found["late"]) == 12 and found["missing"] == []
    assert main(["status", "--input", str(told / "in"), "--day", "2026-05-12"]) == 0
    assert main(["status", "--input", str(told / "in"), "--day", "2026-05-13"]) == 1
    assert "the day 2026-05-13 is missing" in capsys.readouterr().err
    words = ["status", "--input", str(told / "in"), "--day", "2026-05-12", "--marker", "events/date={day}/_SUCCESS"]
    assert main(words) == 1
    (told / "in" / "events" / "date=2026-05-12" / "_SUCCESS").touch()
    assert main(words) == 0
    assert main(["status", "--day", "2026-05-12"]) == 2
