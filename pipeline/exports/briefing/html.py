"""The briefing as one HTML page that needs nothing else: pictures inside, light and dark, tables behind each figure."""

from __future__ import annotations

import base64
import html as escape_html

from pipeline.exports.briefing.model import Block, Box, Document, Heading, Para, Points, Strip, Table
from pipeline.exports.figures.sheet import Sheet
from pipeline.exports.trace import Cited, pieces, plain

_STYLE = """
:root{color-scheme:light dark;--ink:#1B2530;--second:#4B5664;--ground:#FFFFFF;--line:#C5CCD6;--tint:#F5F6F8;--link:#1345D1}
@media(prefers-color-scheme:dark){:root{--ink:#F2F4F7;--second:#AAB4C0;--ground:#12161C;--line:#3A434E;--tint:#1A2029;--link:#7A9EDF}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 Georgia,"Libertinus Serif",serif}
main,header,footer{max-width:44rem;margin:0 auto;padding:0 1.25rem}
h1,h2,h3,th,.marking,figcaption strong,summary,dt,.strip{font-family:"DejaVu Sans",Verdana,sans-serif}
h1{font-size:1.55rem;line-height:1.25;margin:1.2rem 0 .4rem}h2{font-size:1.2rem;margin:2.6rem 0 .6rem;padding-top:1rem;border-top:2px solid var(--ink)}
h3{font-size:1rem;margin:1.8rem 0 .4rem}.marking{font-size:.8rem;letter-spacing:.04em;color:var(--second);padding:.6rem 1.25rem}
p,li{margin:.45rem 0}.subtitle{color:var(--second)}table{border-collapse:collapse;width:100%;font-size:.85rem;margin:.6rem 0}
caption{text-align:left;font-weight:bold;padding:.3rem 0}th,td{padding:.28rem .5rem .28rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.wide{overflow-x:auto}
figure{margin:1.2rem 0}figure img{width:100%;height:auto;display:block}figcaption{font-size:.87rem;color:var(--second);margin-top:.4rem}
figcaption strong{display:block;color:var(--ink);font-size:.95rem;margin-bottom:.5rem}details{font-size:.85rem;margin-top:.4rem}summary{cursor:pointer;color:var(--link)}
.strip{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.8rem;margin:1rem 0;padding:0}.strip div{border-top:1px solid var(--line);padding-top:.3rem}
.strip dt{font-size:.75rem;color:var(--second)}.strip dd{margin:0;font-size:1.1rem}.box{border:1px solid var(--line);background:var(--tint);padding:.6rem 1rem;margin:1rem 0}
.box h3{margin-top:.2rem}.box td{border:0;padding:.1rem .8rem .1rem 0}a{color:var(--link)}data{font-variant-numeric:tabular-nums}
@media print{h2{break-before:page}details{display:none}}
""".strip()


def text(value: str) -> str:
    """Text with its cited numbers as `<data>` elements that carry source and exact value."""
    made = []
    for piece in pieces(value):
        if isinstance(piece, Cited):
            made.append(
                f'<data value="{_attribute(piece.exact)}" title="{_attribute(piece.source)}">{escape_html.escape(piece.shown)}</data>'
            )
        else:
            made.append(escape_html.escape(piece))
    return "".join(made)


def _attribute(value: str) -> str:
    return escape_html.escape(value, quote=True)


def page(document: Document, pictures: dict[str, tuple[bytes, bytes]]) -> bytes:
    """The page. `pictures` holds the light and the dark SVG of each drawn sheet by its name."""
    body = [f'<header><p class="marking">{_attribute(document.marking)}</p>']
    if document.logo:
        body.append(
            f'<img alt="" style="height:2.4rem" src="{_uri("image/svg+xml" if document.logo.lstrip()[:1] == b"<" else "image/png", document.logo)}">'
        )
    body.append(f'<h1>{text(document.title)}</h1><p class="subtitle">{text(document.subtitle)}</p></header><main>')
    for at, block in enumerate(document.blocks):
        body.append(_block(block, pictures, at))
    frame = document.frame
    foot = f"Run {frame.run_id}; {frame.window}, UTC; {document.audience}."
    body.append(f'</main><footer><p class="marking">{_attribute(document.marking)} · {_attribute(foot)}</p></footer>')
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="referrer" content="no-referrer">'
        f"<title>{_attribute(plain(document.title))}</title><style>{_STYLE}</style></head><body>"
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
        return f'<section class="box" aria-label="{_attribute(block.title)}"><p><strong>{_attribute(block.title)}</strong></p><table>{rows}</table></section>'
    return _figure(block.sheet, pictures)


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col"{_right(i, block)}>{text(h)}</th>' for i, h in enumerate(block.head))
    rows = "".join(
        "<tr>" + "".join(f"<td{_right(i, block)}>{text(c)}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in block.rows
    )
    return f'<div class="wide" tabindex="0" role="region" aria-label="{_attribute(plain(block.title))}"><table><caption>{text(block.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _right(at: int, block: Table) -> str:
    return ' class="n"' if at in block.numeric else ""


def _figure(sheet: Sheet, pictures: dict[str, tuple[bytes, bytes]]) -> str:
    if not sheet.drawn:
        return f"<p>{text(sheet.title)}</p>"
    light, dark = pictures[sheet.name]
    caption = " ".join(text(s) for s in (sheet.see, sheet.sure) if s) + f" {_attribute(sheet.foot())}"
    return (
        f"<figure><figcaption><strong>{text(sheet.title)}</strong></figcaption><picture>"
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
    return f'<details><summary>Numbers of this figure</summary><div class="wide" tabindex="0" role="region" aria-label="Numbers: {_attribute(sheet.name)}"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}</details>'


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
