"""Finished runs for the tests of exports, written once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.exports import make_all
from pipeline.exports.tables import RunTables
from pipeline.settings import ExportsSettings, Settings
from tests.support.finished_run import write_run

SMALL_CELL = 12
FEW = Settings(exports=ExportsSettings(max_rings_drawn=2))


def tables_of(run: Path) -> RunTables:
    """The tables of a run in a folder."""
    return RunTables.at(run, json.loads((run / "manifest.json").read_text()))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of eight rings, without its exports; tests only read it. Its smallest cell for others is 12 accounts."""
    folder = write_run(tmp_path_factory.mktemp("exports") / "output", rings=8)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["settings"]["exports"] = {"small_cell": SMALL_CELL}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return folder


@pytest.fixture(scope="session")
def tables(run: Path) -> RunTables:
    """The tables of the run."""
    return tables_of(run)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile run with everything that `make_all` writes."""
    folder = write_run(tmp_path_factory.mktemp("made") / "output", rings=6, hostile=True)
    make_all(folder, FEW, json.loads((folder / "manifest.json").read_text()))
    return folder
