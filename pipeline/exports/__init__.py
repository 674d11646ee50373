"""Finished run -> files for others: figures, briefings, exchange formats. Reads runs, changes nothing in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.settings import Settings

__all__ = ["make_all"]


def make_all(run_dir: Path, settings: Settings, manifest: dict[str, Any]) -> None:
    """Write figures/, briefing.html, briefing.pdf, stix.json and graph.gexf into an unfinished run, for inside use.

    The same run gives the same bytes. Without the `briefing` extra there is no PDF and no STIX; `figures/README.txt`
    says so.
    """
    from pipeline.exports.whole import write_all

    write_all(Path(run_dir), settings, manifest)
