"""Kills, full disks and broken stores: what is whole stays whole, and `--resume` gives the bytes of a quiet run."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.run import Request, carry_out
from pipeline.settings import ExportsSettings, RunSettings, Settings
from pipeline.storage import list_runs
from pipeline.storage.tables import file_digest
from tests.support.stubs import Stubs
from tests.support.zygote import Zygote, moments

PLAIN = Settings(exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """A warmed-up process."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Settings without exports."""
    path = tmp_path_factory.mktemp("settings") / "plain.toml"
    path.write_text("[exports]\nmake = false\n[run]\nworkers = 2\n")
    return str(path)


def tables_of(output: Path) -> dict[str, str]:
    """Digest of every table of the only run."""
    (run,) = list_runs(output)
    return {p.name: file_digest(p) for p in sorted(run.place.path.glob("*.parquet"))}


@pytest.fixture(scope="module")
def quiet(
    zygote: Zygote, tiny_input: Path, plain: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], float]:
    """Tables of an undisturbed run, and its seconds."""
    output = tmp_path_factory.mktemp("quiet")
    start = time.monotonic()
    assert zygote.run(words(tiny_input, output, plain)) == 0
    return tables_of(output), time.monotonic() - start


def words(source: Path, output: Path, plain: str) -> list[str]:
    return ["run", str(source), "--output", str(output), "--settings", plain, "--resume"]


def check_kills(
    n: int, seed: int, zygote: Zygote, source: Path, quiet: tuple[dict[str, str], float], plain: str, output: Path
) -> None:
    """Kill a run at n random moments, going on after each; nothing half-written ever shows."""
    tables, seconds = quiet
    done = 0
    for moment in moments(n, seconds / 2, seed):
        code = zygote.run(words(source, output, plain), kill_after=moment)
        for run in list_runs(output):
            assert tables_of(output) == tables and run.run_id == (output / "latest").readlink().name
        if code == 0:  # it was whole before the moment came: begin another
            done += 1
            output = output.with_name(f"{output.name}-{done}")
    assert zygote.run(words(source, output, plain)) == 0
    assert tables_of(output) == tables
    assert not list((output / ".unfinished").glob("*-*-*-*")) and not list(output.rglob("*.aside"))


def check_kills_at_the_end(
    n: int, seed: int, zygote: Zygote, source: Path, quiet: tuple[dict[str, str], float], plain: str, output: Path
) -> None:
    """Kill runs while they are published; each is whole afterwards, once, with the same bytes."""

    def manifest_is_written() -> bool:
        return bool(list(output.glob(".unfinished/*/run/manifest.json")))

    for number, moment in enumerate(moments(n, 0.03, seed)):
        place = output.with_name(f"{output.name}-end-{number}")
        output = place
        zygote.run(words(source, place, plain), kill_when=manifest_is_written, kill_after=moment)
        assert len(list_runs(place)) <= 1
        assert zygote.run(words(source, place, plain)) == 0
        assert tables_of(place) == quiet[0]
        assert (place / "latest").readlink().name == list_runs(place)[0].run_id


def test_ten_kills(
    zygote: Zygote, tiny_input: Path, quiet: tuple[dict[str, str], float], plain: str, tmp_path: Path
) -> None:
    check_kills(10, 1, zygote, tiny_input, quiet, plain, tmp_path / "out")


def test_three_kills_at_the_end(
    zygote: Zygote, tiny_input: Path, quiet: tuple[dict[str, str], float], plain: str, tmp_path: Path
) -> None:
    check_kills_at_the_end(3, 2, zygote, tiny_input, quiet, plain, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_kills(
    seed: int, zygote: Zygote, tiny_input: Path, quiet: tuple[dict[str, str], float], plain: str, tmp_path: Path
) -> None:
    check_kills(10, 100 + seed, zygote, tiny_input, quiet, plain, tmp_path / "out")


@pytest.mark.slow
def test_twenty_kills_at_the_end(
    zygote: Zygote, tiny_input: Path, quiet: tuple[dict[str, str], float], plain: str, tmp_path: Path
) -> None:
    check_kills_at_the_end(20, 7, zygote, tiny_input, quiet, plain, tmp_path / "out")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("at", [1, 9, 40])
def test_a_disk_that_fails_in_the_middle(
    number: int, at: int, tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with one clear message; after room is made `--resume` ends it."""
    import pyarrow.parquet as pq

    written = 0
    write = pq.write_table

    def failing(*args: object, **more: object) -> None:
        nonlocal written
        written += 1
        if written == at:
            raise OSError(number, "the disk fails")
        write(*args, **more)

    request = Request(str(tiny_input), str(tmp_path / "out"), PLAIN)
    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", failing)
        with pytest.raises(StoreError) as caught:
            carry_out(request, find=Stubs())
    assert caught.value.exit_code == 1 and "\n" not in str(caught.value)
    assert list_runs(tmp_path / "out") == [] and not list((tmp_path / "out").rglob("*.aside"))
    again = carry_out(Request(str(tiny_input), str(tmp_path / "out"), PLAIN, resume=True), find=Stubs())
    assert again.whole


def test_an_output_that_cannot_be_written(tiny_input: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="a part of the path is a file"):
        carry_out(Request(str(tiny_input), str(tmp_path / "out"), PLAIN), find=Stubs())


def test_an_input_that_changes_under_way(tiny_input: Path, tmp_path: Path) -> None:
    import shutil

    from pipeline.errors import RunError

    source = tmp_path / "in"
    shutil.copytree(tiny_input, source)
    stubs = Stubs()

    def find(stage: str):  # type: ignore[no-untyped-def]
        if stage == "templates":
            (source / "events.parquet").write_bytes((source / "events.parquet").read_bytes() + b"x")
        return stubs(stage)

    with pytest.raises(RunError, match="the input changed while the run was under way"):
        carry_out(Request(str(source), str(tmp_path / "out"), PLAIN), find=find)
