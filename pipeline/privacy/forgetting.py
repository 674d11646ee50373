"""Forgetting: every run that tells of what is to go gets a redacted successor, proved before the old one goes.

Order: runs under way and `state/` are removed (both can be made again); each run is redacted aside, searched,
published, and only then is the old one removed; last comes the workspace's store. Stopped at any moment, the same
command goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Place, RunError
from pipeline.link_types import link_types
from pipeline.privacy.redact import older, redacted
from pipeline.privacy.search import Sought, files_with, in_table
from pipeline.privacy.wish import Wish
from pipeline.run.unfinished import workshop
from pipeline.schemas import OUTPUTS
from pipeline.settings_reader import settings_from
from pipeline.storage import FinishedRun, Folder, folder, list_runs, locked, publish, refresh_latest
from pipeline.storage.places import private_folder, store_errors, write_whole
from pipeline.storage.runs import LATEST, MANIFEST, manifest_bytes, remove_folder
from pipeline.storage.tables import conform, file_digest, read_parquet, rows_of, to_frame, write_parquet

REDACTED_FROM = "redacted_from"
_STAND_IN = "<*>"  # what stands where a value stood within a text


@dataclass(frozen=True)
class Forgotten:
    """What was done: old run -> its successor, runs removed whole, and what changed in the workspace's store."""

    successors: dict[str, str]
    removed: tuple[str, ...]
    unfinished: int
    store: Mapping[str, int]


@dataclass(frozen=True)
class _Work:
    """What the steps share."""

    output: Folder
    wish: Wish
    secret: bytes
    sought: Sought
    say: Callable[[str], None]


