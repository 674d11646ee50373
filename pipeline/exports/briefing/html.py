"""The briefing as one HTML page that needs nothing else: pictures inside, light and dark, tables behind each figure."""

from __future__ import annotations

import base64
import html as escape_html
from importlib import resources

from pipeline.exports.briefing.model import Block, Box, Document, Heading, Para, Points, Strip, Table
from pipeline.exports.figures.sheet import Sheet
from pipeline.exports.trace import Cited, pieces, plain


def style() -> str:
    """The style sheet of the page."""
    return (resources.files(__package__) / "page.css").read_text(encoding="utf-8").strip()


def text(value: str) -> str:
    """Text with its cited numbers as `<data>` elements that carry source and exact value."""
    made = []
    for piece in pieces(value):
        if isinstance(piece, Cited):
            said = f'value="{_attribute(piece.exact)}" title="{_attribute(piece.source)}"'
            made.append(f"<data {said}>{escape_html.escape(piece.shown)}</data>")
        else:
            made.append(escape_html.escape(piece))
    return "".join(made)


def _attribute(value: str) -> str:
    return escape_html.escape(value, quote=True)


def page(document: Document, pictures: dict[str, tuple[bytes, bytes]]) -> bytes:
    """The page. `pictures` holds the light and the dark SVG of each drawn sheet by its name."""
    body = [f'<header><p class="marking">{_attribute(document.marking)}</p>']
    if document.logo:
        kind = "image/svg+xml" if document.logo.lstrip()[:1] == b"<" else "image/png"
        body.append(f'<img alt="" class="logo" src="{_uri(kind, document.logo)}">')
    body.append(f'<h1>{text(document.title)}</h1><p class="subtitle">{text(document.subtitle)}</p></header><main>')
    for at, block in enumerate(document.blocks):
        body.append(_block(block, pictures, at))
    frame = document.frame
    foot = f"Run {frame.run_id}; {frame.window}, UTC; {document.audience}."
    body.append(f'</main><footer><p class="marking">{_attribute(document.marking)} · {_attribute(foot)}</p></footer>')
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="referrer" content="no-referrer">'
        f"<title>{_attribute(plain(document.title))}</title><style>{style()}</style></head><body>"
    )
    return (head + "\n".join(body) + "</body></html>\n").encode()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _block(block: Block, pictures: dict[str, tuple[bytes, bytes]], at: int) -> str:
    if isinstance(block, Heading):
        level = block.level + 1
        return f"<h{level}>{text(block.text)}</h{level}>"
    if isinstance(block, Para):
        return f"<p>{text(block.text)}</p>"
    if isinstance(block, Points):
        return "<ul>" + "".join(f"<li>{text(i)}</li>" for i in block.items) + "</ul>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Strip):
        cells = "".join(
            f"<div><dt>{_attribute(label)}</dt><dd>{text(value)}</dd></div>" for label, value in block.cells
        )
        return f'<dl class="strip">{cells}</dl>'
    if isinstance(block, Box):
        rows = "".join(f"<tr><td>{text(a)}</td><td>{text(b)}</td></tr>" for a, b in block.rows)
        name = _attribute(block.title)
        return f'<section class="box" aria-label="{name}"><p><strong>{name}</strong></p><table>{rows}</table></section>'
    return _figure(block.sheet, pictures)


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col"{_right(i, block)}>{text(h)}</th>' for i, h in enumerate(block.head))
    rows = "".join(
        "<tr>" + "".join(f"<td{_right(i, block)}>{text(c)}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in block.rows
    )
    made = f"<caption>{text(block.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return _scrolling(plain(block.title), f"<table>{made}</table>")


def _scrolling(name: str, inner: str) -> str:
    """A wide table in a region that can be scrolled with the keyboard."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{_attribute(name)}">{inner}</div>'


def _right(at: int, block: Table) -> str:
    return ' class="n"' if at in block.numeric else ""


def _figure(sheet: Sheet, pictures: dict[str, tuple[bytes, bytes]]) -> str:
    if not sheet.drawn:
        return f"<p>{text(sheet.title)}</p>"
    light, dark = pictures[sheet.name]
    caption = " ".join(text(s) for s in (sheet.see, sheet.sure) if s) + f" {_attribute(sheet.foot())}"
    return (
        f'<figure><p class="finding">{text(sheet.title)}</p><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{_uri("image/svg+xml", dark)}">'
        f'<img alt="{_attribute(plain(sheet.alt))}" src="{_uri("image/svg+xml", light)}"></picture>'
        f"<figcaption>{caption}</figcaption>{_numbers(sheet)}</figure>"
    )


def _numbers(sheet: Sheet, most: int = 400) -> str:
    marks = sheet.marks.head(most)
    head = "".join(f'<th scope="col">{_attribute(str(c))}</th>' for c in marks.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_attribute(_cell(v))}</td>" for v in row) + "</tr>"
        for row in marks.itertuples(index=False)
    )
    more = (
        f"<p>{len(sheet.marks) - most:,} more rows in the file of this figure.</p>" if len(sheet.marks) > most else ""
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    inner = _scrolling(f"Numbers: {sheet.name}", table)
    return f"<details><summary>Numbers of this figure</summary>{inner}{more}</details>"


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
