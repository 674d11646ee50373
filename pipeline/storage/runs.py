"""Finished runs: found, read, published. A run appears whole or not at all, and is never changed again.

On a local disk the finished folder is renamed into place. On an object store nothing can be renamed: there
`manifest.json`, written last, is the sign that a run is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import Place, StoreError, UsageError, quoted
from pipeline.storage.places import Folder, folder, store_errors, sync_folder
from pipeline.storage.tables import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
LATEST = "latest"
RUN_ID = re.compile(r"^\d{4}-\d{2}-\d{2}-[0-9a-f]{8}$")


@dataclass(frozen=True)
class FinishedRun:
    """A whole run; `place` is its folder, `manifest` what it says of itself."""

    run_id: str
    place: Folder
    manifest: dict[str, Any]

    @property
    def since(self) -> datetime:
        """Beginning of its window."""
        return datetime.fromisoformat(self.manifest["since"])

    @property
    def until(self) -> datetime:
        """End of its window."""
        return datetime.fromisoformat(self.manifest["until"])

    def has(self, table: str) -> bool:
        """Whether the run holds the table."""
        return self.place.below(f"{table}.parquet").exists()

    def read(self, table: str) -> pa.Table:
        """A table of the run, whole."""
        entry = self.place.below(f"{table}.parquet")
        if entry.local:
            return read_parquet(entry.path)
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pq.read_table(pa.BufferReader(entry.read_bytes()))


def open_run(uri: str | Path) -> FinishedRun:
    """The run in a folder (`output/latest` and an output folder itself stand for its latest run)."""
    place = folder(uri)
    name = place.root.rstrip("/").rsplit("/", 1)[-1]
    if not place.below(MANIFEST).exists():
        outer = folder(str(uri).rstrip("/").rsplit("/", 1)[0] or ".") if name == LATEST else place
        newest = latest_run(outer)
        if newest is None:
            raise UsageError(
                "there is no finished run here", place=Place(str(uri)), expected=f"a folder with {MANIFEST}",
                mend="Name a run such as output/latest; `ringtrace run` makes one.",
            )  # fmt: skip
        return newest
    return _opened(place)


def _opened(place: Folder) -> FinishedRun:
    entry = place.below(MANIFEST)
    try:
        manifest = json.loads(entry.read_bytes())
        run_id = str(manifest["run_id"])
    except (ValueError, KeyError, TypeError) as fault:
        raise StoreError(
            "the manifest of the run cannot be read", place=Place(entry.uri), found=quoted(fault),
            mend="Restore the run from a copy, or remove it and run again.",
        ) from fault  # fmt: skip
    version = manifest.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise StoreError(
            "the run was written in another version of the tables", place=Place(place.uri),
            found=f"schema version {quoted(version)}", expected=f"version {SCHEMA_VERSION}",
            mend="Read it with the ringtrace that wrote it, or run again over its window with this one.",
        )  # fmt: skip
    return FinishedRun(run_id, place, manifest)


def list_runs(output: Folder | str | Path) -> list[FinishedRun]:
    """The whole runs of an output, by the end of their window and then by run_id."""
    place = output if isinstance(output, Folder) else folder(output)
    runs = [_opened(place.below(n)) for n in place.names() if RUN_ID.match(n) and place.below(n, MANIFEST).exists()]
    return sorted(runs, key=lambda r: (r.until, r.run_id))


def latest_run(output: Folder | str | Path) -> FinishedRun | None:
    """The whole run with the greatest `until`, or None."""
    runs = list_runs(output)
    return runs[-1] if runs else None


def previous_run(output: Folder, until: datetime) -> FinishedRun | None:
    """The whole run with the greatest `until` before the given one, or None."""
    earlier = [r for r in list_runs(output) if r.until < until]
    return earlier[-1] if earlier else None


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """A manifest as it is written."""
    return (json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def publish(made: Path, output: Folder, run_id: str) -> None:
    """Put a complete local folder (with its manifest) among the finished runs, all at once."""
    target = output.below(run_id)
    with store_errors(target.uri, "publish the run"):
        if output.local:
            _open_to_readers(made)
            if target.path.exists():  # no manifest in it, else the run were whole: somebody's leftover
                raise StoreError(
                    "something else lies where the run belongs", place=Place(target.uri), mend="Move it away.",
                )  # fmt: skip
            made.rename(target.path)
            sync_folder(output.path)
        else:
            _upload(made, target)
    refresh_latest(output)


def _open_to_readers(made: Path) -> None:
    """Give a folder that was private until now the rights that this user's new files have (his umask)."""
    mask = os.umask(0o077)
    os.umask(mask)
    for place, _, files in os.walk(made):
        Path(place).chmod(0o777 & ~mask)
        for name in files:
            (Path(place) / name).chmod(0o666 & ~mask)


def _upload(made: Path, target: Folder) -> None:
    """Copy every file to an object store, the manifest last."""
    filesystem = target.filesystem
    assert filesystem is not None
    for path in sorted(p for p in made.rglob("*") if p.is_file() and p.name != MANIFEST):
        filesystem.put_file(str(path), f"{target.root}/{path.relative_to(made).as_posix()}")
    filesystem.put_file(str(made / MANIFEST), f"{target.root}/{MANIFEST}")
    filesystem.invalidate_cache()


def refresh_latest(output: Folder) -> None:
    """Point `latest` at the whole run with the greatest `until`: a link on a disk, nothing on an object store."""
    if not output.local:
        return
    newest = latest_run(output)
    link = output.path / LATEST
    with store_errors(link, "move it"):
        if newest is None or (link.is_symlink() and str(link.readlink()) == newest.run_id):
            return
        aside = output.path / f".{LATEST}.{os.getpid()}.aside"
        aside.unlink(missing_ok=True)
        aside.symlink_to(newest.run_id, target_is_directory=True)
        aside.replace(link)
        sync_folder(output.path)


def remove_folder(path: Path) -> None:
    """Remove a folder of ours with all that is in it; nothing happens where there is none."""
    with store_errors(path, "remove it"):
        if path.exists():
            shutil.rmtree(path)
