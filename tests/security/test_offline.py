"""No network at run time: what the user did not configure is never asked for."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from tests.support.offline import NOT_ALLOWED


def test_without_a_network_all_works(tiny_input: Path, tmp_path: Path) -> None:
    """`run`, `brief` and `review` in a network namespace in which loopback alone is up."""
    pytest.importorskip("fastapi")
    words = [sys.executable, "-m", "tests.support.offline", str(tiny_input), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500)
    if done.returncode == NOT_ALLOWED:
        pytest.skip("this machine allows no network namespaces")
    assert done.returncode == 0, done.stderr[-2000:]
    assert [w for w in done.stdout.split() if w in ("run", "brief", "review")][-1] == "review"


def test_no_socket_is_opened(tiny_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that need no workspace open none at all, not even to this machine."""
    asked: list[Any] = []

    def refuse(self: object, address: object) -> None:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: asked.append(a) or [])
    settings, output = tmp_path / "settings.toml", tmp_path / "out"
    settings.write_text("[exports]\nmake = false\n[null]\nrewirings = 1\n")
    assert main(["validate", str(tiny_input)]) == 0
    assert main(["run", str(tiny_input), "--output", str(output), "--settings", str(settings)]) == 0
    assert main(["evaluate", str(output / "latest"), "--truth", str(tiny_input / "truth.parquet")]) == 0
    assert main(["export", str(output / "latest"), "--format", "csv", "--to", str(tmp_path / "accused.csv")]) == 0
    assert asked == []
