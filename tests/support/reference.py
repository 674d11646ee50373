"""The pages of docs/reference, and the drawing of the line, made from what the program itself knows.

    python -m tests.support.reference            # writes the pages
    python -m tests.support.reference --check    # names the pages that are stale, and fails if there are any

Nothing in these pages is written by hand: schemas, settings, commands, measures, link types and the plan are the only
sources, so a page cannot say what the program does not do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests.support import (
    reference_commands,
    reference_line,
    reference_scale,
    reference_settings,
    reference_tables,
    tutorial,
)

ROOT = Path(__file__).resolve().parents[2]
NOTE = "<!-- made by `make docs`; do not edit -->\n\n"

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/index.md": reference_line.index,
    "docs/reference/input.md": reference_tables.inputs,
    "docs/reference/output.md": reference_tables.outputs,
    "docs/reference/working.md": reference_tables.working,
    "docs/reference/settings.md": reference_settings.settings,
    "docs/reference/link-types.md": reference_settings.link_types,
    "docs/reference/environment.md": reference_settings.environment,
    "docs/reference/commands.md": reference_commands.commands,
    "docs/reference/measures.md": reference_line.measures,
    "docs/reference/stages.md": reference_line.stages,
    "docs/reference/rooms.md": reference_line.rooms,
    "docs/reference/python.md": reference_line.python,
    "docs/decisions/index.md": reference_line.decisions,
    "docs/benchmarks/scale.md": reference_scale.page,
    "docs/benchmarks/index.md": reference_line.benchmarks,
}


def made() -> dict[str, str]:
    """Every generated page by its path within the checkout."""
    return {path: NOTE + make().rstrip() + "\n" for path, make in PAGES.items()} | {
        "docs/images/line.svg": reference_line.drawing(),
        "docs/tutorial.md": tutorial.page(),
    }


def stale() -> list[str]:
    """The generated files that are missing or no longer what they should be."""
    return [p for p, text in made().items() if not (ROOT / p).is_file() or (ROOT / p).read_text() != text]


def main() -> int:
    """Write the pages, or only say which are stale."""
    if "--check" in sys.argv[1:]:
        wrong = stale()
        print("\n".join(f"{path} is stale: make docs" for path in wrong) or "The reference is fresh.")
        return 1 if wrong else 0
    for path, text in made().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
