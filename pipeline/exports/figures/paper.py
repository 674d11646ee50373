"""A sheet of paper measured in millimetres, on which figures are drawn by hand; overlapping labels are an error.

The origin is the upper left corner, y grows downwards. Every text and every mark leaves its measured box; `finish`
compares them and raises `LabelCollisionError` where a label overlaps a mark or another label, or leaves the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import RingtraceError
from pipeline.exports.figures.style import DPI, EVEN, FONT, SMALLEST, Size, Theme, colour, font_folder, marker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Across = Literal["left", "center", "right"]
Down = Literal["top", "center", "baseline", "bottom"]
POINT = 25.4 / 72  # millimetres
_SALT = "ringtrace"
FORMATS = ("svg", "png", "pdf")


class LabelCollisionError(RingtraceError):
    """A label of a figure lies over a mark or another label, or leaves the page."""


@dataclass(frozen=True)
class Box:
    """A measured box on the page, in millimetres."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: Box, slack: float) -> bool:
        """Whether the boxes overlap by more than `slack` in both directions."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > slack
            and min(self.bottom, other.bottom) - max(self.top, other.top) > slack
        )


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(font_folder() / "DejaVuSans.ttf")).get_charmap())


def shown(text: str) -> str:
    """Text with characters that the house font lacks, or that act on others, as `U+XXXX` marks."""
    from pipeline.exports.trace import safe

    made = "".join(c if ord(c) in _glyphs() else f"U+{ord(c):04X} " for c in text)
    return safe(made, longest=10_000)


@lru_cache(maxsize=20_000)
def text_width(text: str, points: float, bold: bool = False) -> float:
    """Width of a text in millimetres, from the outlines of its letters."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONT, size=points, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) * POINT


def wrap(text: str, width: float, points: float, bold: bool = False) -> list[str]:
    """Lines of a text that fit a width in millimetres."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", points, bold) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def around(size: Size, title: str, foot: str) -> float:
    """Millimetres that a title above and a foot below a figure take, before the size's own scale."""
    above, below = _lines(size, title, foot)
    return _head(size, above) + _tail(size, below)


def _lines(size: Size, title: str, foot: str) -> tuple[list[str], list[str]]:
    return wrap(shown(title), size.width - 2, size.title, True), wrap(shown(foot), size.width - 2, size.note)


def _head(size: Size, lines: list[str]) -> float:
    return len(lines) * _leading(size.title) + (3.0 if lines else 0.0)


def _tail(size: Size, lines: list[str]) -> float:
    return len(lines) * _leading(size.note) + (2.5 if lines else 0.0)


def _leading(points: float) -> float:
    return points * POINT * 1.35


