"""Numbers that know where they come from.

A cited number is a piece of text `shown` wrapped with its source, so that sentences stay plain strings while every
number in them can be listed, compared with the run's tables, and refused by the linter where it has no source.
The wrapping uses three private-use characters; `safe` takes them out of anything that strangers wrote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

OPEN, BETWEEN, CLOSE = "\ue000", "\ue001", "\ue002"
_CITED = re.compile(
    f"{OPEN}([^{OPEN}{BETWEEN}{CLOSE}]*){BETWEEN}([^{OPEN}{BETWEEN}{CLOSE}]*){BETWEEN}([^{OPEN}{BETWEEN}{CLOSE}]*){CLOSE}"
)


@dataclass(frozen=True)
class Source:
    """Where a number comes from: a way of counting, a table, a column, and which rows.

    `how` is `value`, `count`, `sum`, `min`, `max`, `distinct`, or the name of a stated rule; `where` holds
    (column, operator, value) with the operators `=`, `>=`, `<`, `in`.
    """

    how: str
    table: str
    column: str = ""
    where: tuple[tuple[str, str, str], ...] = ()

    def __str__(self) -> str:
        rows = "; ".join(f"{c} {op} {v}" for c, op, v in self.where)
        name = f"{self.table}.{self.column}" if self.column else self.table
        return f"{self.how} {name}" + (f" where {rows}" if rows else "")


@dataclass(frozen=True)
class Cited:
    """One number found in a text: as shown, its source as text, its exact value as text."""

    shown: str
    source: str
    exact: str


def cite(shown: str, source: Source, exact: object) -> str:
    """Text that shows `shown` and carries its source and exact value."""
    return f"{OPEN}{shown}{BETWEEN}{safe(str(source), longest=2_000)}{BETWEEN}{exact}{CLOSE}"


def whole(one: Cited) -> str:
    """A cited number as text again."""
    return f"{OPEN}{one.shown}{BETWEEN}{one.source}{BETWEEN}{one.exact}{CLOSE}"


def cited(text: str) -> Iterator[Cited]:
    """The cited numbers of a text, in order."""
    for match in _CITED.finditer(text):
        yield Cited(*match.groups())


def plain(text: str) -> str:
    """The text as it is read, without sources."""
    return _CITED.sub(lambda m: m.group(1), text)


def uncited(text: str) -> str:
    """The text with every cited number taken out: what is left must hold no number of its own."""
    return _CITED.sub(" ", text)


def pieces(text: str) -> Iterator[str | Cited]:
    """The text cut into plain strings and cited numbers, in order."""
    at = 0
    for match in _CITED.finditer(text):
        if match.start() > at:
            yield text[at : match.start()]
        yield Cited(*match.groups())
        at = match.end()
    if at < len(text):
        yield text[at:]


def safe(text: object, *, longest: int = 60) -> str:
    """A stranger's value as it may stand in a document: one line, cut, no character that acts or hides.

    Control, format, private and unassigned characters become `U+XXXX` marks.
    """
    shown = "".join(c if _printable(c) else f"U+{ord(c):04X} " for c in str(text)[: 4 * longest])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def name_of(operator: object) -> str:
    """The name of an operator as every document writes it."""
    return safe(operator, longest=32)


def _printable(c: str) -> bool:
    category = unicodedata.category(c)
    return c == " " or not (category[0] in "CZ" or (category[0] == "M" and not c.isascii()))
