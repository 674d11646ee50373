"""Checks an input as a run would, without writing anything, and says what is wrong, where, and how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from pipeline.errors import FaultList, InputError, Place, RingtraceError
from pipeline.schemas.inputs import INPUTS
from pipeline.settings import Settings
from pipeline.workbench import Inputs, InputTable, Workbench

_GAP = timedelta(days=7)  # a last event this long after all others moves the window past them


@dataclass(frozen=True)
class Refused:
    """Rows refused for one reason: how many, and the first of them."""

    column: str | None
    reason: str
    n_rows: int
    file: str
    row: int
    found: str | None

    def __str__(self) -> str:
        what = f"column {self.column}: " if self.column else ""
        found = f", found {self.found}" if self.found else ""
        return f"{what}{self.reason}, {self.n_rows:,} rows; first {self.file} row {self.row}{found}"


@dataclass(frozen=True)
class TableReport:
    """What was found in one table."""

    name: str
    n_files: int
    n_rows: int = 0
    n_refused: int = 0
    faults: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What was found in all tables; `good` says that a run would accept them."""

    tables: tuple[TableReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """No fault in any table."""
        return not any(t.faults for t in self.tables)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for --json."""
        from dataclasses import asdict

        return {"good": self.good, **asdict(self)}


@dataclass(frozen=True)
class _Seen:
    """What one task saw of a table."""

    n_rows: int = 0
    refused: tuple[Refused, ...] = ()
    days: Mapping[date, int] = field(default_factory=dict)


def validate(inputs: Inputs, settings: Settings, bench: Workbench) -> Report:
    """Check every table; faults are gathered, not raised."""
    reports = tuple(_report(inputs.tables[name], settings, bench) for name in INPUTS if name in inputs.tables)
    lacking = [n for n in ("payments", "accounts") if n not in inputs.tables]
    words = "a run goes on without it, and rings rest on fewer kinds of evidence."
    notes = [f"There is no table {n}: {words}" for n in lacking]
    return Report(reports, tuple(notes))


def _report(table: InputTable, settings: Settings, bench: Workbench) -> TableReport:
    from pipeline.stages.intake.plans import chunks_of, reading_of

    try:
        reading = reading_of(table, settings)
        tasks = [(reading, chunk) for chunk in chunks_of(table, settings.input.chunk_rows)]
        seen = bench.map(_look, tasks, what=f"check {table.name}")
    except InputError as fault:
        return TableReport(table.name, len(table.files), faults=_texts(fault))
    refused = _together([r for one in seen for r in one.refused])
    n_rows, n_refused = sum(s.n_rows for s in seen), sum(r.n_rows for r in refused)
    faults = _too_many(table.name, n_rows, refused, settings.input.max_rejected_share)
    notes = []
    if reading.extras:
        shown = ", ".join(reading.extras[:12])
        notes.append(f"Columns that nobody named: {shown}. They go no further unless a link type is declared on them.")
    if table.name == "events":
        notes += _notes_on_time(seen)
    return TableReport(table.name, len(table.files), n_rows, n_refused, faults, refused, tuple(notes))


def _texts(fault: RingtraceError) -> tuple[str, ...]:
    return tuple(str(f) for f in (fault.faults if isinstance(fault, FaultList) else [fault]))


def _look(task: Any) -> _Seen:
    """One task: the rows of a chunk, the refused ones by reason, the days on which something happened."""
    import numpy as np
    import pyarrow as pa

    from pipeline.stages.intake.checks import checked

    reading, chunk = task
    n_rows = 0
    refused: list[Refused] = []
    days: Counter[date] = Counter()
    for batch in checked(reading, chunk):
        n_rows += batch.table.num_rows
        told = batch.rejected.to_pylist()
        new = [Refused(r["column"], r["reason"], 1, r["file"], r["row"], r["found"]) for r in told]
        refused = list(_together([*refused, *new]))
        if reading.table.name == "events":
            good = batch.table.column("timestamp").filter(pa.array(batch.codes == 0))
            stamps, counts = np.unique(good.cast(pa.date32()).cast(pa.int32()).to_numpy(), return_counts=True)
            for stamp, count in zip(stamps.tolist(), counts.tolist(), strict=True):
                days[date(1970, 1, 1) + timedelta(days=stamp)] += count
    return _Seen(n_rows, tuple(refused), dict(days))


def _together(refused: list[Refused]) -> tuple[Refused, ...]:
    """One for each reason, with the first place; the most frequent first."""
    by_kind: dict[tuple[str, str], list[Refused]] = {}
    for one in refused:
        by_kind.setdefault((one.column or "", one.reason), []).append(one)
    merged = []
    for same in by_kind.values():
        first = min(same, key=lambda r: (r.file, r.row))
        total = sum(r.n_rows for r in same)
        merged.append(Refused(first.column, first.reason, total, first.file, first.row, first.found))
    return tuple(sorted(merged, key=lambda r: (-r.n_rows, r.column or "", r.reason)))


def _too_many(name: str, n_rows: int, refused: tuple[Refused, ...], share: float) -> tuple[str, ...]:
    """The fault that would end a run: more refused rows than the settings bear."""
    from pipeline.stages.intake import bearable

    n_refused = sum(r.n_rows for r in refused)
    if bearable(n_rows, n_refused, share):
        return ()
    first = refused[0]
    fault = InputError(
        f"{n_refused} of {n_rows} rows of {name} are refused", place=Place(first.file, first.column or "", first.row),
        found=first.found or "a broken line", expected=f"at most {share:.0%} refused rows (input.max_rejected_share)",
        mend="Mend the table, map its columns in the settings, or raise input.max_rejected_share.",
    )  # fmt: skip
    return (str(fault),)


def _notes_on_time(seen: list[_Seen]) -> list[str]:
    """Which days the events cover, and whether a stray last event would move the window away from them."""
    days: Counter[date] = Counter()
    for one in seen:
        days.update(one.days)
    if not days:
        return ["There is no event: a run makes an empty result."]
    ordered = sorted(days)
    notes = [f"Events from {ordered[0]} to {ordered[-1]}, on {len(ordered)} days."]
    for before, after in pairwise(ordered):
        late = sum(n for day, n in days.items() if day >= after)
        if after - before > _GAP and late * 1000 < days.total():
            notes.append(
                f"{late} events lie long after all others ({after} after {before}). The window ends after the last "
                f"event, so give --until {before + timedelta(days=1)} where their clock is wrong."
            )
            break
    return notes
