"""A figure before it is drawn: its marks as a table, and its words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.trace import plain
from pipeline.link_types import LinkType, link_types


@dataclass(frozen=True)
class Frame:
    """What all figures of one document share. `level`: the audience the tables are fit for; `k`: the smallest cell."""

    run_id: str
    since: pd.Timestamp
    until: pd.Timestamp
    level: str = "internal"
    k: int = 1
    types: tuple[LinkType, ...] = field(default_factory=link_types)

    @property
    def window(self) -> str:
        """The window in words, UTC."""
        return numbers.window(self.since, self.until)

    def days(self) -> pd.DatetimeIndex:
        """Every day of the window, UTC."""
        last = (self.until - pd.Timedelta(1, "us")).floor("D")
        return pd.date_range(self.since.floor("D"), max(last, self.since.floor("D")), freq="D")

    def part_days(self) -> set[pd.Timestamp]:
        """Days that the window holds only in part."""
        cut = set()
        if self.since != self.since.floor("D"):
            cut.add(self.since.floor("D"))
        if self.until != self.until.floor("D"):
            cut.add(self.until.floor("D"))
        return cut


@dataclass(frozen=True)
class Sheet:
    """Marks and words of one figure.

    `title` states the finding with its number; `see` and `sure` are the caption; `alt` is for those who do not see it;
    `marks` is one row a mark, published as CSV; `asides` are further values the drawing needs. Where `drawn` is false
    there is too little to draw and the title stands alone as a sentence.
    """

    name: str
    form: str
    title: str
    see: str
    sure: str
    alt: str
    tables: str
    frame: Frame
    marks: pd.DataFrame
    asides: dict[str, Any] = field(default_factory=dict)
    drawn: bool = True

    def foot(self) -> str:
        """Run, window, tables, redaction level."""
        return f"Run {self.frame.run_id}; {self.frame.window}, UTC; from {self.tables}; {self.frame.level}."

    def caption(self) -> str:
        """The caption as read."""
        return " ".join(plain(s) for s in (self.see, self.sure, self.foot()) if s)


def sentence(name: str, form: str, frame: Frame, tables: str, text: str) -> Sheet:
    """A sheet with nothing to draw: a sentence says it."""
    return Sheet(name, form, text, "", "", "", tables, frame, pd.DataFrame(), drawn=False)


NOUNS = ("address", "card", "template")


def noun(kind: LinkType) -> str:
    """What people call an entity of a link type, in the singular, with a capital."""
    built_in = {t.name: word for t, word in zip(link_types(), NOUNS, strict=True)}
    word = built_in.get(kind.name, kind.name.replace("_", " "))
    return word[:1].upper() + word[1:]


def nouns(kind: LinkType) -> str:
    """The plural of `noun`."""
    word = noun(kind)
    if word.endswith("s"):
        return word + "es"
    return word if word.lower() in ("asn",) else word + "s"


def slots(types: tuple[LinkType, ...]) -> dict[str, int]:
    """Colour slot of each link type: built-in ones their own, the declared ones 4, 5, then beyond."""
    built_in = {t.name for t in link_types()}
    found = {t.name: t.slot for t in types if t.name in built_in}
    for at, kind in enumerate(t for t in types if t.name not in built_in):
        found[kind.name] = 4 + at
    return found
