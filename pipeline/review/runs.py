"""Finished runs as the pages read them: DuckDB over the run's own Parquet files; sums and counts only, no findings.

A run never changes, so what is read once at opening (rings, digests of members, kinds of ties) stays true.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, cast

import duckdb

from pipeline.decisions import MEMBERS_DIGEST_SQL
from pipeline.errors import UsageError, quoted
from pipeline.schemas import OUTPUTS
from pipeline.settings import ScoresSettings
from pipeline.storage import FinishedRun, list_runs

Row = dict[str, Any]
_LOOK_AGAIN = 5.0  # seconds between two looks for new runs
_OPEN = 4  # runs kept open


class PartMissingError(Exception):
    """The run has no such table; the page says so in place of the part."""

    def __init__(self, table: str, version: str) -> None:
        self.table, self.version = table, version
        super().__init__(f"This run has no table {table} (made by version {version}).")


@dataclass(frozen=True)
class RingNote:
    """What is known of each ring at opening, beside its row: digest of its members, ties, history."""

    digest: str
    ties: tuple[str, ...]
    change: str
    previous_ring_id: str | None
    previous_size: int | None


class RunReader:
    """One finished run. Methods are safe to call from many threads."""

    def __init__(self, run: FinishedRun, previous: FinishedRun | None) -> None:
        self.run, self.run_id, self.manifest = run, run.run_id, run.manifest
        self.since: datetime = run.since
        self.until: datetime = run.until
        self._base = duckdb.connect(config={"threads": "2", "memory_limit": "1GB"})
        self._base.execute("SET TimeZone = 'UTC'")
        self.tables = self._views(run, "")
        before = self._views(previous, "previous_") if previous else set()
        self._has_previous = "rings" in before
        scores = self.manifest.get("settings", {}).get("scores", {})
        self.threshold = float(scores.get("threshold", ScoresSettings().threshold))
        self.max_q = float(scores.get("max_q", ScoresSettings().max_q))

    def _views(self, run: FinishedRun, prefix: str) -> set[str]:
        held = set()
        for table in OUTPUTS:
            entry = run.place.below(f"{table.name}.parquet")
            if not entry.exists():
                continue
            path = entry.path if entry.local else _local_copy(entry.read_bytes(), table.name)
            name = str(path).replace("'", "''")
            self._base.execute(f"CREATE VIEW {prefix}{table.name} AS SELECT * FROM read_parquet('{name}')")
            held.add(table.name)
        return held

    def rows(self, sql: str, parameters: Sequence[Any] = (), *, needs: str = "") -> list[Row]:
        """Rows of a query as dictionaries. PartMissingError where the run lacks the table in `needs`."""
        if needs and needs not in self.tables:
            raise PartMissingError(needs, str(self.manifest.get("version", "unknown")))
        cursor = self._base.cursor()
        try:
            found = cursor.sql(sql, params=list(parameters))
            return cast("list[Row]", found.to_arrow_table().to_pylist())
        finally:
            cursor.close()

    def of_ring(self, table: str, ring_id: str, order: str, limit: int | None = None, offset: int = 0) -> list[Row]:
        """Rows of one ring in an order (SQL, never from outside)."""
        cut = f" LIMIT {int(limit)} OFFSET {int(offset)}" if limit is not None else ""
        return self.rows(f"SELECT * FROM {table} WHERE ring_id = ? ORDER BY {order}{cut}", [ring_id], needs=table)

    def count(self, table: str, where: str, parameters: Sequence[Any]) -> int:
        """How many rows of a table fit."""
        return int(self.rows(f"SELECT count(*) AS n FROM {table} WHERE {where}", parameters, needs=table)[0]["n"])

    def ring_ids_of(self, accounts: Sequence[str]) -> dict[str, str]:
        """The innermost ring of each of some accounts that is in one."""
        found = self.rows(
            "SELECT account_id, ring_id FROM members WHERE account_id IN (SELECT unnest(?))", [list(accounts)]
        )
        return {r["account_id"]: r["ring_id"] for r in found}

    def members_of(self, ring_id: str) -> list[str]:
        """All accounts of a ring, sorted."""
        return [
            r["account_id"] for r in self.rows("SELECT account_id FROM members WHERE ring_id = ? ORDER BY 1", [ring_id])
        ]

    @cached_property
    def rings(self) -> dict[str, Row]:
        """The rings of the run by id."""
        return {r["ring_id"]: r for r in self.rows("SELECT * FROM rings ORDER BY ring_id")}

    @cached_property
    def notes(self) -> dict[str, RingNote]:
        """What is known of each ring beside its row."""
        digests = {
            r["ring_id"]: r["digest"]
            for r in self.rows(f"SELECT ring_id, {MEMBERS_DIGEST_SQL} AS digest FROM members GROUP BY 1")
        }
        ties = {
            r["ring_id"]: tuple(r["types"])
            for r in self.rows(
                "SELECT ring_id, list_sort(list(DISTINCT entity_type)) AS types FROM evidence GROUP BY 1"
            )
        }
        history: dict[str, Row] = {}
        for row in self.rows("SELECT * FROM ring_history ORDER BY ring_id, jaccard DESC NULLS LAST, previous_ring_id"):
            history.setdefault(row["ring_id"], row)
        sizes = (
            {r["ring_id"]: r["size"] for r in self.rows('SELECT ring_id, "size" FROM previous_rings')}
            if self._has_previous
            else {}
        )
        notes = {}
        for ring_id in self.rings:
            past = history.get(ring_id, {})
            notes[ring_id] = RingNote(
                digests.get(ring_id, ""),
                ties.get(ring_id, ()),
                past.get("change", "born"),
                past.get("previous_ring_id"),
                sizes.get(past.get("previous_ring_id") or ring_id),
            )
        return notes


def _local_copy(content: bytes, name: str) -> Path:
    path = Path(mkdtemp(prefix="ringtrace-review-")) / f"{name}.parquet"
    path.write_bytes(content)
    return path


class Shelf:
    """The runs of an output. New ones are noticed; the latest is what pages show unless they are asked for another."""

    def __init__(self, output: str) -> None:
        self.output = output
        self._lock = threading.Lock()
        self._known: list[FinishedRun] = []
        self._looked = float("-inf")
        self._open: dict[str, RunReader] = {}

    def runs(self) -> list[FinishedRun]:
        """All whole runs, oldest first."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK_AGAIN:
                self._known, self._looked = list_runs(self.output), time.monotonic()
            return self._known

    def has(self, run_id: str | None) -> bool:
        """Whether the run is still kept."""
        return any(r.run_id == run_id for r in self.runs())

    def read(self, run_id: str | None = None) -> RunReader:
        """The named run, or the latest. UsageError where there is none."""
        runs = self.runs()
        chosen = [r for r in runs if run_id is None or r.run_id == run_id]
        if not chosen:
            raise UsageError("there is no such finished run", found=quoted(run_id), mend="`ringtrace run` makes one.")
        run = chosen[-1]
        with self._lock:
            held = self._open.pop(run.run_id, None)
            if held is None:
                named = run.manifest.get("previous_run")
                held = RunReader(run, next((r for r in runs if r.run_id == named), None))
            self._open[run.run_id] = held
            while len(self._open) > _OPEN:
                self._open.pop(next(iter(self._open)))
            return held
