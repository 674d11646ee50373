"""The briefing as PDF by typst: tagged (PDF/UA-1), fonts of the house only, no date, the same bytes every time.

Every text is handed over as a string literal, so nothing in it is ever read as markup.
"""

from __future__ import annotations

import tempfile
from importlib import resources
from pathlib import Path

from pipeline.exports.briefing.model import Block, Box, Document, Heading, Para, Picture, Points, Strip, Table
from pipeline.exports.figures.style import font_folder
from pipeline.exports.trace import plain

MANY = 5  # columns from which each is as wide as its content
SHORT = 14  # rows up to which a table stays on one page


def style() -> str:
    """The house style of the page, with places for title, marking and foot."""
    return (resources.files(__package__) / "page.typ").read_text(encoding="utf-8").strip()


def literal(text: str) -> str:
    """A typst string literal; sources are left out, control characters never reach typst."""
    clean = "".join(c if c.isprintable() else " " for c in plain(text))
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def markup(document: Document) -> str:
    """The typst source; pictures are expected beside it as `<name>.svg`."""
    frame = document.frame
    foot = f"Run {frame.run_id}; {frame.window}, UTC; {document.audience}"
    head = (
        style()
        .replace("TITLE", literal(document.title))
        .replace("MARKING", literal(document.marking))
        .replace("FOOT", literal(foot))
    )
    logo = '#image("logo", height: 12mm, alt: "Logo")\n' if document.logo else ""
    top = f'{logo}#doctitle({literal(document.title)})\n#text(fill: rgb("#4B5664"), {literal(document.subtitle)})\n'
    first, *rest = (_block(b) for b in document.blocks)
    return "\n".join([head, top, first.replace("#pagebreak()\n", "", 1), *rest, ""])


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        above = "#pagebreak()\n" if block.level == 1 and not block.follows else ""
        return f"{above}#heading(level: {block.level}, {literal(block.text)})"
    if isinstance(block, Para):
        return f"#{'leading' if block.leads else 'par'}[#{literal(block.text)}]"
    if isinstance(block, Points):
        return "#list(" + ", ".join(f"[#{literal(i)}]" for i in block.items) + ")"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Strip):
        cells = ", ".join(
            f'[#text(font: "DejaVu Sans", size: 7pt, fill: rgb("#4B5664"), {literal(label)}) #linebreak() '
            f'#text(font: "DejaVu Sans", size: 10pt, {literal(value)})]'
            for label, value in block.cells
        )
        return (
            f"#block(above: 1em, below: 1em, grid(columns: (1fr,) * 4, row-gutter: 9pt, column-gutter: 6pt, {cells}))"
        )
    if isinstance(block, Box):
        rows = ", ".join(f"[#{literal(a)}], [#{literal(b)}]" for a, b in block.rows)
        return (
            "#aside["
            f"#strong({literal(block.title)})\n#grid(columns: (auto, 1fr), row-gutter: 4pt, "
            f"column-gutter: 10pt, {rows})]"
        )
    return _figure(block)


def _table(block: Table) -> str:
    if not block.rows:
        return f"#par[#{literal(block.title + ': none.')}]"
    wide = len(block.head)
    narrow = block.numeric if 2 < wide < MANY else {0} if wide == 2 else set(range(wide))
    columns = "(" + ", ".join("auto" if i in narrow else "1fr" for i in range(wide)) + ",)"
    head = "(" + ", ".join(f"[#{literal(h)}]" for h in block.head) + ",)"
    body = "(" + ", ".join(f"[#{literal(c)}]" for row in block.rows for c in row) + ",)"
    right = "(" + ", ".join(str(i) for i in sorted(block.numeric)) + ("," if block.numeric else "") + ")"
    made = f"#finding({literal(block.title)})\n#cells({columns}, {head}, {body}, {right})"
    return f"#block(breakable: false, width: 100%)[{made}]" if len(block.rows) <= SHORT else made


def _figure(block: Picture) -> str:
    sheet = block.sheet
    if not sheet.drawn:
        return f"#par[#{literal(sheet.title)}]"
    caption = sheet.caption()
    return (
        f"#block(breakable: false, width: 100%)[#finding({literal(sheet.title)})\n"
        f'#image("{sheet.name}.svg", width: 100%, alt: {literal(sheet.alt)})\n#caption({literal(caption)})]'
    )


def pdf(document: Document, pictures: dict[str, bytes]) -> bytes:
    """The PDF. `pictures` holds the SVG of each drawn sheet by its name. Needs the `briefing` extra (ImportError)."""
    import typst

    with tempfile.TemporaryDirectory(prefix="ringtrace-brief-") as folder:
        place = Path(folder)
        for name, data in pictures.items():
            (place / f"{name}.svg").write_bytes(data)
        if document.logo:
            (place / "logo").write_bytes(document.logo)
        source = place / "briefing.typ"
        source.write_text(markup(document), encoding="utf-8")
        made = typst.compile(
            str(source),
            root=folder,
            font_paths=[str(font_folder())],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["ua-1"],
        )
    return bytes(made)
