"""Runs ringtrace where no network is: a network namespace of its own, in which loopback alone is up.

As a program: `python -m tests.support.offline INPUT PLACE` carries out run, brief and review there and says each.
Ends with 77 where this machine does not let us make such a place.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

NOT_ALLOWED = 77
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


def leave_the_network() -> bool:
    """Move this process (and its children) where only loopback is; False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NET) != 0 and libc.unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(handle, _GET_FLAGS, asked))[1]
        fcntl.ioctl(handle, _SET_FLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))
    return True


def alone() -> bool:
    """Whether the world cannot be reached from here."""
    try:
        with socket.create_connection(("192.0.2.1", 80), timeout=0.2):
            return False
    except OSError as fault:
        return not isinstance(fault, TimeoutError)


def main(source: str, place: str) -> int:
    """Run, brief and review without a network."""
    if not leave_the_network():
        return NOT_ALLOWED
    assert alone()
    from pipeline.cli import main as ringtrace

    output = Path(place) / "output"
    settings = Path(place) / "settings.toml"
    settings.write_text("[exports]\nmax_rings_drawn = 1\n[null]\nrewirings = 1\n")
    assert ringtrace(["run", source, "--output", str(output), "--settings", str(settings)]) == 0
    print("run", flush=True)
    assert ringtrace(["brief", str(output / "latest"), "--to", str(Path(place) / "briefing")]) == 0
    print("brief", flush=True)
    from tests.support.workspace import config_for, listening

    config = config_for(output, f"sqlite:///{place}/store.sqlite")
    with listening(config) as workspace:
        answer = workspace.client().get("/queue")
        assert answer.status_code == 200, answer.status_code
        with socket.socket() as probe:  # it listens on loopback and nowhere else
            assert probe.connect_ex(("127.0.0.1", config.port)) == 0
    print("review", flush=True)
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2])
    sys.stdout.flush()
    os._exit(code)
