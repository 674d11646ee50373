"""The walk along the plan: names, order, digests, resume, publication. Stages are stubs here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import RunError, StoreError, UsageError
from pipeline.period import instant
from pipeline.plan import STAGES
from pipeline.run import Request, carry_out, one_stage
from pipeline.settings import ExportsSettings, RunSettings, ScoresSettings, Settings, WindowSettings
from pipeline.storage import list_runs, locked, open_run
from pipeline.storage.runs import RUN_ID
from tests.support.stubs import Stubs

PLAIN = Settings(exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1))


def asked(source: Path, output: Path, **more: Any) -> Request:
    """A request on the tiny world."""
    return Request(str(source), str(output), **({"settings": PLAIN} | more))


def test_a_run_is_whole_named_and_latest(tiny_input: Path, tmp_path: Path) -> None:
    result = carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs())
    assert RUN_ID.match(result.run_id)
    assert result.run_id.startswith("2026-05-13-")  # the midnight after the last event
    run = open_run(tmp_path / "out" / "latest")
    assert run.run_id == result.run_id
    assert run.manifest["since"] == "2026-03-29T00:00:00+00:00"
    assert list(run.manifest["stages"]) == sorted(s.name for s in STAGES)
    assert not list((tmp_path / "out" / ".unfinished").glob("2026*"))
    assert (Path(result.place) / "rejected" / "events.parquet").is_file()


def test_a_whole_run_is_not_run_again(tiny_input: Path, tmp_path: Path) -> None:
    first = carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs())
    before = sorted((p.name, p.stat().st_mtime_ns) for p in Path(first.place).rglob("*"))
    stubs = Stubs()
    second = carry_out(asked(tiny_input, tmp_path / "out"), find=stubs)
    assert second.already and second.run_id == first.run_id and stubs.called == []
    assert before == sorted((p.name, p.stat().st_mtime_ns) for p in Path(first.place).rglob("*"))


def test_stages_are_given_what_the_plan_says(tiny_input: Path, tmp_path: Path) -> None:
    stubs = Stubs()
    carry_out(asked(tiny_input, tmp_path / "out"), find=stubs)
    assert stubs.called == [s.name for s in STAGES]
    for stage in STAGES:
        given = set(stubs.given[stage.name])
        assert set(stage.reads) | {f"previous_{t}" for t in stage.previous} <= given
        assert ("prompts" in given) == ("prompts" in stage.inputs)
        assert ("inputs" in given) == ("events" in stage.inputs)
        assert all(stubs.given[stage.name][f"previous_{t}"] is None for t in stage.previous)  # the first run


def test_the_previous_run_enters_the_next(tiny_input: Path, tmp_path: Path) -> None:
    first = carry_out(asked(tiny_input, tmp_path / "out", until=instant("2026-05-08")), find=Stubs())
    stubs = Stubs()
    second = carry_out(asked(tiny_input, tmp_path / "out", until=instant("2026-05-09")), find=stubs)
    assert open_run(second.place).manifest["previous_run"] == first.run_id
    assert stubs.given["registry"]["previous_members"] is not None
    alone = carry_out(asked(tiny_input, tmp_path / "out", until=instant("2026-05-09"), previous="none"), find=Stubs())
    assert alone.run_id != second.run_id
    assert open_run(alone.place).manifest["previous_run"] is None


def test_backfill_leaves_latest_alone(tiny_input: Path, tmp_path: Path) -> None:
    late = carry_out(asked(tiny_input, tmp_path / "out", until=instant("2026-05-10")), find=Stubs())
    carry_out(asked(tiny_input, tmp_path / "out", until=instant("2026-05-05")), find=Stubs())
    assert [r.until.day for r in list_runs(tmp_path / "out")] == [5, 10]
    assert (tmp_path / "out" / "latest").readlink().name == late.run_id


@pytest.mark.parametrize("stage", [s.name for s in STAGES])
def test_resume_after_a_fault_at_any_stage(stage: str, tiny_input: Path, tmp_path: Path) -> None:
    fault = RunError("broken on purpose")
    with pytest.raises(RunError, match="on purpose"):
        carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs(fail_at=stage, fault=fault))
    assert list_runs(tmp_path / "out") == [] and not (tmp_path / "out" / "latest").exists()
    stubs = Stubs()
    carry_out(asked(tiny_input, tmp_path / "out", resume=True), find=stubs)
    names = [s.name for s in STAGES]
    assert stubs.called == names[names.index(stage) :]
    assert len(list_runs(tmp_path / "out")) == 1


def test_without_resume_everything_runs_again(tiny_input: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs(fail_at="scores", fault=RunError("x")))
    stubs = Stubs()
    carry_out(asked(tiny_input, tmp_path / "out"), find=stubs)
    assert stubs.called == [s.name for s in STAGES]


def test_resume_trusts_only_digests(tiny_input: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs(fail_at="scores", fault=RunError("x")))
    damaged = next((tmp_path / "out" / ".unfinished").glob("2026*/working/entities.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    stubs = Stubs()
    carry_out(asked(tiny_input, tmp_path / "out", resume=True), find=stubs)
    # the damaged table is made again, gives the same bytes, and what follows from it is kept
    assert stubs.called[:1] == ["entities"] and "communities" not in stubs.called and "scores" in stubs.called


def test_run_ids_follow_what_can_change_a_result(tiny_input: Path, tmp_path: Path) -> None:
    def name(number: int, settings: Settings) -> str:
        return carry_out(asked(tiny_input, tmp_path / str(number), settings=settings), find=Stubs()).run_id

    same = dataclasses.replace(PLAIN, run=RunSettings(scheduler="threads", workers=2, memory_gb=2))
    seed = dataclasses.replace(PLAIN, run=RunSettings(seed=1))
    score = dataclasses.replace(PLAIN, scores=ScoresSettings(threshold=0.9))
    window = dataclasses.replace(PLAIN, window=WindowSettings(days=10))
    ids = [name(i, s) for i, s in enumerate((PLAIN, same, seed, score, window))]
    assert ids[0] == ids[1] and len(set(ids)) == 4


def test_resume_after_a_change_of_settings_keeps_what_it_does_not_touch(tiny_input: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs(fail_at="operators", fault=RunError("x")))
    stubs = Stubs()
    score = dataclasses.replace(PLAIN, scores=ScoresSettings(threshold=0.9))
    carry_out(asked(tiny_input, tmp_path / "out", settings=score, resume=True), find=stubs)
    assert stubs.called[0] == next(s.name for s in STAGES if "scores" in s.settings) and "operators" in stubs.called
    assert not list((tmp_path / "out" / ".unfinished").glob("2026*"))


def test_a_scheduler_keeps_its_runs(tiny_input: Path, tmp_path: Path) -> None:
    begun = carry_out(asked(tiny_input, tmp_path / "out", scheduled=True), only_begin=True)
    score = dataclasses.replace(PLAIN, scores=ScoresSettings(threshold=0.9))
    carry_out(asked(tiny_input, tmp_path / "out", settings=score, resume=True), find=Stubs())
    assert (tmp_path / "out" / ".unfinished" / begun.run_id / "progress.json").is_file()


def test_two_runs_at_once_are_refused(tiny_input: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out" / ".unfinished"), pytest.raises(StoreError, match="another run is at work"):
        carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs())


def test_begin_then_stage_by_stage(tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.run.walk.find_make", Stubs())
    output = tmp_path / "out"
    begun = carry_out(asked(tiny_input, output), only_begin=True)
    assert not begun.whole and not Path(begun.place).exists()
    with pytest.raises(RunError, match="has not been made yet"):
        one_stage("templates", begun.run_id, output=str(output))
    for stage in STAGES:
        one_stage(stage.name, begun.run_id, output=str(output))
    done = one_stage("publish", begun.run_id, output=str(output))
    assert done.whole and Path(done.place, "manifest.json").is_file()
    assert one_stage("rings", begun.run_id, output=str(output)).already
    whole = carry_out(asked(tiny_input, tmp_path / "other"), find=Stubs())
    assert whole.run_id == begun.run_id


def test_a_stage_of_a_run_that_never_began(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run of this name"):
        one_stage("intake", "2026-05-13-00000000", output=str(tmp_path))


def test_publish_refuses_an_incomplete_run(tiny_input: Path, tmp_path: Path) -> None:
    begun = carry_out(asked(tiny_input, tmp_path / "out"), only_begin=True)
    with pytest.raises((UsageError, RunError)):
        one_stage("publish", begun.run_id, output=str(tmp_path / "out"))
    assert list_runs(tmp_path / "out") == []


def test_a_broken_table_is_named(tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubs = Stubs()

    def find(stage: str) -> Any:
        make = stubs(stage)

        def changed(**given: Any) -> Any:
            made = make(**given)
            if stage == "entities":
                made.entities = made.entities.append_column("surplus", pa.array([], pa.int64()))
            return made

        return changed

    with pytest.raises(RunError, match="entities was made with other columns"):
        carry_out(asked(tiny_input, tmp_path / "out"), find=find)


def test_keep_working_leaves_one_file_a_table(tiny_input: Path, tmp_path: Path) -> None:
    result = carry_out(asked(tiny_input, tmp_path / "out", keep_working=True), find=Stubs())
    names = {p.name for p in Path(result.place, "working").iterdir()}
    assert {"template_events.parquet", "clean_events.parquet", "entities.parquet"} <= names
    assert "rings.parquet" not in names


def test_the_manifest_says_what_a_run_took(tiny_input: Path, tmp_path: Path) -> None:
    result = carry_out(asked(tiny_input, tmp_path / "out"), find=Stubs())
    manifest = json.loads(Path(result.place, "manifest.json").read_text())
    noted = manifest["stages"]["incidence"]
    assert noted["rows_in"] == {"sightings": 0, "entities": 0} and noted["rows_out"] == {"incidence_bits": 0}
    assert noted["seconds"] >= 0 and noted["peak_memory"] > 1 << 20
    assert manifest["tables"]["rings"]["rows"] == 0 and len(manifest["tables"]["rings"]["digests"]) == 1
    for key in ("run_id", "version", "settings", "seed", "since", "until", "previous_run", "inputs", "stages", "model"):
        assert key in manifest
