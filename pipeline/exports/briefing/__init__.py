"""A briefing from one run: built once as blocks, set as PDF and as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from pipeline.exports.approved_lists import Dates
from pipeline.exports.briefing import backmatter, frontmatter, operation
from pipeline.exports.briefing.changes import Earlier
from pipeline.exports.briefing.model import Block, Document
from pipeline.exports.figures import choose
from pipeline.exports.figures.sheet import Sheet
from pipeline.exports.frames import each
from pipeline.exports.redaction import rules_table, smallest_cell
from pipeline.exports.tables import Tables, frame_of
from pipeline.schemas.inputs import RESERVED_OPERATORS, RESERVED_PREFIX

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
    compared: Earlier | None = None
    evasion: Sheet | None = None
    grades: tuple[tuple[str, str], ...] = ()
    lists: Dates = field(default_factory=dict)  # by the ring's id inside the house; drawn for no other audience
    extra: tuple[Block, ...] = field(default_factory=tuple)


def build(tables: Tables, wish: Wish | None = None) -> Document:
    """The briefing of a run as blocks. `tables` are already redacted for their audience."""
    wish = wish or Wish()
    frame = frame_of(tables)
    flagged = choose.flagged_rings(tables)
    shown = flagged[flagged["ring_id"].isin(wish.operations)] if wish.operations else flagged.head(wish.most)
    figures = choose.overview(tables, frame, wish.held, wish.basis)
    blocks: list[Block] = frontmatter.summary(tables, flagged, figures, frame)
    blocks += frontmatter.glance(tables, flagged, wish.compared)
    blocks += wish.extra
    for ring in each(shown):
        figures_of = choose.operation(tables, ring, frame, wish.lists.get(str(ring.ring_id)))
        blocks += operation.section(tables, ring, figures_of, frame, wish.grades)
    maps = choose.operators(tables, frame, wish.most)
    blocks += backmatter.operators(tables, flagged, maps)
    blocks += backmatter.method(figures, wish.evasion, follows=not maps and len(flagged) > 0)
    blocks += backmatter.glossary()
    title = wish.title or frontmatter.finding(flagged, frame)
    subtitle = f"Coordinated misuse among accounts, {frame.window}, UTC. Run {frame.run_id}."
    names = frozenset(flagged["operator"].dropna().astype(str))
    document = Document(
        title,
        subtitle,
        tables.level,
        MARKINGS[tables.level],
        frame,
        tuple(blocks),
        names,
        below_level(tables),
        wish.logo,
    )
    smallest = tables.k if tables.k > 1 else smallest_cell(tables.manifest)
    closing = backmatter.provenance(tables, frame, document.numbers(), rules_table(smallest), wish.approval)
    return replace(document, blocks=(*blocks, *closing))


def below_level(tables: Tables) -> frozenset[str]:
    """Every name that some ring was held against without reaching the naming level anywhere."""
    inner = getattr(tables, "inner", tables)
    guesses = set(inner.table("attribution")["operator"].dropna().astype(str))
    named = set(inner.table("rings")["operator"].dropna().astype(str))
    reserved = {g for g in guesses if g in RESERVED_OPERATORS or g.startswith(RESERVED_PREFIX)}
    return frozenset(guesses - named - reserved)
