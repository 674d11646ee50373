"""What we are made of: every package locked by digest, known by licence, listed in one bill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.supply import LOCK, bill, core, fits, licence_of, locked, main, megabytes, unfit


def test_every_package_is_locked_by_digest() -> None:
    packages = locked(LOCK.read_text())
    assert len(packages) > 100
    assert [p.name for p in packages if not p.hashes] == []
    pins = [line for line in LOCK.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
    assert len(pins) == len(packages)


def test_licences_go_with_ours() -> None:
    assert list(unfit()) == []


@pytest.mark.parametrize(
    ("expression", "fit"),
    [("MIT", True), ("Apache-2.0 AND MIT", True), ("BUSL-1.1", False), ("BUSL-1.1 OR MIT", True), ("", False),
     ("MIT AND Proprietary", False), ("Apache-2.0 WITH LLVM-exception", True), ("GPL-2.0-only", False)],
)  # fmt: skip
def test_what_goes_with_ours(expression: str, fit: bool) -> None:
    assert fits(expression) is fit


def test_the_bill_is_cyclonedx(tmp_path: Path) -> None:
    assert main(["bill", str(tmp_path / "bill.json")]) == 0
    said = json.loads((tmp_path / "bill.json").read_text())
    assert said == bill() and (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.6")
    names = {c["name"] for c in said["components"]}
    assert {"duckdb", "igraph", "pyarrow", "numpy"} <= names
    refs = [c["bom-ref"] for c in said["components"]]
    assert len(refs) == len(set(refs))
    for component in said["components"]:
        assert component["purl"].startswith("pkg:pypi/") and component["version"]
        assert all(len(p["value"]) == 64 for p in component["properties"] if p["name"] == "ringtrace:sha256")
    assert licence_of("numpy") is not None



def test_the_core_is_small() -> None:
    """Without extras at most 650 MB, none of it compiled kernels or clients of object stores."""
    names = core()
    assert {"duckdb", "igraph", "pandas", "pyarrow"} <= set(names)
    assert not {"numba", "llvmlite", "s3fs", "botocore", "fastapi", "typst", "sqlalchemy"} & set(names)
    sizes = {n: round(megabytes(n)) for n in names}
    assert sum(sizes.values()) <= 650, sizes


def test_the_core_imports_without_the_extras() -> None:
    """The line and its commands work where numba, object stores, the workspace and briefings are not installed."""
    extras = (
        "numba", "s3fs", "fastapi", "sqlalchemy", "alembic", "authlib", "uvicorn", "typst", "stix2", "jinja2", "psycopg"
    )  # fmt: skip
    program = (
        "import sys\n"
        f"for name in {extras!r}: sys.modules[name] = None\n"
        "import pipeline, graphs, pipeline.run\n"
        "from pipeline.plan import STAGES\n"
        "from pipeline.run.walk import find_make\n"
        "for stage in STAGES: find_make(stage.name)\n"
        "from pipeline.cli import main\n"
        "assert main(['--version']) == 0\n"
        "for name in ('run', 'validate', 'evaluate', 'explain', 'export', 'simulate', 'forget', 'review', 'brief'):\n"
        "    assert main([name, '--help']) == 0, name\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
