"""Ten figures: pure functions from tables to a `Sheet` (marks and words), and from a sheet to a matplotlib Figure."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.figures.style import A4, COLUMN, DARK, LIGHT, SIZES, SLIDE, THEMES, Size, Theme
from pipeline.exports.trace import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMS = (
    "ring_picture",
    "ring_groups",
    "operator_map",
    "volume",
    "synchrony",
    "waterfall",
    "scores",
    "funnel",
    "replacement",
    "evasion",
    "timeline",
)


def draw(sheet: Sheet, size: Size = A4, theme: Theme = LIGHT, *, alone: bool = False) -> Figure:
    """The figure of a sheet. `alone` puts title and caption into the picture, for files that travel without a text.

    Raises LabelCollisionError where a label would lie over a mark or another label; ValueError where there is nothing
    to draw.
    """
    from pipeline.exports.figures.paper import Paper

    if not sheet.drawn:
        raise ValueError(f"{sheet.name} is a sentence, there is nothing to draw")
    module = importlib.import_module(f"pipeline.exports.figures.{sheet.form}")
    title, foot = (plain(sheet.title), sheet.caption()) if alone else ("", "")
    paper = Paper(size, module.height(sheet, size), theme, title=title, foot=foot)
    module.body(paper, sheet)
    return paper.finish()


__all__ = [
    "A4",
    "COLUMN",
    "DARK",
    "FORMS",
    "LIGHT",
    "SIZES",
    "SLIDE",
    "THEMES",
    "Frame",
    "Sheet",
    "Size",
    "Theme",
    "draw",
]
