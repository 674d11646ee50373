"""The tables of a finished run as exports read them: by name, by ring, nothing more than asked for."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from pipeline.errors import Place, StoreError
from pipeline.exports.figures.sheet import Frame
from pipeline.link_types import LinkType, link_types
from pipeline.schemas import OUTPUTS, arrow_schema

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.storage import FinishedRun, Folder

DESCRIBED = {t.name: t for t in OUTPUTS}
INTERNAL = "internal"


class Tables(Protocol):
    """Whatever gives the tables of one run: as they are, or redacted for an audience."""

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run says of itself."""
        ...

    @property
    def level(self) -> str:
        """Audience that the tables are fit for."""
        ...

    @property
    def k(self) -> int:
        """Smallest count of accounts that is shown."""
        ...

    def table(self, name: str, rings: list[str] | None = None) -> pd.DataFrame:
        """A table; with `rings` only the rows of these rings."""
        ...


@dataclass
class RunTables:
    """The tables of a run as they are. Tables read whole are kept for the next reader."""

    place: Folder
    manifest: dict[str, Any]
    level: str = INTERNAL
    k: int = 1
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def at(cls, folder: Path | str, manifest: dict[str, Any]) -> RunTables:
        """The run in a folder, finished or not."""
        from pipeline.storage import folder as opened

        return cls(opened(str(folder)), manifest)

    @classmethod
    def of(cls, run: FinishedRun) -> RunTables:
        """A finished run, wherever it lies."""
        return cls(run.place, run.manifest)

    def _source(self, name: str) -> Any:
        entry = self.place.below(f"{name}.parquet")
        if not entry.exists():
            return None
        return str(entry.path) if entry.local else io.BytesIO(entry.read_bytes())

    def table(self, name: str, rings: list[str] | None = None) -> pd.DataFrame:
        """A table of the run in the order of its key; with `rings` only their rows, read without the rest."""
        if rings is None and name in self._kept:
            return self._kept[name]
        source = self._source(name)
        if source is None:
            return empty(name)
        import pyarrow.parquet as pq

        filters = None if rings is None else [("ring_id", "in", sorted(rings) or [""])]
        try:
            frame: pd.DataFrame = pq.read_table(source, filters=filters).to_pandas()
        except OSError as fault:
            raise StoreError(
                "a table of the run cannot be read",
                place=Place(f"{name}.parquet"),
                mend="Restore the run from a copy, or run again.",
            ) from fault
        frame = frame.sort_values(list(DESCRIBED[name].key), kind="stable", na_position="first", ignore_index=True)
        if rings is None:
            self._kept[name] = frame
        return frame

    def distinct(self, name: str, column: str) -> int:
        """Number of distinct values of one column, read alone."""
        source = self._source(name)
        if source is None:
            return 0
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        return int(pc.count_distinct(pq.read_table(source, columns=[column])[column]).as_py())


def by_ring(tables: Tables, name: str, rings: list[str]) -> dict[str, pd.DataFrame]:
    """The rows of each ring, read in one go; a ring without rows has an empty table."""
    found = tables.table(name, rings)
    made = {str(ring_id): rows for ring_id, rows in found.groupby("ring_id")}
    nothing = found.iloc[:0]
    return {ring_id: made.get(ring_id, nothing) for ring_id in rings}


def empty(name: str) -> pd.DataFrame:
    """A table of the contract with no rows."""
    frame: pd.DataFrame = arrow_schema(DESCRIBED[name]).empty_table().to_pandas()
    return frame


def types_of(manifest: dict[str, Any]) -> tuple[LinkType, ...]:
    """The link types that a run was made with, as its manifest tells."""
    declared = manifest.get("settings", {}).get("link_types") or []
    known = set(LinkType.__dataclass_fields__)
    return link_types(tuple(LinkType(**{k: v for k, v in one.items() if k in known}) for one in declared))


def frame_of(tables: Tables) -> Frame:
    """What all figures of a run share. Link types that only the evidence knows come last."""
    manifest = tables.manifest
    types = types_of(manifest)
    named = {t.name for t in types}
    further = sorted(set(tables.table("evidence")["entity_type"]) - named)
    return Frame(
        str(manifest["run_id"]),
        _utc(manifest["since"]),
        _utc(manifest["until"]),
        level=tables.level,
        k=tables.k,
        types=(*types, *(LinkType(n, "events", n, n) for n in further)),
    )


def _utc(text: str) -> pd.Timestamp:
    at = pd.Timestamp(text)
    return at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")


def threshold_of(manifest: dict[str, Any]) -> float:
    """Score from which a ring is flagged, as the run was made."""
    from pipeline.settings import ScoresSettings

    return float(manifest.get("settings", {}).get("scores", {}).get("threshold", ScoresSettings().threshold))