class Paper:
    """One figure being drawn. Sizes are millimetres and points before the size's own scale."""

    def __init__(self, size: Size, height: float, theme: Theme, *, title: str = "", foot: str = "") -> None:
        from matplotlib.figure import Figure

        self.size, self.theme = size, theme
        above, below = _lines(size, title, foot)
        self.width, self.body = size.width, height
        self._head = _head(size, above)
        self.height = self._head + height + _tail(size, below)
        self.figure: Figure = Figure(figsize=(self.width * size.scale / 25.4, self.height * size.scale / 25.4), dpi=DPI)
        self.figure.set_facecolor(theme.ground)
        self._labels: list[Box] = []
        self._marks: list[Box] = []
        for at, line in enumerate(above):
            self._write(1.0, 1.0 + at * _leading(size.title), line, size.title, theme.ink, "left", "top", bold=True)
        for at, line in enumerate(below):
            top = self._head + height + 2.0 + at * _leading(size.note)
            self._write(1.0, top, line, size.note, theme.second, "left", "top")

    # -- places ---------------------------------------------------------------------------------------------------
    def _at(self, x: float, y: float) -> tuple[float, float]:
        return x / self.width, 1 - y / self.height

    def _box(self, left: float, top: float, right: float, bottom: float, what: str) -> Box:
        return Box(min(left, right), min(top, bottom), max(left, right), max(top, bottom), what)

    # -- text -----------------------------------------------------------------------------------------------------
    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        role: Literal["label", "note", "title"] = "label",
        across: Across = "left",
        down: Down = "center",
        colour: str = "",
        bold: bool = False,
        outline: bool = False,
        hold: bool = True,
    ) -> float:
        """Write one line; returns its width. `hold` keeps its box for the check, `outline` sets it off from lines."""
        points = {"label": self.size.label, "note": self.size.note, "title": self.size.title}[role]
        return self._write(
            x,
            y + self._head,
            shown(text),
            points,
            colour or self.theme.ink,
            across,
            down,
            bold=bold,
            outline=outline,
            hold=hold,
        )

    def _write(
        self,
        x: float,
        y: float,
        text: str,
        points: float,
        paint: str,
        across: Across,
        down: Down,
        *,
        bold: bool = False,
        outline: bool = False,
        hold: bool = True,
    ) -> float:
        if points * self.size.scale < SMALLEST:
            raise LabelCollisionError(f"type of {points} points is too small to read.")
        if not text.strip():
            return 0.0
        place = self._at(x, y)
        artist = self.figure.text(
            *place,
            text,
            fontsize=points * self.size.scale,
            color=paint,
            ha=across,
            va="center_baseline" if down == "center" else down,
            fontfamily=FONT,
            weight="bold" if bold else "normal",
            parse_math=False,
            zorder=5,
        )
        if outline:
            from matplotlib.patheffects import withStroke

            artist.set_path_effects([withStroke(linewidth=2 * self.size.scale, foreground=self.theme.ground)])
        width = text_width(text, points, bold)
        tall = points * POINT
        left = {"left": x, "center": x - width / 2, "right": x - width}[across]
        # cap height 0.73, descent 0.2 of the type size: the box of what can be seen
        top = {"top": y, "center": y - 0.42 * tall, "baseline": y - 0.75 * tall, "bottom": y - 0.95 * tall}[down]
        if hold:
            self._labels.append(self._box(left, top, left + width, top + 0.88 * tall, text))
        return width

    def fits(self, text: str, width: float, role: Literal["label", "note"] = "label") -> str:
        """The text, cut with an ellipsis where it is wider than `width`."""
        points = self.size.label if role == "label" else self.size.note
        text = shown(text)
        while text and text_width(text, points) > width:
            text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
        return text

    def wide(self, text: str, role: Literal["label", "note", "title"] = "label") -> float:
        """Width of a text in millimetres."""
        points = {"label": self.size.label, "note": self.size.note, "title": self.size.title}[role]
        return text_width(shown(text), points)

    # -- marks ----------------------------------------------------------------------------------------------------
    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        paint: str | None,
        *,
        edge: str | None = None,
        line: float = 0.6,
        hatch: str = "",
        hold: bool = True,
        above: int = 2,
    ) -> None:
        """A filled or outlined rectangle."""
        from matplotlib.patches import Rectangle

        left, bottom = self._at(x, y + self._head + height)
        patch = Rectangle(
            (left, bottom),
            width / self.width,
            height / self.height,
            facecolor=paint or "none",
            edgecolor=edge or "none",
            linewidth=line * self.size.scale if edge else 0,
            hatch=hatch or None,
            transform=self.figure.transFigure,
            zorder=above,
        )
        patch.set_hatch_linewidth(0.5 * self.size.scale)
        self.figure.add_artist(patch)
        if hold and width > 0 and height > 0:
            self._marks.append(self._box(x, y + self._head, x + width, y + self._head + height, "a bar"))

    def cells(self, boxes: Sequence[tuple[float, float, float, float]], paint: str, *, above: int = 2) -> None:
        """Many filled rectangles (x, y, width, height) of one colour as one path, left out of the check."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        if not boxes:
            return
        corners, codes = [], []
        for x, y, width, height in boxes:
            around = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
            corners += [self._at(px, py + self._head) for px, py in around]
            codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        patch = PathPatch(
            Path(corners, codes), facecolor=paint, edgecolor="none", transform=self.figure.transFigure, zorder=above
        )
        self.figure.add_artist(patch)

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        paint: str,
        width: float = 0.8,
        *,
        dash: bool = False,
        strength: float = 1.0,
        hold: bool = False,
        above: int = 1,
    ) -> None:
        """A line through points; `hold` keeps the box of each piece for the check."""
        from matplotlib.lines import Line2D

        places = [self._at(x, y + self._head) for x, y in zip(xs, ys, strict=True)]
        style: Any = (0, (3.0, 2.0)) if dash else "solid"
        self.figure.add_artist(
            Line2D(
                [p[0] for p in places],
                [p[1] for p in places],
                color=paint,
                linewidth=width * self.size.scale,
                linestyle=style,
                alpha=strength if strength < 1 else None,
                solid_capstyle="butt",
                solid_joinstyle="round",
                transform=self.figure.transFigure,
                zorder=above,
            )
        )
        if hold:
            for (x0, x1), (y0, y1) in zip(pairwise(xs), pairwise(ys), strict=True):
                self._marks.append(self._box(x0, y0 + self._head, x1, y1 + self._head, "a line"))

    def area(self, xs: Sequence[float], upper: Sequence[float], lower: Sequence[float], paint: str) -> None:
        """A filled band between two lines."""
        from matplotlib.patches import Polygon

        around = [*zip(xs, upper, strict=True), *reversed(list(zip(xs, lower, strict=True)))]
        places = [self._at(x, y + self._head) for x, y in around]
        self.figure.add_artist(
            Polygon(places, closed=True, facecolor=paint, edgecolor="none", transform=self.figure.transFigure, zorder=1)
        )

    def mark(self, x: float, y: float, slot: int, diameter: float, *, hollow: bool = False, hold: bool = True) -> None:
        """The mark of a slot: shape and colour say the kind, `diameter` in millimetres the weight."""
        from matplotlib.lines import Line2D

        even = EVEN[slot] if 0 <= slot < len(EVEN) else EVEN[1]
        points = diameter * even**0.5 / POINT * self.size.scale
        paint = colour(self.theme, slot)
        px, py = self._at(x, y + self._head)
        self.figure.add_artist(
            Line2D(
                [px],
                [py],
                marker=marker(slot),
                markersize=points,
                linestyle="none",
                markerfacecolor=self.theme.ground if hollow else paint,
                markeredgecolor=paint if hollow else self.theme.ground,
                markeredgewidth=(0.9 if hollow else 0.3) * self.size.scale,
                transform=self.figure.transFigure,
                zorder=3,
            )
        )
        if slot >= len(self.theme.slots):
            letter = chr(ord("a") + slot - len(self.theme.slots))
            self._write(
                x,
                y + self._head,
                letter,
                max(SMALLEST, 0.8 * points),
                self.theme.ground,
                "center",
                "center",
                hold=False,
            )
        if hold:
            half = diameter / 2 * 0.9
            self._marks.append(self._box(x - half, y + self._head - half, x + half, y + self._head + half, "a mark"))

    # -- the end --------------------------------------------------------------------------------------------------
    def collisions(self, slack: float = 0.15) -> list[str]:
        """Overlaps by more than `slack` millimetres, in words."""
        found = []
        for at, label in enumerate(self._labels):
            for other in self._labels[at + 1 :]:
                if label.meets(other, slack):
                    found.append(f'"{label.what}" lies over "{other.what}"')
            for mark in self._marks:
                if label.meets(mark, slack):
                    found.append(f'"{label.what}" lies over {mark.what}')
            if (
                label.left < -slack
                or label.right > self.width + slack
                or label.top < -slack
                or label.bottom > self.height + slack
            ):
                found.append(f'"{label.what}" leaves the page')
        return found

    def finish(self) -> Figure:
        """The figure; LabelCollisionError where labels overlap anything."""
        found = self.collisions()
        if found:
            raise LabelCollisionError(f"{len(found)} labels collide: {'; '.join(found[:4])}.")
        return self.figure


def write_bytes(figure: Figure, form: str) -> bytes:
    """The figure as SVG (text as outlines), PNG or PDF; the same bytes every time."""
    import matplotlib

    extra = {
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    }[form]
    out = io.BytesIO()
    with matplotlib.rc_context(
        {
            "text.hinting": "none",  # letters as wide as they were measured
            "svg.hashsalt": _SALT,
            "svg.fonttype": "path",
            "pdf.fonttype": 42,
            "text.parse_math": False,
        }
    ):
        figure.savefig(out, format=form, metadata=extra, facecolor=figure.get_facecolor())
    return out.getvalue()


def darkened(svg: bytes) -> bytes:
    """The dark picture of a light one: every colour of the light theme exchanged for its counterpart."""
    from pipeline.exports.figures.style import counterparts

    other = counterparts()
    return re.sub(rb"#[0-9a-f]{6}", lambda m: other.get(m.group(0), m.group(0)), svg)


def spread(places: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Places on a line moved apart until neighbours are `gap` apart, in order, within bounds as far as they fit."""
    order = list(places)
    for at in range(1, len(order)):
        order[at] = max(order[at], order[at - 1] + gap)
    if order and order[-1] > high:
        order[-1] = high
        for at in range(len(order) - 2, -1, -1):
            order[at] = min(order[at], order[at + 1] - gap)
        order[0] = max(order[0], low)
    return order
