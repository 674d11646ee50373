"""`ringtrace forget`: nothing of an account is left in output, store and state, and what stays keeps the contract."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cli import main
from pipeline.privacy.redact import older, redacted
from pipeline.privacy.search import Sought, files_with
from pipeline.privacy.wish import MARK, Wish, stand_in
from pipeline.storage import list_runs
from tests.support.contract import faults
from tests.support.finished_run import World, make_tables, write_run

SECRET = "a secret of tests only, longer than needed"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGTRACE_REVIEW_SECRET", SECRET)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of two runs, with the declared link type that their links have; tests work on copies."""
    place = tmp_path_factory.mktemp("two") / "output"
    for grown in (False, True):
        run = write_run(place, rings=4, grown=grown)
        manifest = json.loads((run / "manifest.json").read_text())
        manifest["settings"]["link_types"] = {"device_id": {"table": "events", "column": "device_id"}}
        (run / "manifest.json").write_text(json.dumps(manifest))
        registry = pq.read_table(run / "ring_registry.parquet")
        belong = pd.read_parquet(run / "members.parquet").groupby("ring_id").account_id.agg(sorted)
        for column in ("accounts", "entities"):
            held = [belong.get(ring, []) if column == "accounts" else [] for ring in registry["ring_id"].to_pylist()]
            place_of = registry.column_names.index(column)
            registry = registry.set_column(place_of, column, pa.array(held, pa.list_(pa.string())))
        pq.write_table(registry, run / "ring_registry.parquet")
    return place


@pytest.fixture
def output(two_runs: Path, tmp_path: Path) -> Path:
    """A copy of the two runs."""
    return Path(shutil.copytree(two_runs, tmp_path / "output", symlinks=True))


def everything(place: Path, *values: str) -> list[str]:
    """Files of an output that tell of any of the values; databases are searched as bytes."""
    return files_with(place, Sought.of(values))


def members(place: Path) -> pd.DataFrame:
    """Members of the newest run."""
    return pd.read_parquet(list_runs(place)[-1].place.path / "members.parquet")


