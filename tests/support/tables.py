"""Writes input tables as tests need them: any format, any number of files, rows in any order."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.settings import Settings
from pipeline.stages import intake
from pipeline.stages.intake import Intake
from pipeline.storage.find import find_inputs
from pipeline.storage.tasks import DaskBench

Row = Mapping[str, Any]
FORMATS = ("parquet", "csv", "csv.gz", "jsonl", "jsonl.gz")


def write_table(folder: Path, name: str, rows: Sequence[Row], form: str = "parquet", files: int = 1) -> None:
    """Write rows (dicts of plain values) as a table of one file, or as a folder of several."""
    columns = list(dict.fromkeys(c for r in rows for c in r))
    folder.mkdir(parents=True, exist_ok=True)
    if files == 1:
        _write(folder / f"{name}.{form}", rows, columns, form)
        return
    (folder / name).mkdir()
    for i in range(files):
        _write(folder / name / f"part-{i:03d}.{form}", rows[i::files], columns, form)


def _write(path: Path, rows: Sequence[Row], columns: list[str], form: str) -> None:
    if form == "parquet":
        table = pa.table({c: _array([r.get(c) for r in rows]) for c in columns})
        pq.write_table(table, path, row_group_size=7)
        return
    with gzip.open(path, "wt", newline="") if form.endswith(".gz") else path.open("w", newline="") as file:
        if form.startswith("csv"):
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([["" if r.get(c) is None else r[c] for c in columns] for r in rows])
        else:
            file.writelines(json.dumps({k: v for k, v in r.items() if v is not None}) + "\n" for r in rows)


def _array(values: list[Any]) -> pa.Array:
    return pa.array(values, pa.string()) if all(v is None for v in values) else pa.array(values)


def bench(folder: Path, scheduler: str = "sync", workers: int = 1, memory: int = 1 << 29) -> DaskBench:
    """A workbench with a scratch folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    return DaskBench(str(folder), workers, memory, scheduler)


def bring_in(folder: Path, scratch: Path, settings: Settings | None = None, **more: Any) -> Intake:
    """Intake of an input folder with the defaults."""
    settings = settings or Settings()
    return intake.make(
        find_inputs(folder), settings=settings, period=more.pop("period", None), bench=bench(scratch, **more)
    )


def clean_rows(made: Intake) -> list[dict[str, Any]]:
    """Rows of clean_events without where they stood, in an order of their own."""
    tables = [pq.read_table(p) for p in made.clean_events]
    table = pa.concat_tables(tables).drop_columns(["source", "row"])
    return sorted(table.to_pylist(), key=repr)
