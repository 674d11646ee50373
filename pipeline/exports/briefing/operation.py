"""The pages of one operation: scale, how it works, what ties it together, how sure and why, what is not known."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline import words
from pipeline.exports import numbers
from pipeline.exports.briefing.model import Block, Heading, Para, Picture, Strip, Table
from pipeline.exports.briefing.say import RingFacts, operator_sentence, ties
from pipeline.exports.figures.choose import Operation
from pipeline.exports.figures.sheet import Frame, noun, nouns
from pipeline.exports.figures.things import things
from pipeline.exports.figures.waterfall import UNITS
from pipeline.exports.frames import rows_of
from pipeline.exports.tables import Tables
from pipeline.exports.trace import Source, cite, safe
from pipeline.part_words import EXCESS, reading, title


def section(
    tables: Tables, ring: pd.Series, figures: Operation, frame: Frame, grades: tuple[tuple[str, str], ...] = ()
) -> list[Block]:
    """Blocks of one operation, the same order every time."""
    facts = RingFacts(tables, ring)
    evidence = tables.table("evidence", [facts.ring_id])
    parts = tables.table("score_parts", [facts.ring_id])
    term = words.term(float(ring.score))
    blocks: list[Block] = [
        Heading(1, f"{facts.ring_id}: {facts.size()} accounts, {term} ({facts.score()}) one operation"),
        _strip(facts, figures),
        Heading(2, "Scale and period"),
        Para(
            f"{facts.size()} accounts made {facts.requests()} requests. The first was seen on "
            f"{facts.first()}, the last on {facts.last()}."
        ),
        Picture(figures.volume),
        Heading(2, "How it works"),
        Para(_how(facts, evidence, parts, frame)),
        Heading(2, "What ties it together"),
        Para(_tied(facts), leads=True),
    ]
    shared = _shared_table(tables, facts, evidence, frame)
    if shared is not None:
        blocks.append(shared)
    blocks += [
        Picture(figures.ring),
        Heading(2, "How sure, and why"),
        Para(facts.it_is(f"the {facts.size()} accounts are one coordinated operation")),
        Para(facts.confidence()),
        Para(operator_sentence(facts)),
        Picture(figures.waterfall),
        Heading(2, "What else was considered"),
        Para(_rival(facts), leads=True),
        _explanations(facts),
        Picture(figures.synchrony),
        Heading(2, "Who came and went"),
        Picture(figures.replacement),
        Heading(2, "What is not known"),
        Para(_unknown(facts)),
        Para(_sources(grades), free=True),
    ]
    return blocks


WITHHELD = "withheld"
OWN_RECORDS = (
    "Sources: requests, payments and accounts come from the platform's own records, graded A2 on the Admiralty scale."
)


def _sources(grades: tuple[tuple[str, str], ...]) -> str:
    """Sources with their grades; leads without one cannot be judged."""
    if not grades:
        return f"{OWN_RECORDS} Outside leads carry no grade here: F6, cannot be judged."
    told = ", ".join(f"{safe(source, longest=30)} {grade}" for source, grade in grades)
    return f"{OWN_RECORDS} Outside leads: {told}."


def _strip(facts: RingFacts, figures: Operation) -> Strip:
    core = facts.core()
    cells = [
        ("accounts", facts.size()),
        ("of the core", core or WITHHELD),
        ("requests", facts.requests()),
        ("days, first to last", facts.span()),
        ("first seen", facts.first()),
        ("last seen", facts.last()),
        ("likelihood", facts.score()),
        ("confidence", safe(facts.ring.confidence)),
    ]
    return Strip(tuple(cells))


def _how(facts: RingFacts, evidence: pd.DataFrame, parts: pd.DataFrame, frame: Frame) -> str:
    """What the accounts share and do, counted."""
    called = {t.name: (noun(t).lower(), nouns(t).lower()) for t in frame.types}
    clauses = ties(facts, evidence, called)
    said = (
        f"The accounts share {words.listed(clauses)}."
        if clauses
        else "The accounts share no measured thing; they were grouped by behaviour."
    )
    families = {t.family for t in frame.types}
    measured = parts["value"].notna() & parts["reference"].notna() & parts["unit"].isin(UNITS)
    doings = parts["part"].isin(list(words.PART_WORDS))
    more = parts["value"] > parts["reference"]
    ways = parts[measured & (parts["bits"] >= 0.5) & (doings & more | ~doings & ~parts["family"].isin(families))]
    for row in rows_of(ways.sort_values(["bits", "part"], ascending=[False, True]).head(3)):
        said += _way(facts, row)
    return said


def _way(facts: RingFacts, row: Any) -> str:
    """One thing the accounts do, beside innocent groups; nothing where no difference can be read."""
    part, unit, size = str(row.part), str(row.unit), int(facts.ring["size"])
    where = (("ring_id", "=", facts.ring_id), ("part", "=", part))
    shown = reading(part, row.value, unit, size), reading(part, row.reference, unit, size)
    if shown[0] == shown[1]:
        return ""
    value = cite(shown[0], Source("value", "score_parts", "value", where), row.value)
    beside = cite(shown[1], Source("value", "score_parts", "reference", where), row.reference)
    does = f"They {words.PART_WORDS[part]}" if part in words.PART_WORDS else title(safe(part))
    than = " against the whole platform" if part in EXCESS and shown[0].endswith("s") else ""
    counted = "" if unit == "share" else f" {unit}"
    return f" {does}: {value}{counted}{than}, beside {beside} in comparable innocent groups."


def _tied(facts: RingFacts) -> str:
    bits = facts.ring.score_bits
    shown = cite(numbers.bits(float(bits)), Source("value", "rings", "score_bits", facts._where()), bits)
    return f"The evidence sums to {shown} bits before calibration. The figure shows which accounts share which things."


def _shared_table(tables: Tables, facts: RingFacts, evidence: pd.DataFrame, frame: Frame) -> Table | None:
    named = things(evidence, frame)
    if named.empty:
        return None
    made = []
    for row in rows_of(named):
        inside = WITHHELD if row.withheld else numbers.count(int(row.n_in_ring))
        anywhere = WITHHELD if row.total_withheld else numbers.count(int(row.n_total))
        shown = safe(row.shown, longest=34)
        made.append((row.label, shown, safe(row.sort, longest=24), inside, anywhere, numbers.bits(float(row.bits))))
    head = ("thing", "value", "sort", "accounts in the ring", "accounts anywhere", "bits")
    return Table(f"What {facts.ring_id} shares, by kind", head, tuple(made), frozenset({3, 4, 5}))


def _rival(facts: RingFacts) -> str:
    rivals = [r for r in facts.explanations() if r[0] != words.KIND_WORDS["coordinated"]]
    if not rivals:
        return "No rival explanation was recorded."
    name, p, shown = rivals[0]
    word = words.term(p)
    verb = (
        f"is {word}"
        if word not in ("roughly even chance", "almost no chance")
        else f"has {'a ' if word[0] == 'r' else ''}{word}"
    )
    return f"The strongest rival explanation is {name}. That {verb} ({shown})."


def _explanations(facts: RingFacts) -> Table:
    rows = tuple((name, words.term(p), shown) for name, p, shown in facts.explanations())
    return Table(f"Explanations of {facts.ring_id}", ("explanation", "likelihood", "probability"), rows, frozenset({2}))


def _unknown(facts: RingFacts) -> str:
    named = pd.notna(facts.ring.operator)
    who = "" if named else "Who operates the accounts is not known. "
    return (
        f"{who}The purpose is not known. Accounts of the same operation that share nothing measured "
        "here were not seen. "
        "A second month of requests, or an outside lead from another source, would change our confidence."
    )
