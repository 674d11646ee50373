"""A briefing before it is set: blocks of text, tables and figures, the same for PDF and HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.trace import Cited, cited


@dataclass(frozen=True)
class Heading:
    """A heading of level 1, 2 or 3; one of level 1 begins a page unless it `follows` what stands above."""

    level: int
    text: str
    follows: bool = False


@dataclass(frozen=True)
class Para:
    """A paragraph. `free` says that its wording is fixed text of the house and holds no finding.

    One that `leads` stays on the page of what follows it.
    """

    text: str
    free: bool = False
    leads: bool = False


@dataclass(frozen=True)
class Points:
    """A short list of findings."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table; `numeric` are the columns set to the right. `free` as in `Para`."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    free: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure with its title, caption and numbers; of a sheet with nothing to draw only the sentence."""

    sheet: Sheet


@dataclass(frozen=True)
class Strip:
    """A strip of few numbers with a word each."""

    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Box:
    """A framed aside."""

    title: str
    rows: tuple[tuple[str, str], ...]


Block = Heading | Para | Points | Table | Picture | Strip | Box


@dataclass(frozen=True)
class Document:
    """The whole briefing. `marking` stands at head and foot of each page.

    `names` are operators that may be named, `below` those who may not: they did not reach the naming level.
    """

    title: str
    subtitle: str
    audience: str
    marking: str
    frame: Frame
    blocks: tuple[Block, ...]
    names: frozenset[str] = field(default_factory=frozenset)
    below: frozenset[str] = field(default_factory=frozenset)
    logo: bytes | None = None

    def texts(self) -> Iterator[tuple[str, bool]]:
        """Every text with whether it is free wording of the house."""
        yield self.title, False
        for block in self.blocks:
            yield from _texts(block)

    def numbers(self) -> list[Cited]:
        """Every cited number in order of first mention, each source once."""
        found: dict[tuple[str, str], Cited] = {}
        for text, _ in self.texts():
            for one in cited(text):
                found.setdefault((one.source, one.exact), one)
        return list(found.values())

    def sheets(self) -> list[Sheet]:
        """Sheets of all figures that are drawn."""
        return [b.sheet for b in self.blocks if isinstance(b, Picture) and b.sheet.drawn]


def _texts(block: Block) -> Iterator[tuple[str, bool]]:
    if isinstance(block, Heading):
        yield block.text, False
    elif isinstance(block, Para):
        yield block.text, block.free
    elif isinstance(block, Points):
        yield from ((i, False) for i in block.items)
    elif isinstance(block, Picture):
        yield block.sheet.title, False
        yield block.sheet.see, True
        yield block.sheet.sure, True
    elif isinstance(block, Strip):
        yield from ((text, True) for _, text in block.cells)
    elif isinstance(block, Table):
        yield from ((cell, True) for row in block.rows for cell in row)
    else:
        yield from ((f"{a} {b}", True) for a, b in block.rows)
