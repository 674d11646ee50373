"""Ten figures: pure functions from tables to a `Sheet` (marks and words), and from a sheet to a matplotlib Figure."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.figures.style import A4, COLUMN, DARK, LIGHT, SIZES, SLIDE, THEMES, Size, Theme
from pipeline.exports.trace import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST_ON_SLIDES = 12.0  # points
FORMS = (
    "ring_picture",
    "ring_groups",
    "operator_map",
    "volume",
    "synchrony",
    "synchrony_few",
    "waterfall",
    "scores",
    "funnel",
    "replacement",
    "evasion",
    "timeline",
)


def draw(sheet: Sheet, size: Size = A4, theme: Theme = LIGHT, *, alone: bool = False) -> Figure:
    """The figure of a sheet. `alone` puts title and caption into the picture, for files that travel without a text.

    A slide is read from afar: of the caption it carries the foot alone.

    Raises LabelCollisionError where a label would lie over a mark or another label; ValueError where there is nothing
    to draw.
    """
    from pipeline.exports.figures.paper import Paper, around

    if not sheet.drawn:
        raise ValueError(f"{sheet.name} is a sentence, there is nothing to draw")
    module = importlib.import_module(f"pipeline.exports.figures.{sheet.form}")
    slide = size.scale > 1
    title, foot = (plain(sheet.title), sheet.foot() if slide else sheet.caption()) if alone else ("", "")
    tall, room = module.height(sheet, size), min(size.tallest, size.page - around(size, title, foot))
    if slide and tall > room:
        size = smaller(size, tall, room)
    paper = Paper(size, tall, theme, title=title, foot=foot)
    module.body(paper, sheet)
    return paper.finish()


def smaller(size: Size, tall: float, room: float) -> Size:
    """A slide's size with more room inside: type shrinks down to 12 points, then LabelCollisionError.

    `tall` is what the figure asks for, `room` what there is, both in millimetres before the size's own scale.
    """
    from pipeline.exports.figures.paper import LabelCollisionError

    scale = size.scale * room / tall
    if size.note * scale < SMALLEST_ON_SLIDES:
        raise LabelCollisionError("the figure has too many rows for a slide", mend="Use the figure in its page size.")
    return replace(size, scale=scale, width=size.width * size.scale / scale, tallest=tall)


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
