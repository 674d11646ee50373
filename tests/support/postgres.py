"""A real PostgreSQL server for tests: Debian's binaries, a folder of its own, an unprivileged user, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.support.workspace import free_port

_numbers = count(1)


def binaries() -> Path | None:
    """Folder of the newest server that is installed, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def _as_nobody() -> list[str]:
    """initdb refuses to run as root: then the server runs as Debian's user for it."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class Server:
    """A server that runs; `database` makes an empty database and gives its address."""

    def __init__(self, place: Path, port: int) -> None:
        self.place, self.port = place, port

    def address(self, name: str) -> str:
        """Address of a database."""
        return f"postgresql://tests@127.0.0.1:{self.port}/{name}"

    def database(self) -> str:
        """A new, empty database."""
        name = f"d{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.address(name)


@contextmanager
def server() -> Iterator[Server]:
    """A server until the block ends."""
    programs = binaries()
    assert programs is not None, "no PostgreSQL server is installed"
    place = Path(tempfile.mkdtemp(prefix="ringtrace-pg-"))
    user = _as_nobody()
    if user:
        known = pwd.getpwnam("postgres")
        os.chown(place, known.pw_uid, known.pw_gid)
    port = free_port()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": place}
    try:
        subprocess.run(
            [*user, programs / "initdb", "-D", place / "data", "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"],
            **quiet,
        )
        given = ("listen_addresses=127.0.0.1", "max_connections=200", "synchronous_commit=off", "fsync=off")
        options = f"-p {port} -k {place} " + " ".join(f"-c {g}" for g in given)
        control = [*user, programs / "pg_ctl", "-D", place / "data", "-w"]
        subprocess.run([*control, "-l", place / "log", "-o", options, "start"], **quiet)
        try:
            yield Server(place, port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
            time.sleep(0.05)
    finally:
        shutil.rmtree(place, ignore_errors=True)
