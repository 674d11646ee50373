"""The pieces of tests/tutorial.sh, and the tutorial with its blocks of commands cut from them anew.

In the page a block stands after a line `<!-- cut: NAME -->`; whatever the block held is replaced.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WALK = ROOT / "tests/tutorial.sh"
PAGE = ROOT / "docs/tutorial.md"


def pieces() -> dict[str, str]:
    """The pieces of the walk by name, in order."""
    parts = re.split(r"^# \[(\w+)\]\n", WALK.read_text(), flags=re.M)
    return {name: text.strip() + "\n" for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def page() -> str:
    """The tutorial as it should be; KeyError where it names a piece that the walk does not have."""
    known = pieces()

    def cut(found: re.Match[str]) -> str:
        return f"<!-- cut: {found.group(1)} -->\n\n```sh\n{known[found.group(1)]}```\n\n"

    return re.sub(r"<!-- cut: (\w+) -->\n+(?:```sh\n.*?```\n+)?", cut, PAGE.read_text(), flags=re.S)