def test_an_account_is_forgotten_everywhere(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    who = sorted(members(output).account_id)[3]
    (output / "state" / "kept").mkdir(parents=True)
    (output / "state" / "kept" / "value.json").write_text(json.dumps([who]))
    (output / ".unfinished" / "2026-06-07-00000000").mkdir(parents=True)
    (output / ".unfinished" / "2026-06-07-00000000" / "progress.json").write_text(who)
    before = [r.run_id for r in list_runs(output)]
    assert everything(output, who)
    assert main(["forget", str(output), "--account", who]) == 0, capsys.readouterr().err
    assert everything(output, who) == []
    runs = list_runs(output)
    assert [r.manifest["redacted_from"] for r in runs] == before
    assert (output / "latest").readlink().name == runs[-1].run_id
    said = capsys.readouterr()
    assert who not in said.out + said.err


def test_what_stays_keeps_the_contract(output: Path) -> None:
    whole = members(output)
    gone = sorted(whole.account_id)[::5]
    before = {f: f.split(":")[0] for f in faults(list_runs(output)[-1].place.path)}
    words = [w for a in gone for w in ("--account", a)]
    assert main(["forget", str(output), *words]) == 0
    run = list_runs(output)[-1].place.path
    assert set(faults(run)) <= set(before)
    left = members(output)
    assert set(left.account_id) == set(whole.account_id) - set(gone)
    rings = pd.read_parquet(run / "rings.parquet").set_index("ring_id")
    assert (left.groupby("ring_id").size() == rings["size"].loc[sorted(set(left.ring_id))]).all()


def test_stopped_and_begun_again_it_ends_the_same(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who = sorted(members(output).account_id)[0]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.privacy.forgetting._remove", stop)
        assert main(["forget", str(output), "--account", who]) == 1
    assert len(list_runs(output)) == 3  # the successor of the first is there beside it
    assert main(["forget", str(output), "--account", who]) == 0
    assert len(list_runs(output)) == 2 and everything(output, who) == []
    assert main(["forget", str(output), "--account", who]) == 0  # nothing is left to do
    assert len(list_runs(output)) == 2


def test_a_successor_that_cannot_be_proved_removes_nothing(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who = sorted(members(output).account_id)[0]
    before = [r.run_id for r in list_runs(output)]
    monkeypatch.setattr("pipeline.privacy.forgetting.redacted", lambda tables, wish: redacted(tables, Wish()))
    monkeypatch.setattr("pipeline.privacy.forgetting._scrubbed", lambda table, name, sought: table)
    assert main(["forget", str(output), "--account", who]) == 1
    assert [r.run_id for r in list_runs(output)] == before


def test_what_was_before_a_day_goes(output: Path) -> None:
    day = "2026-05-20"
    assert main(["forget", str(output), "--before", day]) == 0
    for run in list_runs(output):
        for path in sorted(run.place.path.glob("*.parquet")):
            assert older(path.stem, pd.read_parquet(path), Wish(before=pd.Timestamp(day, tz="UTC"))) == 0, path
        assert run.manifest["redaction"]["before"].startswith(day)
    assert main(["forget", str(output), "--before", "2027-01-01"]) == 0
    assert list_runs(output) == [] and not (output / "latest").is_symlink()


def test_the_name_of_a_successor_cannot_be_tried(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the list of account ids but not the secret cannot tell from names who was forgotten."""
    who = sorted(members(output).account_id)[0]
    wish = Wish(frozenset({who}))
    assert wish.digest(b"one") != wish.digest(b"another") and stand_in(who, b"one") != stand_in(who, b"another")
    assert who not in stand_in(who, b"one")


def test_the_store_of_the_workspace(output: Path) -> None:
    pytest.importorskip("fastapi")
    from pipeline.review.access import Person
    from pipeline.review.config import ReviewConfig
    from pipeline.review.desk import Desk
    from pipeline.review.lists import LIST_ROWS
    from pipeline.review.record import Decision

    who, other = sorted(members(output).account_id)[:2]
    place = output / "review" / "store.sqlite"
    desk = Desk(ReviewConfig(str(output), f"sqlite:///{place}", SECRET.encode()))
    said = f"The customer {who} called; see also {who}-x."
    for number, account in enumerate((who, other)):
        desk.log.append([Decision(f"d{number}", f"act{number}", "account_dropped", said, "kim", account_id=account)])
    with desk.engine.begin() as connection:
        values = {"list_id": "L-1", "ring_id": "R", "appealed": False}
        connection.execute(LIST_ROWS.insert(), [{**values, "account_id": who}])
    name = desk.seal.name("account", who)
    desk.audit.note(Person("kim", "kim", "analyst"), "looked at account", name[:80])
    desk.close()
    assert main(["forget", str(output), "--account", who]) == 0
    held = b"".join(p.read_bytes() for p in sorted((output / "review").iterdir()) if p.suffix != "")
    assert name[:80].encode() not in held and who.encode() + b" " not in held
    with sqlite3.connect(place) as base:
        decided = base.execute("SELECT account_id, reason FROM decisions ORDER BY seq").fetchall()
        audit = base.execute("SELECT action, subject FROM audit ORDER BY seq").fetchall()
        listed = base.execute("SELECT account_id FROM list_rows").fetchall()
        with pytest.raises(sqlite3.Error, match="append-only"):  # the guards stand again
            base.execute("UPDATE audit SET subject = ''")
    base.close()
    digest = stand_in(who, SECRET.encode())
    assert decided[0][0] == digest and decided[1][0] == other and listed == [(digest,)]
    assert "(forgotten) called" in decided[0][1] and f"{who}-x" in decided[0][1]
    assert audit[0] == ("looked at account", digest) and audit[-1][0] == "forgot accounts"
    assert digest.startswith(MARK)


@pytest.mark.parametrize("words", [[], ["--before", "2026-05-01T10:00"], ["--accounts", "nowhere.txt"]])
def test_wrong_usage(words: list[str], output: Path) -> None:
    assert main(["forget", str(output), *words]) in (1, 2)
    assert len(list_runs(output)) == 2


def test_an_account_within_other_text() -> None:
    sought = Sought.of(["acct-1", 'a"b'])
    assert sought.in_text("see acct-1.") and sought.in_text('{"x": "a\\"b"}') and sought.in_text("a&quot;b")
    assert not sought.in_text("acct-12") and not sought.in_text("xacct-1") and not sought.in_text("acct-1-2")


def test_a_ring_of_two_is_none() -> None:
    tables = make_tables(World(rings=4))
    blank = [None] * len(tables["ring_registry"])
    held = tables["ring_registry"].assign(dismissed_accounts=pd.Series(blank, dtype=object))
    tables["ring_registry"] = held.assign(accounts=[[]] * len(held))
    smallest = tables["members"].groupby("ring_id").size().idxmin()
    mine = tables["members"][tables["members"].ring_id == smallest].account_id
    cut = redacted(tables, Wish(frozenset(mine[2:])))
    assert smallest not in set(cut.tables["rings"].ring_id) and smallest not in set(cut.tables["evidence"].ring_id)
    assert not set(mine) & set(cut.tables["members"].account_id)
    row = cut.tables["ring_registry"].set_index("ring_id").loc[smallest]
    assert row["state"] == "gone" and not set(mine[2:]) & set(row["accounts"])
