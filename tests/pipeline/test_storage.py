"""What holds: inputs found, tables written the same every time, runs published whole, faults in one paragraph."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import rows
from pipeline.errors import InputError, RunError, StoreError, UsageError
from pipeline.link_types import BUILT_IN
from pipeline.storage import find_inputs, find_table, folder, latest_run, list_runs, locked, open_run, publish
from pipeline.storage.places import store_errors
from pipeline.storage.prompts import Prompts
from pipeline.storage.tables import conform, file_digest, to_frame, write_parquet
from pipeline.storage.tasks import DaskBench
from pipeline.workbench import InputTable
from tests.support.tiny import Tiny, write_tiny

# inputs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_tables_are_found_by_stem(form: str, tiny: Tiny, tmp_path: Path) -> None:
    found = find_inputs(write_tiny(tiny, tmp_path / "in", form=form, files=3))
    assert sorted(found.tables) == ["accounts", "events", "indicators", "payments"]
    assert found.tables["events"].format == form
    assert found.tables["events"].shown == tuple(f"events/part-{i}.{form}" for i in range(3))


def test_hive_folders_say_the_date(tiny: Tiny, tmp_path: Path) -> None:
    for day in (1, 2):
        part = tmp_path / "events" / f"date=2026-05-0{day}"
        part.mkdir(parents=True)
        tiny.events.head(3).to_parquet(part / "part-0.parquet")
    (tmp_path / "events" / "_SUCCESS").touch()
    (tmp_path / "events" / ".part-0.parquet.crc").touch()
    table = find_inputs(tmp_path).tables["events"]
    assert table.partitions == ({"date": "2026-05-01"}, {"date": "2026-05-02"})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "the table events is missing"),
        (lambda p: ((p / "events.csv").touch(), (p / "events.parquet").touch()), "there more than once"),
        (lambda p: [(p / "events").mkdir(), *((p / "events" / n).touch() for n in ("a.csv", "b.jsonl"))], "different"),
        (lambda p: (p / "events").mkdir(), "no file that can be read"),
        (lambda p: (p / "events.csv").symlink_to("/etc/passwd"), "leads out of the input folder"),
        (lambda p: ((p / "events").mkdir(), (p / "events/a.csv").symlink_to("/etc/passwd")), "leads out of the input"),
        (lambda p: os.mkfifo(p / "events.csv"), "no ordinary file"),
    ],
)
def test_unclear_inputs_are_refused(make, words: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path)
    with pytest.raises(InputError, match=words):
        find_inputs(tmp_path)


def test_an_input_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such input"):
        find_inputs(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="the input is a file"):
        find_inputs(tmp_path / "file")


def test_a_table_at_a_place_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "chosen.csv").write_text("decision_id\n1\n")
    assert find_table(tmp_path / "chosen.csv", "decisions").shown == ("chosen.csv",)
    (tmp_path / "decisions.jsonl").write_text("{}\n")
    assert find_table(tmp_path, "decisions").format == "jsonl"


def test_an_object_store_is_an_input_too(tiny: Tiny, tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    source = write_tiny(tiny, tmp_path / "in")
    for path in source.iterdir():
        memory.pipe_file(f"/bucket/in/{path.name}", path.read_bytes())
    table = find_inputs("memory://bucket/in").tables["events"]
    assert table.files == ("memory:///bucket/in/events.parquet",)
    total = sum(b.num_rows for b in rows.batches(table, 0, ["account_id", "nothing"]))
    assert total == len(tiny.events)


# rows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_rows_come_in_order_whatever_the_format(form: str, tiny: Tiny, tmp_path: Path) -> None:
    table = find_inputs(write_tiny(tiny, tmp_path, form=form)).tables["events"]
    read = pa.Table.from_batches(list(rows.batches(table, 0, ["request_id", "prompt", "missing"])))
    assert read["request_id"].to_pylist() == tiny.events.request_id.tolist()
    assert read["prompt"].to_pylist() == tiny.events.prompt.tolist()
    assert read["missing"].null_count == len(tiny.events)
    assert "ip" in rows.column_names(table, 0)


def all_rows(table: InputTable, columns: list[str], broken: list[int]) -> pa.Table:
    """All rows of a table's only file; notes the numbers of broken ones."""
    return pa.Table.from_batches(list(rows.batches(table, 0, columns, broken=lambda n, words: broken.append(n))))


