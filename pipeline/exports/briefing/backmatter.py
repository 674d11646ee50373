"""The last pages of a briefing: operators, method and limits, glossary, numbers, provenance."""

from __future__ import annotations

import pandas as pd

from pipeline import words
from pipeline.exports.briefing.model import Block, Heading, Para, Picture, Table
from pipeline.exports.briefing.say import RingFacts, operator_sentence
from pipeline.exports.figures.choose import Overview
from pipeline.exports.figures.sheet import Frame, Sheet
from pipeline.exports.frames import each
from pipeline.exports.tables import Tables
from pipeline.exports.trace import Cited, Source, cite, name_of

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
HYPOTHESES = {
    "unknown": "somebody not known",
    "shared_vendor": "customers of one vendor",
    "false_flag": "traces laid to mislead",
}


def operators(tables: Tables, flagged: pd.DataFrame, sheets: list[Sheet]) -> list[Block]:
    """The operator maps, and who was considered for each ring."""
    if flagged.empty:
        return []
    blocks: list[Block] = [Heading(1, "Operators")]
    if not flagged["operator_id"].dropna().duplicated().any():
        blocks.append(Para("No two flagged rings are held to have one operator."))
    elif not sheets:
        blocks.append(Para("No things are shared between flagged rings of one operator."))
    blocks += [Picture(s) for s in sheets]
    named = flagged[flagged["operator"].notna()]
    for ring in each(named.head(12)):
        facts = RingFacts(tables, ring)
        blocks += [Para(operator_sentence(facts), leads=True), _rivals(facts)]
    return blocks


def _rivals(facts: RingFacts) -> Table:
    """Every hypothesis on who operates a ring; a name that did not reach the naming level stays without its name."""
    rows = []
    for row in each(facts.tables.table("attribution", [facts.ring_id]).sort_values("rank")):
        named = str(row.operator) == str(facts.ring.operator)
        held = name_of(row.operator) if named else HYPOTHESES.get(str(row.operator), "another name")
        where = (("ring_id", "=", facts.ring_id), ("rank", "=", str(row["rank"])))
        source = Source("value", "attribution", "probability", where)
        shown = cite(words.number(row.probability), source, row.probability)
        rows.append((held, words.term(row.probability), shown))
    head = ("hypothesis", "likelihood", "probability")
    return Table(f"Who operates {facts.ring_id}: what was considered", head, tuple(rows), frozenset({2}))


def method(figures: Overview, evasion: Sheet | None, *, follows: bool = False) -> list[Block]:
    """What is measured, what cannot be seen, who may be hit wrongly; on a page of its own unless it `follows`."""
    blocks: list[Block] = [Heading(1, "Method and limits", follows), *(Para(t, free=True) for t in METHOD)]
    blocks += [Picture(figures.scores), Picture(figures.funnel)]
    if evasion is not None:
        blocks.append(Picture(evasion))
    return blocks


def glossary() -> list[Block]:
    """At most 25 terms."""
    return [
        Heading(1, "Glossary", follows=True),
        Table("Words of this briefing", ("word", "meaning"), GLOSSARY, free=True),
    ]


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
