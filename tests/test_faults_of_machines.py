"""Faults of the machine itself, not of stand-ins: a disk that is full or can only be read, a network that fails."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.storage import list_runs
from tests.support.tiny import Tiny, write_tiny

UNDER_LIMITS = """
import json, os, resource, sys
for which, value in json.loads(sys.argv[1]):
    resource.setrlimit(which, (value, value))
os.execv(sys.argv[2], sys.argv[2:])
"""
PLAIN = "[exports]\nmake = false\n[run]\nworkers = 1\n"


def ringtrace(*words: str, limits: dict[int, int] | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, under limits of the system."""

    # the limits are set by a small program of its own: code between fork and exec is not safe beside other threads
    begun = [sys.executable, "-c", UNDER_LIMITS, json.dumps(list((limits or {}).items()))]
    return subprocess.run(
        [*begun, sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **env},
    )  # fmt: skip


def told_well(done: subprocess.CompletedProcess[str]) -> str:
    """What was said; a failure is one paragraph, never a trace."""
    assert done.returncode == 1, (done.returncode, done.stderr[-1500:])
    assert "Traceback" not in done.stderr and "unforeseen" not in done.stderr, done.stderr[-1500:]
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """Settings without exports."""
    path = tmp_path / "plain.toml"
    path.write_text(PLAIN)
    return str(path)


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """A small disk of its own; skipped where this machine lets nobody mount one."""
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("this machine lets us mount nothing")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def filled(disk: Path, out: Path) -> None:
    """Fill a disk of 64 MB to its last byte once the first stage of a run is done there."""
    limit = time.monotonic() + 200
    while time.monotonic() < limit and disk.is_mount():
        if any('"intake"' in note.read_text() for note in out.glob(".unfinished/*/progress.json")):
            break
        time.sleep(0.002)
    if not disk.is_mount():  # the test is over: what lies below is not ours to fill
        return
    with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as file:
        for _ in range(2 * 64 << 4):
            file.write(bytes(1 << 16))


def test_a_disk_that_fills_up(tiny_input: Path, plain: str, tmp_path: Path) -> None:
    """A disk filled under way ends the run in one sentence; with room made, `--resume` ends it."""
    with mounted(tmp_path / "disk", "size=64m") as disk:
        words = ("run", str(tiny_input), "--output", str(disk / "out"), "--settings", plain, "--progress", "none")
        filler = threading.Thread(target=filled, args=(disk, disk / "out"))
        filler.start()
        done = ringtrace(*words)
        filler.join()
        assert "full" in told_well(done) and list_runs(disk / "out") == []
        (disk / "ballast").unlink()
        assert ringtrace(*words, "--resume").returncode == 0
        assert len(list_runs(disk / "out")) == 1


