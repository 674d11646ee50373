"""One run at a time in one output: a lock that goes away with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import Place, StoreError
from pipeline.storage.places import private_folder, store_errors


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; StoreError says who holds it where it is taken."""
    private_folder(folder)
    path = folder / "lock"
    with store_errors(path, "take the lock"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 100, 0).decode("ascii", "replace").strip()
            raise StoreError(
                "another run is at work in this output", place=Place(str(folder.parent)),
                found=f"process {holder}" if holder else "", mend="Wait until it is done, or name another --output.",
            ) from None  # fmt: skip
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
