"""Where things lie: a local folder, or a folder of an object store reached through fsspec.

Everything that goes wrong below here becomes a StoreError of one paragraph: disk full, read-only, store gone.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import Place, RingtraceError, RunError, StoreError, quoted

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_MENDS = {
    errno.ENOSPC: ("the disk is full", "Make room there and run the same command with --resume."),
    errno.EDQUOT: ("the quota is used up", "Make room there and run the same command with --resume."),
    errno.EROFS: ("the place can only be read", "Name a place that can be written with --output."),
    errno.EACCES: ("access is denied", "Give this user the right to it, or name another place."),
    errno.EPERM: ("access is denied", "Give this user the right to it, or name another place."),
    errno.ENOENT: ("there is no such file or folder", "Check the spelling of the path."),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "Name a folder."),
    errno.EMFILE: ("too many files are open", "Raise the limit of open files (ulimit -n)."),
}


@contextlib.contextmanager
def store_errors(where: str | Path, doing: str) -> Iterator[None]:
    """Turn what the system raises while `doing` something at `where` into one clear StoreError."""
    try:
        yield
    except RingtraceError:
        raise
    except OSError as fault:
        words, mend = _MENDS.get(fault.errno or 0, (str(fault.strerror or fault)[:200], "Mend it and run again."))
        raise StoreError(f"could not {doing}: {words}", place=Place(str(where)), mend=mend) from fault
    except Exception as fault:
        if not _from_store(fault):
            raise
        raise StoreError(
            f"could not {doing}: the store answered {quoted(fault)}", place=Place(str(where)),
            mend="Check the address, the credentials and the network, and run the same command with --resume.",
        ) from fault  # fmt: skip


@contextlib.contextmanager
def engine_errors(where: str | Path, stage: str) -> Iterator[None]:
    """What the compiled engine and the system raise inside a stage, as one clear error; values are never shown."""
    with store_errors(where, f"carry out the stage {stage}"):
        try:
            yield
        except Exception as fault:
            words = str(fault)
            if type(fault).__module__.split(".")[0] not in ("duckdb", "_duckdb"):
                raise
            if "No space left" in words:
                raise OSError(errno.ENOSPC, "No space left on device") from fault
            if "OutOfMemory" in type(fault).__name__:
                raise RunError(
                    f"the stage {stage} needs more memory than it may use",
                    mend="Raise run.memory_gb or lower run.workers in the settings, and go on with --resume.",
                ) from fault
            raise


_CLIENTS = {"botocore", "aiobotocore", "aiohttp", "s3fs", "fsspec", "gcsfs", "adlfs"}


def _from_store(fault: Exception) -> bool:
    """Whether an exception comes from the client library of an object store."""
    return type(fault).__module__.split(".")[0] in _CLIENTS


@dataclass(frozen=True)
class Folder:
    """A folder, local or in an object store. `root` is its path as the file system knows it."""

    uri: str
    root: str
    filesystem: AbstractFileSystem | None = None  # None where local

    @property
    def local(self) -> bool:
        """Whether plain file calls reach it."""
        return self.filesystem is None

    @property
    def path(self) -> Path:
        """The local path; ValueError where there is none."""
        if not self.local:
            raise ValueError(f"{self.uri} is not local")
        return Path(self.root)

    def below(self, *names: str) -> Folder:
        """A folder (or file) inside this one."""
        tail = "/".join(names)
        return Folder(f"{self.uri.rstrip('/')}/{tail}", f"{self.root.rstrip('/')}/{tail}", self.filesystem)

    def exists(self) -> bool:
        """Whether there is anything at this place."""
        with store_errors(self.uri, "look at it"):
            return Path(self.root).exists() if self.filesystem is None else bool(self.filesystem.exists(self.root))

    def names(self) -> list[str]:
        """Names of what lies directly inside, sorted; empty where there is nothing."""
        with store_errors(self.uri, "list it"):
            if self.filesystem is None:
                return sorted(p.name for p in self.path.iterdir()) if self.path.is_dir() else []
            if not self.filesystem.exists(self.root):
                return []
            self.filesystem.invalidate_cache(self.root)
            found = self.filesystem.ls(self.root, detail=False)
            return sorted({str(f).rstrip("/").rsplit("/", 1)[-1] for f in found} - {""})

    def read_bytes(self) -> bytes:
        """The content of the file at this place."""
        with store_errors(self.uri, "read it"):
            if self.filesystem is None:
                return Path(self.root).read_bytes()
            return bytes(self.filesystem.cat_file(self.root))

    def write_bytes(self, content: bytes) -> None:
        """Write a file at this place, whole or not at all."""
        with store_errors(self.uri, "write it"):
            if self.filesystem is None:
                write_whole(Path(self.root), content)
            else:
                self.filesystem.pipe_file(self.root, content)


def folder(uri: str | Path) -> Folder:
    """The place a user names: a path, or a URI that fsspec understands."""
    text = str(uri)
    if text.startswith("file://"):
        text = text[len("file://") :]
    if "://" not in text:
        return Folder(text, str(Path(text).expanduser().absolute()))
    import fsspec

    with store_errors(text, "reach it"):
        try:
            filesystem, root = fsspec.core.url_to_fs(text)
        except (ValueError, ImportError) as fault:
            raise StoreError(
                f"this kind of address is not understood ({quoted(fault)})", place=Place(text),
                mend="Install the client for it (extra `cloud` for s3://), or name a local path.",
            ) from fault  # fmt: skip
    return Folder(text.rstrip("/"), str(root).rstrip("/"), filesystem)


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a local file aside and rename it into place, synced to the disk."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.aside")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(mode)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def private_folder(path: Path) -> Path:
    """A folder that only this user can look into; made where it is missing."""
    with store_errors(path, "make the folder"):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def sync_folder(path: Path) -> None:
    """Bring a folder's entries (renames) to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
