"""House style: palette, type, line weights, sizes. Colour means kind of entity, and nothing else.

The palette was proved by CIEDE2000 under normal sight and simulated protanopia, deuteranopia and tritanopia;
`tests/pipeline/exports/figures/test_style.py` proves it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Theme:
    """Colours on one ground. `slots[0]` is accounts and whatever the figure is about; 1-5 kinds of entity."""

    name: str
    ground: str
    ink: str
    second: str
    others: str  # everybody else: areas, never text
    grid: str
    frame: str
    tint: str  # row tint
    slots: tuple[str, ...]
    further: str  # kinds beyond slot 5, told apart by a letter
    ramp: tuple[str, ...]


LIGHT = Theme(
    "light",
    "#FFFFFF",
    "#1B2530",
    "#4B5664",
    "#AEB6C0",
    "#DDE2E8",
    "#C5CCD6",
    "#F5F6F8",
    ("#1B2530", "#1345D1", "#A74E22", "#2F8C6D", "#71136C", "#B98A2C"),
    "#6B7684",
    ("#DBE4F3", "#B3C6E7", "#839FD6", "#5276C4", "#2A53A6", "#0F2F73"),
)
DARK = Theme(
    "dark",
    "#12161C",
    "#F2F4F7",
    "#AAB4C0",
    "#434C57",
    "#2A323C",
    "#3A434E",
    "#1A2029",
    ("#F2F4F7", "#3982E0", "#DB8859", "#6CC8AA", "#A24784", "#E9D60D"),
    "#8A95A3",
    ("#1F3358", "#2F5190", "#4A75C4", "#7A9EDF", "#AFC7F0", "#E6EEFC"),
)
THEMES = {t.name: t for t in (LIGHT, DARK)}

# Slot -> matplotlib marker. Kinds beyond slot 5 share a grey square and carry a letter.
MARKERS = ("o", "s", "D", "^", "h", "v")
FURTHER_MARKER = "s"
# Area of each marker so that all look equally heavy (squares and diamonds look larger than discs of one area).
EVEN = (1.0, 0.82, 0.72, 1.0, 1.05, 1.0)


@dataclass(frozen=True)
class Size:
    """A place to draw for: width in millimetres, type in points, all times `scale`; `rows` bounds long lists.

    `tallest` bounds the figure itself, `page` the figure with a title above and a foot below it.
    """

    name: str
    width: float
    title: float = 8.0
    label: float = 7.5
    note: float = 7.0
    scale: float = 1.0
    rows: int = 20
    tallest: float = 240.0
    page: float = 297.0


A4 = Size("a4", 170.0)
COLUMN = Size("column", 82.0)
# 308 x 140 mm on a slide of 338.7 x 190.5 mm, laid out at half size: type comes out at 20, 16 and 14 points
SLIDE = Size("slide", 154.0, title=10.0, label=8.0, note=7.0, scale=2.0, rows=10, tallest=70.0, page=95.25)
SIZES = {s.name: s for s in (A4, COLUMN, SLIDE)}

FOCUS, OTHER, AXIS, GRID = 1.5, 0.8, 0.6, 0.4  # line widths in points
SMALLEST = 6.5  # points
FONT = "DejaVu Sans"
DPI = 160

# classes of the share of accounts active in an hour; below the first is white
SHARES = (0.05, 0.10, 0.20, 0.35, 0.50, 0.70)


def font_folder() -> Path:
    """Folder of the fonts that come with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def colour(theme: Theme, slot: int) -> str:
    """Colour of a slot; kinds beyond the fifth are grey."""
    return theme.slots[slot] if 0 <= slot < len(theme.slots) else theme.further


def marker(slot: int) -> str:
    """Marker of a slot."""
    return MARKERS[slot] if 0 <= slot < len(MARKERS) else FURTHER_MARKER


def shade(theme: Theme, share: float) -> str | None:
    """Ramp colour of a share of accounts, None below the first class."""
    found = None
    for bound, colour_of in zip(SHARES, theme.ramp, strict=True):
        if share >= bound:
            found = colour_of
    return found


def counterparts() -> dict[bytes, bytes]:
    """Each colour of the light theme, as SVG writes it, with its counterpart of the dark theme."""
    found: dict[bytes, bytes] = {}
    for field in ("ground", "ink", "second", "others", "grid", "frame", "tint", "further"):
        found[getattr(LIGHT, field).lower().encode()] = getattr(DARK, field).lower().encode()
    for light, dark in zip((*LIGHT.slots, *LIGHT.ramp), (*DARK.slots, *DARK.ramp), strict=True):
        found[light.lower().encode()] = dark.lower().encode()
    return found
