"""Looks over the input before a run: first and last event, rows, and a digest of what every table says.

The digest depends on values alone: not on the order of rows, the number of files, their format or their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

import numpy as np
import pyarrow.compute as pc

from pipeline.settings import Settings
from pipeline.stages.intake.checks import checked
from pipeline.stages.intake.digests import added, microseconds, moment, row_hashes, total, written
from pipeline.stages.intake.kept import Lasting, lasting
from pipeline.stages.intake.plans import Chunk, Reading, chunks_of, reading_of
from pipeline.workbench import Inputs, Shelf, Workbench


@dataclass(frozen=True)
class Survey:
    """First and last event (None where there is none), rows and digest of each table by name."""

    first: datetime | None
    last: datetime | None
    rows: Mapping[str, int] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Glance:
    n_rows: int
    sums: tuple[int, int]
    first: int | None
    last: int | None


def survey(inputs: Inputs, settings: Settings, bench: Workbench, shelf: Shelf | None = None) -> Survey:
    """Read every table once, chunks known from before aside. Raises InputError or FaultList where one is broken."""
    tasks: list[tuple[Reading, Chunk, Lasting]] = []
    for name in sorted(inputs.tables):
        reading = reading_of(inputs.tables[name], settings)
        kept = lasting(inputs.tables[name], shelf, bench)
        tasks += [(reading, chunk, kept) for chunk in chunks_of(inputs.tables[name], settings.input.chunk_rows)]
    glances = bench.map(_glance, tasks, what="look over the input")
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    for name in sorted(inputs.tables):
        mine = [g for (reading, *_), g in zip(tasks, glances, strict=True) if reading.table.name == name]
        rows[name] = sum(g.n_rows for g in mine)
        digests[name] = written(rows[name], added([g.sums for g in mine]))
    events = [g for (reading, *_), g in zip(tasks, glances, strict=True) if reading.table.name == "events"]
    firsts = [g.first for g in events if g.first is not None]
    lasts = [g.last for g in events if g.last is not None]
    return Survey(
        moment(min(firsts)) if firsts else None, moment(max(lasts)) if lasts else None, rows, digests,
    )  # fmt: skip


def _glance(task: tuple[Reading, Chunk, Lasting]) -> _Glance:
    """A glance at a chunk, or what an earlier one saw of the same files."""
    reading, chunk, kept = task
    if kept.shelf is None:
        return _glance_at(reading, chunk)
    key = kept.key(reading, chunk)
    known = kept.shelf.noted("survey", key)
    if isinstance(known, dict):
        return _Glance(known["n_rows"], (known["sums"][0], known["sums"][1]), known["first"], known["last"])
    seen = _glance_at(reading, chunk)
    kept.shelf.note("survey", key, asdict(seen))
    return seen


def _glance_at(reading: Reading, chunk: Chunk) -> _Glance:
    """Rows, digest, first and last moment of a chunk; refused rows have no part in any but the rows."""
    n_rows, sums, firsts, lasts = 0, [(0, 0)], [], []
    for batch in checked(reading, chunk):
        n_rows += batch.table.num_rows
        good = np.flatnonzero(batch.codes == 0)
        sums.append(total(row_hashes(batch.table, reading.names)[good]))
        if reading.table.name == "events" and good.size:
            span = pc.min_max(batch.table.column("timestamp").take(good)).as_py()
            firsts.append(span["min"])
            lasts.append(span["max"])
    return _Glance(
        n_rows, added(sums), microseconds(min(firsts)) if firsts else None, microseconds(max(lasts)) if lasts else None
    )
