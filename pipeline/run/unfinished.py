"""A run under way: its folder beside the finished ones, and what is already done, by digest.

    <output>/.unfinished/<run_id>/progress.json     what was asked for, which stages are done
    <output>/.unfinished/<run_id>/run/              what will be the finished run
    <output>/.unfinished/<run_id>/working/          tables that pass between stages
    <output>/.unfinished/<run_id>/scratch/          of the stage at work; removed with it
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Place, RunError, UsageError
from pipeline.schemas import OUTPUTS, TABLES
from pipeline.storage.places import Folder, private_folder, store_errors, write_whole
from pipeline.storage.tables import file_digest, rows_of

_OUTPUTS = frozenset(t.name for t in OUTPUTS)


def workshop(output: Folder) -> Path:
    """Where unfinished runs of an output lie: inside it on a disk, in a private local folder for an object store."""
    if output.local:
        return output.path / ".unfinished"
    mark = hashlib.sha256(output.uri.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ringtrace-{os.getuid()}" / mark


def digest_of(value: Any) -> str:
    """SHA-256 of a plain value, written in one way."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@dataclass
class Unfinished:
    """The folder of a run under way and its record of what is done."""

    folder: Path
    record: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Unfinished | None:
        """The unfinished run in a folder, or None where there is none that can be gone on with."""
        try:
            return cls(folder, json.loads((folder / "progress.json").read_bytes()))
        except (OSError, ValueError):
            return None

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return str(self.record["run_id"])

    @property
    def whole(self) -> Path:
        """The folder that will be the finished run."""
        return self.folder / "run"

    @property
    def working(self) -> Path:
        """Folder of the working tables."""
        return self.folder / "working"

    @property
    def stages(self) -> dict[str, Any]:
        """What is noted of the stages that are done, by name."""
        return self.record["stages"]  # type: ignore[no-any-return]

    def save(self) -> None:
        """Write the record, whole or not at all."""
        with store_errors(self.folder, "note the progress"):
            content = json.dumps(self.record, sort_keys=True).encode()
            write_whole(private_folder(self.folder) / "progress.json", content, mode=0o600)

    def scratch(self, stage: str) -> Path:
        """Scratch folder of a stage."""
        return self.folder / "scratch" / stage

    def path(self, table: str) -> Path:
        """File of a table, or the folder of its parts where it is wide."""
        if table.startswith("rejected_"):
            return self.whole / "rejected" / f"{table.removeprefix('rejected_')}.parquet"
        if table in _OUTPUTS:
            return self.whole / f"{table}.parquet"
        return self.working / (table if TABLES[table].wide else f"{table}.parquet")

    def parts(self, table: str) -> list[str]:
        """Paths of the parts of a wide table, in order."""
        return [str(p) for p in sorted(self.path(table).glob("*.parquet"))]

    def digests(self, table: str) -> list[str] | None:
        """Digests of a table's file or files as they lie there now; None where it is missing."""
        path = self.path(table)
        if TABLES[table].wide:
            return [file_digest(Path(p)) for p in self.parts(table)] if path.is_dir() else None
        return [file_digest(path)] if path.is_file() else None

    def noted(self, table: str) -> Mapping[str, Any]:
        """What is noted of a table (rows, digests) by the stage that wrote it; RunError where none did yet."""
        for stage in self.stages.values():
            if table in stage["tables"]:
                return stage["tables"][table]  # type: ignore[no-any-return]
        raise RunError(
            f"the table {table} has not been made yet", mend="Run the earlier stages of the plan first.",
        )  # fmt: skip

    def rows(self, table: str) -> int:
        """Rows of a table as it lies there."""
        path = self.path(table)
        return sum(rows_of(Path(p)) for p in self.parts(table)) if TABLES[table].wide else rows_of(path)


def open_unfinished(output: Folder, run_id: str) -> Unfinished:
    """The unfinished run of that name; UsageError where there is none."""
    found = Unfinished.open(workshop(output) / run_id)
    if found is None:
        raise UsageError(
            "no run of this name is under way", place=Place(output.uri), found=run_id,
            mend="Begin it with `ringtrace run INPUT --begin`, which prints the name.",
        )  # fmt: skip
    return found
