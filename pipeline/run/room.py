"""Whether there is room on the disk for a run, before it starts."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from pipeline.capacity import disk_needed
from pipeline.errors import Place, UsageError
from pipeline.rows import open_file
from pipeline.settings import Settings
from pipeline.storage.places import store_errors
from pipeline.storage.prompts import has_prompts
from pipeline.workbench import Inputs, InputTable

BYTES_A_ROW = 120  # of a CSV or JSONL file at the least, prompt aside
PACKED = 8  # how many times smaller gzip makes it


def check_room(inputs: Inputs, settings: Settings, place: Path, *, used: int = 0) -> str:
    """Say how much disk a run needs below `place` and how much is free; UsageError where that is too little.

    `used` bytes of it lie there already, of the same run.
    """
    events = inputs.tables["events"]
    rows = rows_there(events)
    needed = max(0, disk_needed(rows, _text(events, settings)) - used)
    free = _free(place)
    if free < needed:
        raise UsageError(
            "there is too little room on the disk", place=Place(str(place)), found=f"{_gigabytes(free)} free",
            expected=f"about {_gigabytes(needed)} for the working tables of {rows:,} requests",
            mend="Make room there, or name another place with --output (for an object store, with TMPDIR).",
        )  # fmt: skip
    return f"needs up to {_gigabytes(needed)} of disk, {_gigabytes(free)} are free"


def rows_there(table: InputTable) -> int:
    """Rows of a table: of Parquet files from their ends, of others at most as many as their size allows."""
    total = 0
    for source in range(len(table.files)):
        with contextlib.suppress(Exception):  # of a file that cannot be read intake says what is wrong, and better
            total += _rows_of(table, source)
    return total


def _rows_of(table: InputTable, source: int) -> int:
    import pyarrow.parquet as pq

    with open_file(table, source, unpack=False) as file:
        if table.format == "parquet":
            return int(pq.read_metadata(file).num_rows)
        packed = PACKED if table.files[source].lower().endswith(".gz") else 1
        return file.seek(0, os.SEEK_END) * packed // BYTES_A_ROW


def _text(table: InputTable, settings: Settings) -> bool:
    """Whether there are prompts, or it cannot be told."""
    try:
        return has_prompts(table, settings)
    except Exception:  # likewise
        return True


def bytes_below(place: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(p.stat().st_size for p in place.rglob("*") if p.is_file()) if place.is_dir() else 0


def _free(place: Path) -> int:
    """Bytes free where a folder is, or will be."""
    while not place.exists() and place != place.parent:
        place = place.parent
    with store_errors(place, "look at the room there"):
        return shutil.disk_usage(place).free


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
