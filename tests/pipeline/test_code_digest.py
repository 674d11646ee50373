"""The digest of a stage's code follows every file of the house behind it, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.plan import STAGES
from pipeline.run import code


def names(stage: str) -> set[str]:
    root = Path(code.__file__).resolve().parents[2]
    return {p.relative_to(root).as_posix() for p in code.files_behind(f"pipeline.stages.{stage}")}


@pytest.mark.parametrize("stage", [s.name for s in STAGES])
def test_the_files_behind_a_stage_are_its_own_and_what_it_imports(stage: str) -> None:
    found = names(stage)
    assert f"pipeline/stages/{stage}.py" in found or f"pipeline/stages/{stage}/__init__.py" in found
    assert not any(n.startswith(("pipeline/review", "pipeline/exports", "pipeline/run", "tests")) for n in found)
    others = {s.name for s in STAGES} - {stage}
    assert not any(n.split("/")[2].removesuffix(".py") in others for n in found if n.startswith("pipeline/stages/"))


def test_a_change_of_any_file_behind_it_changes_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "pipeline/__init__.py": "", "pipeline/stages/__init__.py": "", "pipeline/low.py": "X = 1\n",
        "pipeline/stages/one.py": "from pipeline import low\n", "pipeline/stages/two.py": "import os\n",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "_ROOT", tmp_path)

    def digests() -> tuple[str, str]:
        code.stage_digest.cache_clear()
        code._imports.cache_clear()
        return code.stage_digest("one"), code.stage_digest("two")

    before = digests()
    assert digests() == before
    (tmp_path / "pipeline/low.py").write_text("X = 2\n")
    after = digests()
    assert after[0] != before[0] and after[1] == before[1]
    monkeypatch.undo()
    code.stage_digest.cache_clear()
    code._imports.cache_clear()
