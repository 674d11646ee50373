"""A briefing from one run: built once as blocks, set as PDF and as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from pipeline.exports.briefing import backmatter, frontmatter, operation
from pipeline.exports.briefing.model import Block, Document
from pipeline.exports.figures import choose
from pipeline.exports.figures.sheet import Sheet
from pipeline.exports.redaction import rules_table
from pipeline.exports.tables import Tables, frame_of

MARKINGS = {"internal": "TLP:AMBER+STRICT", "partner": "TLP:AMBER", "public": "TLP:CLEAR"}


@dataclass(frozen=True)
class Wish:
    """What a briefing is asked to be."""

    title: str = ""
    operations: tuple[str, ...] = ()  # ring ids; none: the strongest
    most: int = 12
    logo: bytes | None = None
    approval: tuple[tuple[str, str], ...] = ()
    held: pd.DataFrame | None = None
    basis: str = ""
    compared: dict[str, str] | None = None
    evasion: Sheet | None = None
    extra: tuple[Block, ...] = field(default_factory=tuple)


def build(tables: Tables, wish: Wish | None = None) -> Document:
    """The briefing of a run as blocks. `tables` are already redacted for their audience."""
    wish = wish or Wish()
    frame = frame_of(tables)
    flagged = choose.flagged_rings(tables)
    shown = flagged[flagged["ring_id"].isin(wish.operations)] if wish.operations else flagged.head(wish.most)
    figures = choose.overview(tables, frame, wish.held, wish.basis)
    blocks: list[Block] = frontmatter.summary(tables, flagged, figures, frame)
    blocks += frontmatter.glance(tables, flagged, frame, wish.compared)
    blocks += wish.extra
    for ring in (shown.iloc[i] for i in range(len(shown))):
        blocks += operation.section(tables, ring, choose.operation(tables, ring, frame), frame)
    blocks += backmatter.operators(tables, flagged, choose.operators(tables, frame))
    blocks += backmatter.method(figures, wish.evasion)
    blocks += backmatter.glossary()
    title = wish.title or frontmatter.finding(flagged, frame)
    subtitle = f"Coordinated misuse among accounts, {frame.window}, UTC. Run {frame.run_id}."
    document = Document(title, subtitle, tables.level, MARKINGS[tables.level], frame, tuple(blocks), logo=wish.logo)
    closing = backmatter.provenance(tables, frame, document.numbers(), rules_table(), wish.approval)
    names = frozenset(flagged["operator"].dropna().astype(str))
    return Document(title, subtitle, tables.level, MARKINGS[tables.level], frame, (*blocks, *closing), names, wish.logo)
