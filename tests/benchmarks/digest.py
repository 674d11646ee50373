"""What a page of figures was made with: its front matter, and whether that is still what ships.

A page under docs/benchmarks begins with

    ---
    made: 2026-11-21
    commit: 0123abc
    depends: settings model
    digest: 0123456789abcdef
    ---

`depends` names what the figures follow from: `settings` (every value that can change a result), single sections of
them such as `templates` or `link_types`, and `model` (the scoring model). A page without a digest claims nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.scoring_model import shipped_model
from pipeline.settings import SECTIONS, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "benchmarks"

_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_LENGTH = 16  # hex digits shown


def digest_of(depends: Iterable[str], settings: Settings | None = None) -> str:
    """Digest of what ships of the named things; ValueError for a name that is neither of these."""
    settings = settings or Settings()
    values = settings.telling()
    found: dict[str, object] = {}
    for name in sorted(set(depends)):
        if name == "settings":
            found[name] = settings.digest()
        elif name == "model":
            found[name] = hashlib.sha256(shipped_model().read_bytes()).hexdigest()
        elif name in (*SECTIONS, "link_types"):
            found[name] = values[name]
        else:
            raise ValueError(f"{name}: expected settings, model, link_types or a section of the settings")
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:_LENGTH]


def front_matter(*depends: str) -> str:
    """The first lines of a page written now."""
    return (
        f"---\nmade: {datetime.now(UTC).date().isoformat()}\ncommit: {commit()}\n"
        f"depends: {' '.join(depends)}\ndigest: {digest_of(depends)}\n---\n"
    )


def commit() -> str:
    """The commit that is checked out, short; `unknown` outside a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return done.stdout.strip() or "unknown"


def read_front_matter(text: str) -> dict[str, str]:
    """Keys and values of the front matter; empty where a page has none."""
    found = _FRONT.match(text)
    lines = found.group(1).splitlines() if found else []
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def stale_pages(folder: Path = PAGES) -> list[str]:
    """Pages whose digest is no longer that of what ships, each with what it depends on."""
    stale = []
    for page in sorted(folder.rglob("*.md")):
        front = read_front_matter(page.read_text())
        if "digest" in front and front["digest"] != digest_of(front.get("depends", "").split()):
            stale.append(f"{page.relative_to(folder)} (depends on {front.get('depends', 'nothing')})")
    return stale
