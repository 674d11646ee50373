"""All files for inside use of one run, written before the run is whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.exports import briefing
from pipeline.exports.briefing import html, typeset
from pipeline.exports.briefing.model import Document, Picture
from pipeline.exports.figures import A4, LIGHT, Sheet, Size, draw
from pipeline.exports.figures.paper import LabelCollisionError, darkened, write_bytes
from pipeline.exports.graph_files import gexf, graph_of
from pipeline.exports.safe_csv import csv_bytes
from pipeline.exports.tables import RunTables
from pipeline.exports.trace import plain
from pipeline.settings import Settings

MOST_RINGS = 60  # strongest flagged rings in the exchange files of a run; `ringtrace export` writes all
NO_PDF = "briefing.pdf was not made: the `briefing` extra is not installed. briefing.html has the same content.\n"
NO_STIX = "stix.json was not made: the `briefing` extra is not installed.\n"


def write_all(folder: Path, settings: Settings, manifest: dict[str, Any]) -> None:
    """Figures, briefing, STIX bundle and graph of a run."""
    tables = RunTables.at(folder, manifest)
    wish = briefing.Wish(most=settings.exports.max_rings_drawn)
    document = briefing.build(tables, wish)
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    pictures = write_figures(figures, document)
    document = without(document, pictures)
    missing = [write_pdf(folder / "briefing.pdf", document, pictures), _stix(folder / "stix.json", tables)]
    (folder / "briefing.html").write_bytes(html.page(document, pictures))
    (folder / "graph.gexf").write_bytes(gexf(graph_of(tables, MOST_RINGS)))
    if any(missing):
        (figures / "README.txt").write_text("".join(missing), encoding="utf-8")


def write_figures(folder: Path, document: Document, *, size: Size = A4) -> dict[str, tuple[bytes, bytes]]:
    """Every drawn figure as SVG and PNG with title and caption, its numbers as CSV, its alt text and caption.

    Returns the light and the dark SVG without title, for the document.
    """
    made = {}
    for sheet in document.sheets():
        if sheet.name in made:
            continue
        try:
            alone, body = draw(sheet, size, LIGHT, alone=True), draw(sheet, size, LIGHT)
        except LabelCollisionError:
            continue  # a run is never lost for a label; `without` puts a sentence in its place
        (folder / f"{sheet.name}.svg").write_bytes(write_bytes(alone, "svg"))
        (folder / f"{sheet.name}.png").write_bytes(write_bytes(alone, "png"))
        (folder / f"{sheet.name}.csv").write_bytes(csv_bytes(sheet.marks))
        (folder / f"{sheet.name}.txt").write_text(words_of(sheet), encoding="utf-8")
        made[sheet.name] = _both(write_bytes(body, "svg"))
    return made


def without(document: Document, pictures: dict[str, tuple[bytes, bytes]]) -> Document:
    """The document with a sentence in place of each figure that could not be drawn without overlapping labels."""
    blocks = tuple(
        Picture(replace(b.sheet, drawn=False)) if isinstance(b, Picture) and b.sheet.name not in pictures else b
        for b in document.blocks
    )
    return replace(document, blocks=blocks)


def _both(light: bytes) -> tuple[bytes, bytes]:
    return light, darkened(light)


def words_of(sheet: Sheet) -> str:
    """Title, alt text and caption of a figure as a text file."""
    return f"Title: {plain(sheet.title)}\nAlt text: {plain(sheet.alt)}\nCaption: {sheet.caption()}\n"


def write_pdf(path: Path, document: Document, pictures: dict[str, tuple[bytes, bytes]]) -> str:
    """The PDF; returns what to say where the extra is missing."""
    try:
        path.write_bytes(typeset.pdf(document, {name: light for name, (light, _) in pictures.items()}))
    except ImportError:
        return NO_PDF
    return ""


def _stix(path: Path, tables: RunTables) -> str:
    try:
        from pipeline.exports.stix import bundle_bytes
    except ImportError:
        return NO_STIX
    path.write_bytes(bundle_bytes(tables, MOST_RINGS))
    return ""
