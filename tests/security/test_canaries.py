"""Canaries in every sensitive column: they may stand in the tables that need them, and in nothing else that is written.

Searched are: what is said on both streams, the log, the metrics, the lineage events, manifests, the notes of unfinished
runs, error messages and temporary files. Briefings for others are searched by the tests of exports.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from pipeline.cli import main
from pipeline.privacy.search import Sought, files_with
from pipeline.run import Request, Silent, carry_out
from pipeline.settings import ExportsSettings, RunSettings, Settings
from tests.support.tiny import Tiny, write_tiny

SONG = "KANARIENVOGEL"
PROMPT = f"{SONG}-prompt-4471"


def planted(tiny: Tiny) -> tuple[Tiny, list[str]]:
    """The tiny world with a canary in every sensitive column of some rows, and the canaries."""
    names = {a: f"{SONG}-account-{i}" for i, a in enumerate(tiny.accounts.account_id)}
    cards = {c: f"{SONG}-card-{i}" for i, c in enumerate(sorted(set(tiny.payments.payment_fingerprint)))}
    events = tiny.events.copy()
    events["account_id"] = events.account_id.map(names)
    events["request_id"] = [f"{SONG}-request-{i}" for i in range(len(events))]
    events["user_agent"] = f"{SONG}-agent/1"
    events["device_id"] = f"{SONG}-device-" + events.device_id
    events.loc[events.index[::5], "prompt"] = PROMPT + " " + events.account_id[::5] + " sings alone"
    accounts = tiny.accounts.assign(
        account_id=tiny.accounts.account_id.map(names), email_domain=f"{SONG}.example", organization=f"{SONG} Works"
    )
    payments = tiny.payments.assign(
        account_id=tiny.payments.account_id.map(names), payment_fingerprint=tiny.payments.payment_fingerprint.map(cards)
    )
    indicators = tiny.indicators.copy()
    indicators.loc[1, "value"] = next(iter(cards.values()))
    indicators["source"] = f"{SONG} source"
    truth = tiny.truth.assign(account_id=tiny.truth.account_id.map(names))
    made = dataclasses.replace(
        tiny, events=events, accounts=accounts, payments=payments, indicators=indicators, truth=truth
    )
    return made, [SONG]


@pytest.fixture(scope="module")
def source(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted world on disk."""
    return write_tiny(planted(tiny)[0], tmp_path_factory.mktemp("planted") / "in")


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which everything lies that a run writes beside its output: log, metrics, lineage, temporary files."""
    place = tmp_path / "watched"
    (place / "tmp").mkdir(parents=True)
    for name, value in {
        "RINGTRACE_LOG": place / "log.jsonl", "RINGTRACE_METRICS": place / "metrics.prom",
        "RINGTRACE_LINEAGE": place / "lineage", "TMPDIR": place / "tmp",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield place


def holding(place: Path) -> list[str]:
    """Files below a folder that hold a canary in any form."""
    found = set(files_with(place, Sought.of([SONG])))
    held = [p for p in place.rglob("*") if p.is_file() and SONG.encode() in p.read_bytes()]
    return sorted(found | {p.relative_to(place).as_posix() for p in held})


def test_nothing_sensitive_beside_the_tables(
    source: Path, watched: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    settings = tmp_path / "settings.toml"
    settings.write_text("[exports]\nmake = false\n[link_types.device_id]\ntable = \"events\"\ncolumn = \"device_id\"\n")
    words = ["run", str(source), "--output", str(output), "--settings", str(settings), "--progress", "plain"]
    assert main(words) == 0
    said = capfd.readouterr()
    assert SONG not in said.out + said.err
    assert holding(watched) == [] and (watched / "log.jsonl").stat().st_size and list(watched.glob("lineage/*"))
    assert [p for p in (watched / "tmp").rglob("*") if p.is_file()] == []
    run = output.resolve() / (output / "latest").readlink()
    assert SONG not in (run / "manifest.json").read_text()
    assert [p for p in run.rglob("*") if p.is_file() and PROMPT.encode() in p.read_bytes()] == []
    for path in sorted(run.rglob("*.parquet")):
        table = pd.read_parquet(path)
        assert PROMPT not in table.to_csv(), path
        if path.parent.name == "rejected" or path.stem in ("rings", "score_parts", "explanations", "attribution"):
            assert SONG not in table.to_csv(), path
    left = [p for p in output.rglob("*") if p.is_file() and not p.is_relative_to(run) and "state" not in p.parts]
    assert [p.name for p in left if p.name != "lock"] == []


class Looker(Silent):
    """Looks, at the beginning of every stage, who else could read what lies there."""

    def __init__(self, *places: Path) -> None:
        self.places, self.open_to_others, self.looks = places, [], 0  # type: ignore[var-annotated]

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """Every top folder of ours is this user's alone."""
        self.looks += 1
        for place in self.places:
            if place.exists() and stat.S_IMODE(place.stat().st_mode) & 0o077:
                self.open_to_others.append((name, place.name))


def test_work_under_way_is_private_and_goes_away(source: Path, watched: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    looker = Looker(output / ".unfinished", output / "state")
    plain = Settings(exports=ExportsSettings(make=False), run=RunSettings(workers=1))
    old = os.umask(0o022)
    try:
        carry_out(Request(str(source), str(output), plain), watch=looker)
    finally:
        os.umask(old)
    assert looker.looks > 10 and looker.open_to_others == []
    assert sorted(p.name for p in (output / ".unfinished").iterdir()) == ["lock"]
    assert holding(watched) == []


def broken(tiny: Tiny, how: str) -> Tiny:
    """The planted world with a fault of a kind."""
    world, _ = planted(tiny)
    if how == "no column":
        return dataclasses.replace(world, events=world.events.drop(columns="ip"))
    if how == "no time":
        return dataclasses.replace(world, events=world.events.assign(timestamp=f"{SONG} o'clock"))
    if how == "no number":
        return dataclasses.replace(world, indicators=world.indicators.assign(confidence=f"{SONG}"))
    events = world.events.assign(ip=[f"{SONG}.{i}" for i in range(len(world.events))])
    return dataclasses.replace(world, events=events)


@pytest.mark.parametrize("how", ["no column", "no time", "no number", "no address"])
def test_errors_tell_no_sensitive_value(
    how: str, tiny: Tiny, watched: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    world = broken(tiny, how)
    source = write_tiny(world, tmp_path / "in", form="csv" if how == "no time" else "parquet")
    for words in (["validate", str(source)], ["run", str(source), "--output", str(tmp_path / "out")]):
        main(words)
        said = capfd.readouterr()
        shown = (said.out + said.err).replace(str(source), "")
        if how in ("no time", "no number"):  # a time and a number are no sensitive values: they may be quoted, cut
            assert all(f"{SONG}-{kind}" not in shown for kind in ("account", "card", "request", "prompt"))
        else:
            assert SONG not in shown
    assert holding(watched) == []


def test_a_crash_tells_no_value(
    source: Path, watched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An exception from deep below whose words hold a value, as an engine's or a library's may."""

    def crash(*_: object, **__: object) -> None:
        raise KeyError(f"{SONG}-account-1 is not in index")

    monkeypatch.setattr("pipeline.stages.communities.make", crash)
    assert main(["run", str(source), "--output", str(tmp_path / "out"), "--progress", "plain"]) == 1
    said = capfd.readouterr()
    assert SONG not in said.out + said.err and "unforeseen fault, KeyError" in said.err
    assert holding(watched) == []
    notes = [p for p in (tmp_path / "out" / ".unfinished").rglob("*.json") if SONG in p.read_text()]
    assert notes == []
