"""The last pages of a briefing: operators, method and limits, glossary, numbers, provenance."""

from __future__ import annotations

import pandas as pd

from pipeline.exports.briefing.model import Block, Heading, Para, Picture, Table
from pipeline.exports.briefing.say import RingFacts, operator_sentence
from pipeline.exports.figures.choose import Overview
from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.frames import each
from pipeline.exports.tables import Tables
from pipeline.exports.trace import Cited

METHOD = (
    "Accounts are compared by what they share: addresses, cards, prompt templates and whatever else "
    "was declared. Each shared thing counts by its "
    "rarity outside the group, in bits. Groups found in this way are measured against matched "
    "innocent groups and against chance, and scored.",
    "A score is a calibrated probability that a group is one coordinated fraudulent operation. A ring "
    "is flagged when the score passes the threshold, "
    "the false discovery rate is low, no innocent explanation is better, and no analyst has dismissed it.",
    "What cannot be seen: operations whose accounts share nothing that is measured, requests outside "
    "the window, and purposes. Colleagues in one office, "
    "customers of one reseller, a class, or users of one public prompt share things too, and are "
    "sometimes grouped by mistake.",
    "A flagged ring is a proposal to people, not a finding of guilt.",
)
GLOSSARY = (
    ("account", "the account or key owner that made requests"),
    ("accused account", "a member of a flagged ring with membership 0.5 or more"),
    ("bits", "weight of evidence: each bit doubles the odds"),
    ("confidence", "how good the basis of a judgement is: high, moderate or low"),
    ("core, fringe", "accounts with membership 0.5 or more, and the others"),
    ("false discovery rate", "share of groups like this one that chance alone would make"),
    ("flagged", "proposed to analysts: see method"),
    ("likelihood", "how far a statement can be expected to hold, in fixed words with a number"),
    ("operator", "whoever is held to run one or more rings; unknown is always a rival"),
    ("reference", "the same measure among innocent groups of this window"),
    ("ring", "a group of accounts that was selected, scored and given a lasting name"),
    ("score", "calibrated probability that a ring is one coordinated operation"),
    ("stability", "how far repeated searches find the same group"),
    ("template", "fixed words of many prompts, with slots that change"),
    ("UNATTRIBUTED", "name of an operator who is not known, the same from window to window"),
    ("window", "the days this briefing looks at, in UTC"),
)
MOST_NUMBERS = 600


def operators(tables: Tables, flagged: pd.DataFrame, sheets: list[Sheet]) -> list[Block]:
    """The operator maps, and who was considered for each ring."""
    if flagged.empty:
        return []
    blocks: list[Block] = [Heading(1, "Operators")]
    if not sheets:
        blocks.append(Para("No things are shared between flagged rings of one operator."))
    blocks += [Picture(s) for s in sheets]
    named = flagged[flagged["operator"].notna()]
    for ring in each(named.head(12)):
        blocks.append(Para(operator_sentence(RingFacts(tables, ring))))
    return blocks


def method(figures: Overview, evasion: Sheet | None) -> list[Block]:
    """What is measured, what cannot be seen, who may be hit wrongly."""
    blocks: list[Block] = [Heading(1, "Method and limits"), *(Para(t, free=True) for t in METHOD)]
    blocks += [Picture(figures.scores), Picture(figures.funnel)]
    if evasion is not None:
        blocks.append(Picture(evasion))
    return blocks


def glossary() -> list[Block]:
    """At most 25 terms."""
    return [Heading(1, "Glossary"), Table("Words of this briefing", ("word", "meaning"), GLOSSARY, free=True)]


def provenance(
    tables: Tables, frame: Frame, numbers: list[Cited], rules: Table, approval: tuple[tuple[str, str], ...]
) -> list[Block]:
    """Every number with its source, the run, the approval, the rules of redaction."""
    manifest = tables.manifest
    about = (
        ("run", frame.run_id),
        ("window", f"{frame.window}, UTC"),
        ("version", str(manifest.get("version", ""))),
        ("settings", str(manifest.get("settings_digest", "-"))[:16]),
        ("scoring model", str(manifest.get("model", "-"))[:16]),
        ("audience", tables.level),
        *approval,
    )
    shown = [(n.shown, n.source) for n in numbers[:MOST_NUMBERS]]
    return [
        Heading(1, "Numbers and provenance"),
        Table("This briefing", ("what", "value"), about, free=True),
        rules,
        Table("Every number, in order of mention", ("number", "from"), tuple(shown), free=True),
    ]