def forget(
    output: str, wish: Wish, *, secret: bytes, erase: Callable[[Wish], Mapping[str, int]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Forgotten:  # fmt: skip
    """Forget accounts, or all before a moment, in an output. `erase` does the same in the workspace's store.

    `secret` keys the names of successors. Raises StoreError where another run is at work, RunError where a successor
    could not be proved; then the old run is still there.
    """
    place = folder(output)
    work = _Work(place, wish, secret, Sought.of(wish.accounts), say)
    with locked(workshop(place)):
        unfinished = _clear(place)
        runs = list_runs(place)
        heirs = {r.manifest[REDACTED_FROM]: r.run_id for r in runs if r.manifest.get(REDACTED_FROM)}
        successors: dict[str, str] = {}
        removed: list[str] = []
        for run in runs:
            if run.run_id in heirs:  # published before, and stopped before the old one went
                successors[run.run_id] = heirs[run.run_id]
            elif wish.before is not None and run.until <= wish.before:
                removed.append(run.run_id)
            else:
                heir = _succeed(work, run)
                if heir is None:
                    continue
                successors[run.run_id] = heir
            _remove(place, run)
        refresh_latest(place)
        _drop_dangling(place)
        erased = erase(wish) if erase is not None else {}
    return Forgotten(successors, tuple(removed), unfinished, erased)


def _clear(output: Folder) -> int:
    """Remove runs under way and what is kept for speed; how many runs were under way."""
    shop = workshop(output)
    held = [p for p in sorted(shop.iterdir()) if p.is_dir()] if shop.is_dir() else []
    for path in held:
        remove_folder(path)
    if output.local:
        remove_folder(output.path / "state")
    return sum((shop / p.name).name[:1].isdigit() for p in held)


def _succeed(work: _Work, run: FinishedRun) -> str | None:
    """Publish the redacted successor of a run; its name, or None where the run tells nothing of what is to go."""
    scratch = private_folder(workshop(work.output) / "forget")
    try:
        source = _at_hand(run, scratch)
        if not _tells(source, run, work):
            return None
        mark = hashlib.sha256(f"{run.run_id}/{work.wish.digest(work.secret)}".encode()).hexdigest()[:8]
        name = f"{run.run_id[:10]}-{mark}"
        work.say(f"{run.run_id}: writing its successor {name}")
        made = private_folder(scratch / name)
        _write(source, made, run, name, work)
        _prove(made, run, work)
        publish(made, work.output, name)
        return name
    finally:
        remove_folder(scratch)


def _at_hand(run: FinishedRun, scratch: Path) -> Path:
    """The run's folder on this machine: itself, or a copy from the object store."""
    if run.place.local:
        return run.place.path
    copy = scratch / "source"
    assert run.place.filesystem is not None
    with store_errors(run.place.uri, "read it"):
        run.place.filesystem.get(f"{run.place.root}/", f"{copy}/", recursive=True)
    return copy


def _tells(source: Path, run: FinishedRun, work: _Work) -> bool:
    early = work.wish.before is not None and run.since < work.wish.before
    return early or bool(files_with(source, work.sought))


def _write(source: Path, made: Path, run: FinishedRun, name: str, work: _Work) -> None:
    """Write tables, manifest and exports of the successor."""
    settings = settings_from(run.manifest["settings"])
    kinds = link_types(settings.link_types)
    given = {t.name: to_frame(read_parquet(source / f"{t.name}.parquet")) for t in OUTPUTS}
    cut = redacted(given, work.wish)
    for table, frame in cut.tables.items():
        write_parquet(_scrubbed(conform(table, frame, kinds), table, work.sought), made / f"{table}.parquet")
    for path in sorted((source / "rejected").glob("*.parquet")):
        write_parquet(_scrubbed(read_parquet(path), "", work.sought), private_folder(made / "rejected") / path.name)
    manifest = _manifest(run.manifest, made, name)
    manifest["redaction"] = {
        "accounts": cut.accounts, "rings": cut.rings,
        "before": work.wish.before.isoformat() if work.wish.before else None,
    }  # fmt: skip
    write_whole(made / MANIFEST, manifest_bytes(manifest))
    if (source / "briefing.html").exists():
        from pipeline.exports import make_all

        make_all(made, settings, manifest)


def _manifest(before: Mapping[str, Any], made: Path, name: str) -> dict[str, Any]:
    """The manifest of the successor: what it says of its tables is true of them as they are now."""
    tables = {}
    for table in before.get("tables", ()):
        path = made / f"{table}.parquet"
        if table.startswith("rejected_"):
            path = made / "rejected" / f"{table.removeprefix('rejected_')}.parquet"
        tables[table] = {"rows": rows_of(path), "digests": [file_digest(path)]}
    return {**before, "run_id": name, REDACTED_FROM: before["run_id"], "tables": tables}


def _scrubbed(table: Any, name: str, sought: Sought) -> Any:
    """The table without the values inside other texts: strangers may write an account's id anywhere."""
    import pyarrow as pa

    from pipeline.schemas import TABLES

    if not in_table(table, sought):
        return table
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_list(field.type):
            cells = [_without(cell, sought) for cell in table.column(number).to_pylist()]
            table = table.set_column(number, field, pa.array(cells, field.type))
    key = list(TABLES[name].key) if name else []
    if key:  # two values may have become one
        first = ~table.select(key).to_pandas().duplicated()
        table = table.filter(pa.array(first.to_numpy()))
    return table


def _without(cell: Any, sought: Sought) -> Any:
    """A text, a list of texts or a null without the values."""
    if cell is None:
        return None
    if isinstance(cell, list):
        return [_without(text, sought) for text in cell]
    return _STAND_IN if cell in sought.values else sought.replaced(cell, _STAND_IN)


def _prove(made: Path, run: FinishedRun, work: _Work) -> None:
    """Nothing of what is to go stands anywhere in the successor; RunError where something does."""
    left = files_with(made, work.sought)
    for table in OUTPUTS:
        path = made / f"{table.name}.parquet"
        if work.wish.before is not None and older(table.name, to_frame(read_parquet(path)), work.wish):
            left.append(path.name)
    if left:
        raise RunError(
            "the successor of the run still tells of what is to be forgotten", place=Place(run.place.uri),
            found=", ".join(left[:8]), expected="nothing of it in any file",
            mend="Nothing was removed. This is a fault of ringtrace itself; please report it.",
        )  # fmt: skip


def _remove(output: Folder, run: FinishedRun) -> None:
    """Remove a run: from that moment it is no run any more, even where removing its files is interrupted."""
    with store_errors(run.place.uri, "remove the old run"):
        if run.place.local:
            aside = private_folder(workshop(output)) / f"removing-{run.run_id}"
            run.place.path.rename(aside)
            remove_folder(aside)
            return
        filesystem = run.place.filesystem
        assert filesystem is not None
        filesystem.rm_file(f"{run.place.root}/{MANIFEST}")
        filesystem.rm(run.place.root, recursive=True)
        filesystem.invalidate_cache()


def _drop_dangling(output: Folder) -> None:
    """`latest` leads nowhere once every run is gone."""
    if output.local:
        link = output.path / LATEST
        if link.is_symlink() and not link.exists():
            link.unlink()
