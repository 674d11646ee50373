"""Small pieces of Markdown for the reference pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cell(value: str) -> str:
    """Text that may stand in a cell of a table."""
    return value.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def code(value: object) -> str:
    """Something as code; nothing where there is nothing."""
    text = str(value)
    return f"`{text}`".replace("|", "\\|") if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells must be fit to stand in one."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def sentence(text: str) -> str:
    """The text begun with a capital and ended with a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""
