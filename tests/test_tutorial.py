"""The tutorial does what it says: its commands are run, in order, as a newcomer would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.tutorial import PAGE, WALK, page, pieces


def test_the_page_shows_what_is_run() -> None:
    assert page() == PAGE.read_text(), "run `make docs`"
    assert re.findall(r"<!-- cut: (\w+) -->", PAGE.read_text()) == list(pieces())


def test_the_commands_work_one_after_the_other(tmp_path: Path) -> None:
    """A smaller world than in the page, and rings are shown however weak, so that there are some to look at."""
    text = WALK.read_text().replace("--scale 0.5", "--scale 0.1")
    floor = "cat > all.toml <<'END'\n[scores]\nreport_floor = 0.0\n[exports]\nmake = false\nEND\n"
    text = floor + text.replace("ringtrace run world --output", "ringtrace run world --settings all.toml --output")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "A run would accept this input." in done.stdout
    assert "Why this score" in done.stdout and "belongs to R-" in done.stdout
    assert len(list((tmp_path / "output").glob("20*"))) == 2
    assert (tmp_path / "briefing/briefing.html").is_file() and (tmp_path / "rings.csv").is_file()
