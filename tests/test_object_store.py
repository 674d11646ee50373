"""Input and output on an object store: the same run as on a disk, proved against an S3-compatible server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.storage import latest_run, list_runs, open_run
from tests.support.stubs import Stubs
from tests.support.tiny import Tiny, write_tiny

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A bucket on a server of our own."""
    s3fs = pytest.importorskip("s3fs")
    server_of = pytest.importorskip("moto.server")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "TMPDIR": str(tmp_path / "local"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "local").mkdir()
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"  # the server forgets nothing
    s3fs.S3FileSystem().mkdir(name)
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
    monkeypatch.undo()


def put(source: Path, target: str) -> None:
    import s3fs

    for path in source.rglob("*"):
        if path.is_file():
            s3fs.S3FileSystem().put_file(str(path), f"{target.removeprefix('s3://')}/{path.relative_to(source)}")


def test_a_run_from_and_to_an_object_store(
    bucket: str, tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_tiny(tiny, tmp_path / "in", files=2)
    put(source, f"{bucket}/in")
    plain = tmp_path / "plain.toml"
    plain.write_text("[exports]\nmake = false\n")
    output = f"{bucket}/out"
    assert main(["run", f"{bucket}/in", "--output", output, "--settings", str(plain)]) == 0, capsys.readouterr().err
    assert main(["run", str(source), "--output", str(tmp_path / "out"), "--settings", str(plain)]) == 0
    far, near = latest_run(output), open_run(tmp_path / "out")
    assert far is not None and far.run_id == near.run_id
    for path in sorted(near.place.path.glob("*.parquet")):
        content = far.place.below(path.name).read_bytes()
        assert hashlib.sha256(content).digest() == hashlib.sha256(path.read_bytes()).digest(), path.name
    capsys.readouterr()
    assert main(["run", f"{bucket}/in", "--output", output, "--settings", str(plain)]) == 0
    assert "was whole already" in capsys.readouterr().out
    left = [p for p in (tmp_path / "local").rglob("*") if p.is_file() and "state" not in p.parts]
    assert [p.name for p in left] == ["lock"]  # and what only saves time


def test_a_run_without_its_manifest_is_none(bucket: str, tiny_input: Path, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import s3fs

    monkeypatch.setattr("pipeline.run.walk.find_make", Stubs())
    plain = tmp_path / "plain.toml"
    plain.write_text("[exports]\nmake = false\n")
    assert main(["run", str(tiny_input), "--output", f"{bucket}/out", "--settings", str(plain)]) == 0
    (run,) = list_runs(f"{bucket}/out")
    s3fs.S3FileSystem().rm(f"{run.place.root}/manifest.json")
    assert list_runs(f"{bucket}/out") == []


def test_a_store_that_is_gone(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import s3fs

    os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"  # nothing listens there
    os.environ["AWS_MAX_ATTEMPTS"] = "1"
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        assert main(["run", f"{bucket}/in", "--output", str(tmp_path / "out")]) == 1
    finally:
        os.environ.pop("AWS_MAX_ATTEMPTS")
    said = capsys.readouterr().err
    assert "the store answered" in said and "Traceback" not in said
