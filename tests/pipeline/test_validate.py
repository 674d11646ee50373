"""`ringtrace validate`: what it finds is what a run would refuse; names are proposed from name and content."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.errors import InputError
from pipeline.settings import InputSettings, Settings
from pipeline.storage.find import find_inputs
from pipeline.suggest import as_toml, suggest
from pipeline.validate import Report, validate
from tests.support.tables import bench, bring_in, write_table

START = datetime(2026, 5, 1, tzinfo=UTC)


def _rows(n: int = 30) -> list[dict[str, Any]]:
    return [
        {"timestamp": (START + timedelta(hours=i)).isoformat(), "account_id": f"a{i % 7}", "ip": f"10.0.0.{i % 250}",
         "prompt": "Tell me about copper and silver in many words", "request_id": f"r{i}"}
        for i in range(n)
    ]  # fmt: skip


def _report(folder: Path, scratch: Path, settings: Settings | None = None) -> Report:
    return validate(find_inputs(folder), settings or Settings(), bench(scratch))


def test_a_good_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "in", "events", _rows(), files=2)
    report = _report(tmp_path / "in", tmp_path / "scratch")
    assert report.good
    assert [(t.name, t.n_files, t.n_rows, t.n_refused) for t in report.tables] == [("events", 2, 30, 0)]
    assert main(["validate", str(tmp_path / "in")]) == 0
    told = capsys.readouterr().out
    assert "30 rows in 2 files, 0 refused" in told and "A run would accept" in told


def test_refused_rows_are_gathered_by_reason(tmp_path: Path) -> None:
    rows = _rows()
    for i in (3, 8, 21):
        rows[i]["ip"] = "canary"
    rows[5]["timestamp"] = "never"
    write_table(tmp_path / "in", "events", rows)
    (table,) = _report(tmp_path / "in", tmp_path / "scratch").tables
    assert [(r.column, r.n_rows, r.row) for r in table.refused] == [("ip", 3, 4), ("timestamp", 1, 6)]
    assert table.faults == () and "canary" not in repr(table)
    made = bring_in(tmp_path / "in", tmp_path / "again")
    assert made.counts["events"]["rejected"] == table.n_refused == 4


def test_all_faults_of_all_tables_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "in", "events", [{"account_id": "a", "prompt": "p"}])
    write_table(tmp_path / "in", "payments", [{"account_id": "a"}])
    (tmp_path / "in" / "accounts.parquet").write_bytes(b"no parquet at all")
    assert main(["validate", str(tmp_path / "in"), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    faults = {t["name"]: t["faults"] for t in told["tables"]}
    assert not told["good"]
    assert len(faults["events"]) == 2 and len(faults["payments"]) == len(faults["accounts"]) == 1
    assert "payment_fingerprint" in faults["payments"][0] and "accounts.parquet" in faults["accounts"][0]
    with pytest.raises(InputError):
        bring_in(tmp_path / "in", tmp_path / "again")


def test_too_many_refused_rows_are_a_fault(tmp_path: Path) -> None:
    rows = [{**r, "ip": "x"} if i % 2 else r for i, r in enumerate(_rows())]
    write_table(tmp_path / "in", "events", rows)
    assert not _report(tmp_path / "in", tmp_path / "scratch").good
    bearing = Settings(input=InputSettings(max_rejected_share=0.6))
    assert _report(tmp_path / "in", tmp_path / "scratch", bearing).good


def test_a_stray_clock_is_noticed(tmp_path: Path) -> None:
    late = {**_rows(1)[0], "timestamp": "2027-01-01T00:00:00Z", "request_id": "late"}
    write_table(tmp_path / "in", "events", [*_rows(1500), late])
    (table,) = _report(tmp_path / "in", tmp_path / "scratch").tables
    assert any("--until 2026-07-03" in note for note in table.notes)


LOG = [
    {"@timestamp": (START + timedelta(seconds=i)).isoformat(), "user.id": f"{i % 4:04d}", "remote_addr": f"10.0.0.{i}",
     "c4": "Please write about the long history of copper", "trace_id": f"t{i:05d}", "prompt_tokens": i,
     "completion_tokens": 2 * i, "engine": "m-1", "ua": "python/3", "latency": 0.5}
    for i in range(40)
]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_names_are_proposed_and_accepted(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "in", "events", LOG, form)
    found = {s.ours: s.theirs for s in suggest(find_inputs(tmp_path / "in"))}
    assert found == {
        "timestamp": "@timestamp", "account_id": "user.id", "ip": "remote_addr", "prompt": "c4",
        "request_id": "trace_id",
        "model": "engine", "user_agent": "ua", "input_tokens": "prompt_tokens", "output_tokens": "completion_tokens",
    }  # fmt: skip
    assert main(["validate", str(tmp_path / "in"), "--suggest"]) == 0
    settings = tmp_path / "settings.toml"
    settings.write_text(capsys.readouterr().out)
    assert main(["validate", str(tmp_path / "in"), "--settings", str(settings)]) == 0


def test_a_bare_id_is_of_the_things_of_its_table_and_a_client_may_be_long(tmp_path: Path) -> None:
    browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
    write_table(tmp_path / "in", "events", [{**r, "ua": browser} for r in LOG])
    people = [{"id": f"{i:04d}", "signup_date": (START - timedelta(days=i)).isoformat()} for i in range(40)]
    write_table(tmp_path / "in", "accounts", people)
    found = {(s.table, s.ours): s.theirs for s in suggest(find_inputs(tmp_path / "in"))}
    assert found["accounts", "account_id"] == "id"
    assert found["events", "user_agent"] == "ua"
    assert found["events", "prompt"] == "c4"


def test_content_decides_where_names_say_nothing(tmp_path: Path) -> None:
    names = {"@timestamp": "c1", "user.id": "who", "remote_addr": "c2", "c4": "c3"}
    write_table(tmp_path / "in", "events", [{names[k]: v for k, v in r.items() if k in names} for r in LOG])
    found = {s.ours: (s.theirs, s.why) for s in suggest(find_inputs(tmp_path / "in"))}
    assert found == {"timestamp": ("c1", "content"), "ip": ("c2", "content"), "prompt": ("c3", "content")}


def test_bare_numbers_are_proposed_with_their_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**r, "ts": 1_777_600_000_000 + i} for i, r in enumerate(_rows())]
    write_table(tmp_path / "in", "events", [{k: v for k, v in r.items() if k != "timestamp"} for r in rows])
    with pytest.raises(InputError, match="timestamp is missing"):
        bring_in(tmp_path / "in", tmp_path / "scratch")
    assert main(["validate", str(tmp_path / "in"), "--suggest"]) == 0
    settings = tmp_path / "settings.toml"
    settings.write_text(capsys.readouterr().out)
    assert 'timestamp_format = "epoch_ms"' in settings.read_text()
    assert main(["validate", str(tmp_path / "in"), "--settings", str(settings)]) == 0
    assert "0 refused" in capsys.readouterr().out


def test_nothing_is_proposed_where_nothing_is_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "in", "events", _rows())
    assert suggest(find_inputs(tmp_path / "in")) == []
    assert main(["validate", str(tmp_path / "in"), "--suggest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_hostile_column_names_make_a_settings_file_of_no_other_meaning(tmp_path: Path) -> None:
    nasty = 'ip"\n[run]\nseed = 1 #\\'
    write_table(tmp_path / "in", "events", [{nasty: r["remote_addr"], "timestamp": "2026-05-01"} for r in LOG])
    parsed = tomllib.loads(as_toml(suggest(find_inputs(tmp_path / "in"))))
    assert parsed["input"]["events"]["columns"]["ip"] == nasty
    assert "run" not in parsed


def test_an_empty_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "events.csv").write_text("timestamp,account_id,ip,prompt\n")
    report = _report(tmp_path / "in", tmp_path / "scratch")
    assert report.good and "There is no event" in report.tables[0].notes[0]
    (tmp_path / "in" / "events.csv").write_text("")
    assert not _report(tmp_path / "in", tmp_path / "scratch").good