def test_broken_lines_cost_one_row_each(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text('account_id,ip,prompt\na,1.1.1.1,"two\nlines"\nb,1.1.1.2\nc,,\n')
    broken: list[int] = []
    table = find_inputs(tmp_path).tables["events"]
    read = all_rows(table, ["account_id", "prompt"], broken)
    assert read["account_id"].to_pylist() == ["a", None, "c"] and broken == [1]
    assert read["prompt"].to_pylist() == ["two\nlines", None, None]
    (tmp_path / "events.csv").unlink()
    lines = ('{"account_id": "a", "ip": {"x": 1}}', "[1]", "", '{"account_id": 5}', '{"account_id"')
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    broken.clear()
    table = find_inputs(tmp_path).tables["events"]
    read = all_rows(table, ["account_id", "ip"], broken)
    assert read["account_id"].to_pylist() == ["a", None, "5", None] and broken == [1, 3]
    assert read["ip"].to_pylist()[0] == '{"x": 1}'


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_prompts_are_read_again_by_row(form: str, tiny: Tiny, tmp_path: Path) -> None:
    table = find_inputs(write_tiny(tiny, tmp_path / "in", form=form, files=2)).tables["events"]
    keep = [[0, 1, 5, 90], [2, 200]]
    part = pa.table({"source": pa.array([0] * 4 + [1] * 2, pa.int32()), "row": [*keep[0], *keep[1]]})
    pq.write_table(part, tmp_path / "part.parquet")
    read = [p for batch in Prompts(table).batches(str(tmp_path / "part.parquet")) for p in batch.to_pylist()]
    halves = [tiny.events.iloc[0::2].prompt.tolist(), tiny.events.iloc[1::2].prompt.tolist()]
    assert read == [halves[s][r] for s, places in enumerate(keep) for r in places]


def test_prompts_skip_row_groups(tmp_path: Path) -> None:
    table = pa.table({"prompt": [f"p{i}" for i in range(1000)]})
    pq.write_table(table, tmp_path / "events.parquet", row_group_size=64)
    source = find_inputs(tmp_path).tables["events"]
    wanted = [63, 64, 500, 999]
    pq.write_table(pa.table({"source": pa.array([0] * 4, pa.int32()), "row": wanted}), tmp_path / "part.parquet")
    read = [p for batch in Prompts(source).batches(str(tmp_path / "part.parquet")) for p in batch.to_pylist()]
    assert read == [f"p{i}" for i in wanted]


# tables ------------------------------------------------------------------------------------------------------------


def parts_frame() -> pd.DataFrame:
    return pd.DataFrame({"ring_id": ["b", "a", "a"], "kind": ["coordinated", "unclear", "coordinated"],
                         "probability": [1.0, 0.25, 0.75]})  # fmt: skip


def test_a_table_is_brought_to_its_schema_and_order() -> None:
    made = conform("explanations", parts_frame(), BUILT_IN)
    assert made["kind"].to_pylist() == ["coordinated", "unclear", "coordinated"]
    assert made["ring_id"].to_pylist() == ["a", "a", "b"]
    assert made.schema.field("probability").type == pa.float64()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="kind"), "other columns"),
        (lambda f: f.assign(more=1), "other columns"),
        (lambda f: f.assign(probability="x"), "cannot be brought to its type"),
        (lambda f: f.assign(kind=None), "must not be null"),
        (lambda f: pd.concat([f, f]), "stands twice"),
    ],
)
def test_a_stage_that_breaks_its_schema_is_told(change, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RunError, match=words):
        conform("explanations", change(parts_frame()), BUILT_IN)


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    frame = parts_frame()
    for name, order in (("one", [0, 1, 2]), ("two", [2, 0, 1])):
        write_parquet(conform("explanations", frame.iloc[order], BUILT_IN), tmp_path / f"{name}.parquet")
    chunks = pa.concat_tables([conform("explanations", frame.iloc[[i]], BUILT_IN) for i in range(3)])
    write_parquet(conform("explanations", chunks, BUILT_IN), tmp_path / "three.parquet")
    assert len({file_digest(p) for p in tmp_path.glob("*.parquet")}) == 1
    assert pq.read_metadata(tmp_path / "one.parquet").metadata is None or b"pandas" not in (
        pq.read_metadata(tmp_path / "one.parquet").metadata
    )


