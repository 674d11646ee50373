"""The first pages of a briefing: summary, at a glance, what changed."""

from __future__ import annotations

import pandas as pd

from pipeline import words
from pipeline.accused import MEMBERSHIP
from pipeline.exports import numbers
from pipeline.exports.briefing.changes import Earlier
from pipeline.exports.briefing.model import Block, Box, Heading, Para, Picture, Points, Table
from pipeline.exports.briefing.say import RingFacts, operator_sentence
from pipeline.exports.figures.choose import Overview, accounts_in_window
from pipeline.exports.figures.sheet import Frame
from pipeline.exports.frames import each, rows_of
from pipeline.exports.tables import Tables
from pipeline.exports.trace import Source, cite, name_of, safe

FLAGGED = (("flagged", "=", "true"),)
MOST_ROWS = 40
MOST_STOPPED = 20
NOTHING_SEEN = (
    "What is not known: groups that share nothing measured here would not be seen, and purposes are not measured."
)
ASK = {
    "internal": "We ask analysts to confirm or dismiss each flagged ring before any account is acted on.",
    "partner": "We ask partners to compare these patterns with their own records and to tell us where they differ.",
    "public": "We ask readers who know more about these patterns to write to us.",
}
CHANGES = {
    "born": "new",
    "continued": "continued",
    "grew": "grew",
    "shrank": "shrank",
    "merged": "merged",
    "split": "split",
    "gone": "gone",
    "revived": "came back",
}


def finding(flagged: pd.DataFrame, frame: Frame) -> str:
    """The title: the finding with its numbers."""
    if flagged.empty:
        return f"No coordinated operation was flagged, {frame.window}"
    n, requests = len(flagged), int(flagged["n_events"].sum())
    rings = cite(numbers.count(n), Source("count", "rings", "", FLAGGED), n)
    made = cite(numbers.count(requests), Source("sum", "rings", "n_events", FLAGGED), requests)
    return f"{rings} flagged {numbers.plural(n, 'ring')} made {made} requests"


def summary(tables: Tables, flagged: pd.DataFrame, figures: Overview, frame: Frame) -> list[Block]:
    """Five points, the picture of campaigns, what we ask, how to read likelihood."""
    blocks: list[Block] = [Heading(1, "Summary"), Points(tuple(_points(tables, flagged)))]
    blocks.append(Picture(figures.campaigns))
    blocks.append(Para(ASK[tables.level]))
    blocks.append(likelihood_box())
    return blocks


def _points(tables: Tables, flagged: pd.DataFrame) -> list[str]:
    if flagged.empty:
        return [
            "No group of this window was flagged: none passed the threshold, the false discovery rate "
            "and the rival explanations.",
            NOTHING_SEEN,
        ]
    points = [_scale(tables, flagged)]
    largest = RingFacts(tables, flagged.sort_values(["n_events", "ring_id"], ascending=[False, True]).iloc[0])
    points.append(f"The busiest is {largest.ring_id}: {largest.size()} accounts made {largest.requests()} requests.")
    strongest = RingFacts(tables, flagged.iloc[0])
    points.append(
        strongest.it_is(f"the {strongest.size()} accounts of {strongest.ring_id} are one coordinated operation")
    )
    named = flagged[flagged["operator"].notna()]
    if len(named):
        points.append(operator_sentence(RingFacts(tables, named.iloc[0])))
    else:
        points.append("No operation is attributed to a named operator.")
    points.append(NOTHING_SEEN)
    return points


def _scale(tables: Tables, flagged: pd.DataFrame) -> str:
    """How many accounts are accused; withheld where the difference to all members would tell of few."""
    members = tables.table("members")
    ids = set(flagged["ring_id"])
    inside = members[members["ring_id"].isin(ids)]
    accused = int((inside["membership"] >= MEMBERSHIP).sum())
    size = int(flagged["size"].sum())
    everybody = cite(numbers.count(size), Source("sum", "rings", "size", FLAGGED), size)
    window = accounts_in_window(tables.manifest)
    seen = cite(numbers.count(window[0]), Source("value", "manifest", window[1]), window[0]) if window else ""
    told = f"Of {seen} accounts in the window, {everybody} are" if window else f"{everybody} accounts are"
    if tables.k > 1:
        return f"{told} in flagged rings."
    core = cite(numbers.count(accused), Source("accused", "members"), accused)
    sure = "all of them belong" if accused == size else f"{core} of them belong"
    return f"{told} in flagged rings; {sure} with membership 0.5 or more."


def likelihood_box() -> Box:
    """How to read the words of likelihood."""
    bounds = [b for b, _ in words.BANDS]
    rows = []
    for at, (low, word) in enumerate(words.BANDS):
        high = 1.0 if at == 0 else bounds[at - 1]
        rows.append((word, f"{low:.2f} to {'1' if at == 0 else f'below {high:.2f}'}"))
    rows.append(
        ("confidence", "high, moderate or low: how good the basis of a judgement is; always in a sentence of its own")
    )
    return Box("How to read likelihood", tuple(rows))


