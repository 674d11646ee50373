"""Two lines in a notebook: a run, its rings, a picture, the evidence in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

import pipeline
from pipeline.errors import UsageError
from tests.support.finished_run import write_run


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of finished runs."""
    folder = tmp_path_factory.mktemp("api") / "output"
    write_run(folder, rings=6)
    return folder


def test_two_lines(output: Path, tmp_path: Path) -> None:
    run = pipeline.load_run(output)
    drawing = run["R-0005"].plot()
    assert isinstance(drawing.figure, Figure)
    assert drawing._repr_svg_().startswith("<?xml")
    assert len(drawing.numbers) > 10 and "R-0005" in drawing.alt
    for form in ("svg", "png", "pdf"):
        drawing.save(tmp_path / f"x.{form}")
        assert (tmp_path / f"x.{form}").stat().st_size > 1000
    with pytest.raises(UsageError, match="SVG, PNG or PDF"):
        drawing.save(tmp_path / "x.gif")


def test_tables_and_rings(output: Path) -> None:
    run = pipeline.load_run(output)
    assert all(
        isinstance(t, pd.DataFrame) and len(t) for t in (run.rings, run.members, run.evidence, run.table("daily"))
    )
    assert len(run) == 6 and next(iter(run)).ring_id == "R-0003"
    ring = run["R-0001"]
    assert len(ring.members) == int(ring.row["size"]) == 453
    assert set(ring.evidence["ring_id"]) == {"R-0001"}
    assert "R-0001" in repr(ring) and run.run_id in repr(run)
    with pytest.raises(KeyError):
        run["R-nothing"]


def test_every_picture_of_a_ring(output: Path) -> None:
    ring = pipeline.load_run(output)["R-0001"]
    for picture in ("ring", "volume", "synchrony", "waterfall"):
        assert ring.plot(picture, theme="dark").figure.texts
    with pytest.raises(UsageError, match="no such figure"):
        ring.plot("pie")


def test_explained_in_words(output: Path) -> None:
    text = pipeline.load_run(output)["R-0001"].explain()
    assert "453" in text and "very likely (0.93)" in text


def test_import_is_light() -> None:
    code = "import sys, pipeline; print([m for m in ('pandas', 'matplotlib', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
