"""A finished run keeps what the contract promises: generated runs here, runs of the whole line below."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.schemas import OUTPUTS
from tests.support.contract import PROMISED, faults
from tests.support.finished_run import write_run


def test_the_schemas_hold_every_promised_column() -> None:
    described = {t.name: set(t.names) for t in OUTPUTS}
    for name, promise in PROMISED.items():
        promised = {item.split(":")[0] for item in promise.split("|")[1].split()}
        assert promised <= described[name], name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated run; tests that break it work on a copy."""
    return write_run(tmp_path_factory.mktemp("whole"))


def test_a_generated_run_keeps_the_contract(whole: Path) -> None:
    assert faults(whole) == []


def test_the_checker_sees_what_is_broken(whole: Path, tmp_path: Path) -> None:
    import pandas as pd

    run = Path(shutil.copytree(whole, tmp_path / "run"))
    (run / "layout.parquet").unlink()
    rings = pd.read_parquet(run / "rings.parquet")
    rings["score"] = 2.0
    rings.to_parquet(run / "rings.parquet", index=False)
    manifest = json.loads((run / "manifest.json").read_text())
    del manifest["model"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    found = faults(run)
    assert "layout: missing" in found and "manifest.json: lacks model" in found


@pytest.mark.parametrize("column", ["score", "flagged", "reason", "operator_id"])
def test_the_checker_misses_no_column(column: str, whole: Path, tmp_path: Path) -> None:
    import pandas as pd

    run = Path(shutil.copytree(whole, tmp_path / "run"))
    pd.read_parquet(run / "rings.parquet").drop(columns=column).to_parquet(run / "rings.parquet", index=False)
    assert f"rings: the column {column} is missing" in faults(run)