def glance(tables: Tables, flagged: pd.DataFrame, earlier: Earlier | None = None) -> list[Block]:
    """The table of all flagged rings and what changed since the window before, or since the one compared."""
    changes = earlier.words if earlier is not None else _changes(tables)
    rows: list[tuple[str, ...]] = []
    for ring in each(flagged.head(MOST_ROWS)):
        facts = RingFacts(tables, ring)
        rows.append(
            (
                facts.ring_id,
                name_of(ring.operator_id if pd.notna(ring.operator_id) else "-"),
                facts.size(),
                facts.requests(),
                facts.span(),
                facts.likelihood(),
                safe(ring.confidence),
                changes.get(facts.ring_id, "-"),
            )
        )
    head: tuple[str, ...] = ("operation", "operator", "accounts", "requests", "days", "likelihood", "confidence")
    if any(row[-1] != "-" for row in rows):
        head = (*head, "since the window before")
    rows = [row[: len(head)] for row in rows]
    blocks: list[Block] = [
        Heading(1, "At a glance"),
        Table("Flagged rings, strongest first", head, tuple(rows), frozenset({2, 3, 4})),
    ]
    rest = len(flagged) - len(rows)
    if rest > 0:
        n = cite(numbers.count(rest), Source("flagged_beyond", "rings", "", (("rows", "=", str(MOST_ROWS)),)), rest)
        blocks.append(Para(f"{n} more flagged rings are counted in all totals and left out of this table."))
    return [*blocks, Para(_changed(tables))] if earlier is None else [*blocks, *_against(tables, flagged, earlier)]


def _against(tables: Tables, flagged: pd.DataFrame, earlier: Earlier) -> list[Block]:
    """Both windows side by side: what grew, shrank, came new, came back, stopped."""
    blocks: list[Block] = [
        Heading(2, "Against the earlier window"),
        Para(f"The earlier window is {earlier.window}, UTC, run {earlier.run_id}.", free=True),
        Para(_stopped(earlier.gone)),
    ]
    if not earlier.then:
        return blocks

    def then(ring_id: str, at: int) -> str:
        if ring_id not in earlier.then:
            return "-"
        n, column = earlier.then[ring_id][at], ("size", "n_events")[at]
        source = Source("value", f"{earlier.run_id}/rings", column, (("ring_id", "=", ring_id),))
        return cite(numbers.count(n), source, n)

    rows = []
    for ring in each(flagged.head(MOST_ROWS)):
        facts = RingFacts(tables, ring)
        told = (then(facts.ring_id, 0), facts.size(), then(facts.ring_id, 1), facts.requests())
        rows.append((facts.ring_id, *told, earlier.words.get(facts.ring_id, "-")))
    rows += [(r, then(r, 0), "-", then(r, 1), "-", "stopped") for r in earlier.gone[:MOST_STOPPED]]
    head = ("operation", "accounts then", "accounts now", "requests then", "requests now", "what became of it")
    title = f"Flagged rings of both windows; then: run {earlier.run_id}"
    return [*blocks, Table(title, head, tuple(rows), frozenset({1, 2, 3, 4}))]


def _stopped(rings: tuple[str, ...]) -> str:
    """Rings flagged in the earlier window that this one does not have."""
    if not rings:
        return "Every ring that was flagged in the earlier window is still reported in this one."
    more = " and others, listed in no table" if len(rings) > MOST_STOPPED else ""
    return (
        f"Flagged in the earlier window and not reported in this one: {words.listed(list(rings[:MOST_STOPPED]))}{more}."
    )


def _changes(tables: Tables) -> dict[str, str]:
    """One word a ring on what became of it; none where no earlier run was followed, for then every ring is new."""
    if not tables.manifest.get("previous_run"):
        return {}
    history = tables.table("ring_history")
    return {str(r.ring_id): CHANGES.get(str(r.change), safe(r.change)) for r in rows_of(history)}


def _changed(tables: Tables) -> str:
    history = tables.table("ring_history")
    if not tables.manifest.get("previous_run") or history.empty or tables.k > 1:
        return (
            "No earlier window was compared."
            if tables.k <= 1
            else "Changes since the window before are not told to this audience."
        )
    counts = history.drop_duplicates(["ring_id", "change"])["change"].value_counts()
    told = []
    for change, word in CHANGES.items():
        n = int(counts.get(change, 0))
        if n:
            told.append(
                f"{cite(numbers.count(n), Source('count', 'ring_history', '', (('change', '=', change),)), n)} {word}"
            )
    return f"Of all reported rings, since the window before: {words.listed(told)}."