def test_types_survive_the_way_through_a_file(tmp_path: Path) -> None:
    made = conform("daily", pd.DataFrame({"day": [datetime(2026, 5, 1).date()], "group": ["other"], "n_events": [1.0],
                                          "n_accounts": [1]}), BUILT_IN)  # fmt: skip
    write_parquet(made, tmp_path / "daily.parquet")
    frame = to_frame(pq.read_table(tmp_path / "daily.parquet"))
    assert frame.day[0] == datetime(2026, 5, 1).date() and frame.n_events.dtype == "int64"


def test_an_empty_table_is_a_frame_that_can_be_joined() -> None:
    empty = to_frame(conform("explanations", parts_frame().head(0), BUILT_IN))
    sizes = empty.groupby("ring_id").agg(size=("kind", "size"))
    assert list(empty.merge(sizes, left_on="ring_id", right_index=True, how="left").columns)[-1] == "size"


def test_links_have_a_column_a_link_type() -> None:
    columns = {"ring_id": ["r"], "account_a": ["a"], "account_b": ["b"], "bits": [1.0]}
    extra = {f"bits_{t.name}": [0.5] for t in BUILT_IN}
    assert set(conform("links", pd.DataFrame(columns | extra), BUILT_IN).column_names) == set(columns) | set(extra)
    with pytest.raises(RunError, match="other columns"):
        conform("links", pd.DataFrame(columns), BUILT_IN)


# runs --------------------------------------------------------------------------------------------------------------


def made_run(base: Path, run_id: str, until: str) -> Path:
    made = base / "aside" / run_id
    made.mkdir(parents=True)
    write_parquet(conform("explanations", parts_frame(), BUILT_IN), made / "explanations.parquet")
    manifest = {"run_id": run_id, "since": "2026-01-01T00:00:00+00:00", "until": until, "schema_version": 1}
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def test_runs_appear_whole_and_latest_follows_until(tmp_path: Path) -> None:
    output = folder(tmp_path / "out")
    output.path.mkdir()
    for run_id, until in (("2026-05-03-00000001", "2026-05-03T00:00:00+00:00"),
                          ("2026-05-01-00000002", "2026-05-01T00:00:00+00:00")):  # fmt: skip
        publish(made_run(tmp_path, run_id, until), output, run_id)
    (output.path / "2026-05-09-00000003").mkdir()  # no manifest: no run
    assert [r.run_id for r in list_runs(output)] == ["2026-05-01-00000002", "2026-05-03-00000001"]
    assert open_run(output.path / "latest").run_id == "2026-05-03-00000001"
    assert open_run(output.path).until == datetime(2026, 5, 3, tzinfo=UTC)
    assert open_run(output.path / "latest").read("explanations").num_rows == 3


def test_a_finished_run_is_as_open_as_the_umask_says(tmp_path: Path) -> None:
    output = folder(tmp_path / "out")
    output.path.mkdir()
    before = os.umask(0o027)
    try:
        publish(made_run(tmp_path, "2026-05-03-00000001", "2026-05-03T00:00:00+00:00"), output, "2026-05-03-00000001")
    finally:
        os.umask(before)
    run = output.path / "2026-05-03-00000001"
    assert stat.S_IMODE(run.stat().st_mode) == 0o750
    assert {stat.S_IMODE(p.stat().st_mode) for p in run.iterdir()} == {0o640}