def test_a_disk_without_room_is_refused_before_anything(tiny_input: Path, plain: str, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=400k") as disk:
        done = ringtrace("run", str(tiny_input), "--output", str(disk / "out"), "--settings", plain)
        assert done.returncode == 2 and "too little room" in done.stderr


def test_a_disk_that_can_only_be_read(tiny_input: Path, plain: str, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "ro") as disk:
        done = ringtrace("run", str(tiny_input), "--output", str(disk / "out"), "--settings", plain)
        assert "can only be read" in told_well(done)


def test_files_that_may_not_grow(tiny_input: Path, plain: str, tmp_path: Path) -> None:
    """A limit on the size of files, as quotas set it."""
    words = ("run", str(tiny_input), "--output", str(tmp_path / "out"), "--settings", plain, "--progress", "none")
    said = told_well(ringtrace(*words, limits={resource.RLIMIT_FSIZE: 20_000}))
    assert "could not" in said and list_runs(tmp_path / "out") == []
    assert ringtrace(*words, "--resume").returncode == 0


class BadNet:
    """A proxy before a store: it lets some connections fall in the middle, keeps others waiting."""

    def __init__(self, target: tuple[str, int], seed: int, falls: float, waits: float) -> None:
        self.dice, self.falls, self.waits, self.target = random.Random(seed), falls, waits, target
        self.fallen = 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                one, _ = self.door.accept()
            except OSError:
                return
            chances = (self.dice.random(), self.dice.random())
            threading.Thread(target=self._carry, args=(one, *chances), daemon=True).start()

    def _carry(self, one: socket.socket, fall: float, wait: float) -> None:
        time.sleep(0.3 if wait < self.waits else 0.0)
        if fall < self.falls:
            self.fallen += 1
            one.close()
            return
        with contextlib.suppress(OSError), socket.create_connection(self.target) as other, one:
            back = threading.Thread(target=_pour, args=(other, one), daemon=True)
            back.start()
            _pour(one, other)
            back.join(60)

    def close(self) -> None:
        """Take no more connections."""
        self.door.close()


def _pour(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A server of object stores in a process of its own; its address."""
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = (
        "import sys; from moto.server import ThreadedMotoServer; "
        f"server = ThreadedMotoServer(ip_address='127.0.0.1', port={port}, verbose=False); "
        "server.start(); sys.stdin.read(); server.stop()"
    )
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.1)
    try:
        yield "127.0.0.1", port
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait(30)


def test_a_store_behind_a_bad_network(store: tuple[str, int], tiny: Tiny, plain: str, tmp_path: Path) -> None:
    """One connection in five falls, one in five waits: each try ends well or in one sentence, and one ends well."""
    source = write_tiny(tiny, tmp_path / "in")
    net = BadNet(store, seed=1, falls=0.2, waits=0.2)
    env = {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
        "TMPDIR": str(tmp_path / "local"), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{net.port}", "AWS_MAX_ATTEMPTS": "3",
    }  # fmt: skip
    (tmp_path / "local").mkdir()
    make = "import s3fs; s3fs.S3FileSystem().mkdir('bucket')"
    direct = os.environ | env | {"AWS_ENDPOINT_URL": f"http://{store[0]}:{store[1]}"}
    subprocess.run([sys.executable, "-c", make], env=direct, check=True, timeout=120)
    words = ("run", str(source), "--output", "s3://bucket/out", "--settings", plain, "--progress", "none", "--resume")
    tries = 0
    for _ in range(6):
        tries += 1
        done = ringtrace(*words, **env)
        if done.returncode == 0:
            break
        told_well(done)
    net.close()
    assert done.returncode == 0 and net.fallen > 0, (tries, net.fallen)
    assert ringtrace("run", str(source), "--output", str(tmp_path / "near"), "--settings", plain).returncode == 0
    near = list_runs(tmp_path / "near")[0]
    fetch = "import s3fs, sys; s3fs.S3FileSystem().get('bucket/out/' + sys.argv[1], sys.argv[2], recursive=True)"
    subprocess.run(
        [sys.executable, "-c", fetch, near.run_id, str(tmp_path / "far")], env=direct, check=True, timeout=120
    )
    for path in sorted(near.place.path.glob("*.parquet")):
        assert (tmp_path / "far" / path.name).read_bytes() == path.read_bytes(), path.name
    shutil.rmtree(tmp_path / "local")


@pytest.mark.parametrize(
    "fault", [MemoryError(), ImportError("libx.so: failed to map segment from shared object")], ids=["python", "loader"]
)
def test_memory_that_runs_out(
    fault: Exception, tiny_input: Path, plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """What is done stays, and one sentence says what to lower."""

    def fall(*_: object, **__: object) -> None:
        raise fault

    words = ["run", str(tiny_input), "--output", str(tmp_path / "out"), "--settings", plain]
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.stages.sightings.make", fall)
        assert main(words) == 1
    assert "not enough memory" in capsys.readouterr().err and list_runs(tmp_path / "out") == []
    assert main([*words, "--resume"]) == 0
