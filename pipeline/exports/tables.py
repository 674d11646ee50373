"""The tables of a finished run as exports read them: by name, by ring, nothing more than asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from pipeline.errors import Place, StoreError
from pipeline.exports.figures.sheet import Frame
from pipeline.link_types import LinkType, link_types
from pipeline.schemas import OUTPUTS, arrow_schema

_DESCRIBED = {t.name: t for t in OUTPUTS}


class Tables(Protocol):
    """Whatever gives the tables of one run: as they are, or redacted for an audience."""

    manifest: dict[str, Any]
    level: str
    k: int

    def table(self, name: str, rings: list[str] | None = None) -> pd.DataFrame:
        """A table; with `rings` only the rows of these rings."""
        ...


@dataclass
class RunTables:
    """A finished (or unfinished) run's folder on a disk. Tables read whole are kept."""

    folder: Path
    manifest: dict[str, Any]
    level: str = "internal"
    k: int = 1
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def table(self, name: str, rings: list[str] | None = None) -> pd.DataFrame:
        """A table of the run in the order of its key; with `rings` only their rows, read without the rest."""
        if rings is None and name in self._kept:
            return self._kept[name]
        path = self.folder / f"{name}.parquet"
        if not path.exists():
            return empty(name)
        import pyarrow.parquet as pq

        filters = None if rings is None else [("ring_id", "in", sorted(rings) or [""])]
        try:
            frame: pd.DataFrame = pq.read_table(path, filters=filters).to_pandas()
        except OSError as fault:
            raise StoreError("a table of the run cannot be read", place=Place(str(path)), mend="Restore the run from a copy.") from fault
        frame = frame.sort_values(list(_DESCRIBED[name].key), kind="stable", na_position="first", ignore_index=True)
        if rings is None:
            self._kept[name] = frame
        return frame

    def distinct(self, name: str, column: str) -> int:
        """Number of distinct values of one column, read alone."""
        path = self.folder / f"{name}.parquet"
        if not path.exists():
            return 0
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        return int(pc.count_distinct(pq.read_table(path, columns=[column])[column]).as_py())


def empty(name: str) -> pd.DataFrame:
    """A table of the contract with no rows."""
    return arrow_schema(_DESCRIBED[name]).empty_table().to_pandas()


def types_of(manifest: dict[str, Any]) -> tuple[LinkType, ...]:
    """The link types that a run was made with, as its manifest tells."""
    declared = manifest.get("settings", {}).get("link_types") or []
    known = {f for f in LinkType.__dataclass_fields__}
    return link_types(tuple(LinkType(**{k: v for k, v in one.items() if k in known}) for one in declared))


def frame_of(tables: Tables) -> Frame:
    """What all figures of a run share."""
    manifest = tables.manifest
    seen = set(tables.table("evidence")["entity_type"]) if tables.level == "internal" else set()
    types = types_of(manifest)
    named = {t.name for t in types}
    further = tuple(LinkType(n, "events", n, n) for n in sorted(seen - named))
    return Frame(
        manifest["run_id"], pd.Timestamp(manifest["since"]).tz_convert("UTC"), pd.Timestamp(manifest["until"]).tz_convert("UTC"),
        level=tables.level, k=tables.k, types=(*types, *further),
    )  # fmt: skip


def threshold_of(manifest: dict[str, Any]) -> float:
    """Score from which a ring is flagged, as the run was made."""
    from pipeline.settings import ScoresSettings

    return float(manifest.get("settings", {}).get("scores", {}).get("threshold", ScoresSettings().threshold))