def test_on_an_object_store_the_manifest_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = folder("memory://bucket/out")
    run_id = "2026-05-03-00000001"
    made = made_run(tmp_path, run_id, "2026-05-03T00:00:00+00:00")
    sent: list[str] = []
    send = output.filesystem.put_file  # type: ignore[union-attr]
    monkeypatch.setattr(output.filesystem, "put_file", lambda a, b: (sent.append(b), send(a, b)))
    publish(made, output, run_id)
    assert len(sent) == 2 and sent[-1].endswith("manifest.json")
    found = latest_run("memory://bucket/out")
    assert found is not None and found.read("explanations").num_rows == 3
    output.filesystem.rm(f"{output.root}/{run_id}/manifest.json")  # type: ignore[union-attr]
    assert latest_run("memory://bucket/out") is None


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    made = made_run(tmp_path, "2026-05-03-00000001", "2026-05-03T00:00:00+00:00")
    (made / "manifest.json").write_text('{"run_id": "2026-05-03-00000001", "schema_version": 99}')
    with pytest.raises(StoreError, match="another version of the tables"):
        open_run(made)
    (made / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        open_run(made)
    with pytest.raises(UsageError, match="no finished run here"):
        open_run(tmp_path)


# places, locks, tasks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "only be read"),
                                               (errno.EACCES, "access is denied")])  # fmt: skip
def test_faults_of_the_system_become_one_paragraph(number: int, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught, store_errors("somewhere", "write it"):
        raise OSError(number, os.strerror(number))
    assert "\n" not in str(caught.value) and caught.value.exit_code == 1


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    code = (
        "import resource, pathlib, sys, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import pyarrow as pa, numpy as np\n"
        "from pipeline.storage.tables import write_parquet\n"
        "from pipeline.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "table = pa.table({'x': np.random.default_rng(0).random(10000)})\n"
        "try:\n    write_parquet(table, pathlib.Path(sys.argv[1]) / 'x.parquet')\n"
        "except StoreError as fault:\n    print(fault); sys.exit(1)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    with locked(tmp_path / "x"), pytest.raises(StoreError, match=f"process {os.getpid()}"), locked(tmp_path / "x"):
        pass
    with locked(tmp_path / "x"):
        assert stat.S_IMODE((tmp_path / "x" / "lock").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o700


def square(value: int) -> int:
    if value == 99:
        raise InputError("ninety-nine")
    return value * value


def die_once(place: str) -> int:
    mark = Path(place)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return 7


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_results_come_in_the_order_of_the_items(scheduler: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    bench = DaskBench(str(tmp_path), 2, 1 << 28, scheduler, None, lambda *words: told.append(words))
    assert bench.map(square, range(7), what="square") == [i * i for i in range(7)]
    assert told[0] == ("square", 0, 7) and told[-1] == ("square", 7, 7)
    assert bench.map(square, [], what="nothing") == []
    with pytest.raises(InputError, match="ninety-nine"):
        bench.map(square, [1, 99], what="fail")


def test_a_killed_worker_costs_a_second_try(tmp_path: Path) -> None:
    bench = DaskBench(str(tmp_path), 2, 1 << 28, "processes")
    assert bench.map(die_once, [str(tmp_path / "a"), str(tmp_path / "b")], what="die") == [7, 7]


def test_workers_that_die_for_ever_are_given_up(tmp_path: Path) -> None:
    bench = DaskBench(str(tmp_path), 2, 1 << 28, "processes")
    with pytest.raises(RunError, match="workers died 3 times"):
        bench.map(die_always, [1], what="die")


def die_always(value: int) -> int:
    os.kill(os.getpid(), 9)
    return value
