"""Carries out `ringtrace brief`: reads the run, redacts, builds, checks the words, writes outside the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pipeline import storage
from pipeline.errors import Place, RunError, UsageError, quoted
from pipeline.exports import briefing
from pipeline.exports.approval import read_approval
from pipeline.exports.approved_lists import read_lists
from pipeline.exports.briefing import html
from pipeline.exports.briefing.changes import windows
from pipeline.exports.briefing.model import Document
from pipeline.exports.figures import SLIDE, draw, evasion
from pipeline.exports.figures.paper import LabelCollisionError, write_bytes
from pipeline.exports.figures.sheet import Sheet
from pipeline.exports.linter import faults
from pipeline.exports.pseudonyms import Pseudonyms, read_key
from pipeline.exports.redaction import PARTNER, Redacted, smallest_cell
from pipeline.exports.safe_csv import csv_bytes
from pipeline.exports.tables import INTERNAL, RunTables, Tables, frame_of
from pipeline.exports.whole import without, write_figures, write_pdf


@dataclass(frozen=True)
class Order:
    """What was asked for on the command line."""

    run: str
    to: str
    audience: str = INTERNAL
    recipient: str = ""
    key_file: str | None = None
    approval: str | None = None
    rings: tuple[str, ...] = ()
    title: str = ""
    logo: str | None = None
    compare: str | None = None
    evaluation: str | None = None
    evasion: str | None = None
    grades: str | None = None
    lists: str | None = None
    slides: bool = False


def carry_out(order: Order) -> Iterator[str]:
    """Write the briefing; yields what should be said on standard error. Raises UsageError, RunError."""
    run = storage.open_run(order.run)
    target = Path(order.to)
    if run.place.local and _inside(target, run.place.path):
        raise UsageError(
            "a briefing is written outside the run",
            found=quoted(order.to),
            expected="a folder of its own",
            mend="Name another with --to.",
        )
    inner = RunTables.of(run)
    tables, wish = prepare(order, inner)
    document = briefing.build(tables, wish)
    wrong = faults(document)
    if wrong:
        raise RunError(
            f"the briefing breaks {len(wrong)} rules of wording",
            found="; ".join(str(w) for w in wrong[:3]),
            mend="Mend the title or report this.",
        )
    target.mkdir(parents=True, exist_ok=True)
    yield from write(document, target, slides=order.slides)


def prepare(order: Order, inner: RunTables) -> tuple[Tables, briefing.Wish]:
    """The tables that this audience may see, and what the briefing is to hold."""
    known = set(inner.table("rings")["ring_id"])
    unknown = sorted(set(order.rings) - known)
    if unknown:
        raise UsageError(
            "the run has no such ring",
            found=quoted(unknown[0]),
            expected=f"one of its {len(known)} rings",
            mend="Look them up in rings.parquet.",
        )
    tables: Tables = inner
    rings = order.rings
    approval: tuple[tuple[str, str], ...] = ()
    if order.audience != INTERNAL:
        given = read_approval(
            order.approval,
            run_id=inner.manifest["run_id"],
            audience=order.audience,
            recipient=order.recipient,
            rings=order.rings,
        )
        approval = given.rows()
        tables = redacted(inner, order.audience, order.recipient, order.key_file, order.rings)
        rings = tuple(tables.names.ring(r) for r in order.rings) if isinstance(tables, Redacted) else rings
    frame = frame_of(tables)
    before = windows(order.compare, inner, tables) if order.compare else None
    wish = briefing.Wish(
        title=order.title, operations=rings, approval=approval, compared=before, logo=_bytes(order.logo)
    )
    if order.evaluation:
        held, basis = _held(order.evaluation, inner.manifest["run_id"])
        wish = replace(wish, held=held, basis=basis)
    if order.evasion:
        wish = replace(wish, evasion=_evasion(order.evasion, frame))
    if order.grades:
        wish = replace(wish, grades=_grades(order.grades))
    if order.lists:
        wish = replace(wish, lists=read_lists(order.lists))
    return tables, wish


def redacted(
    inner: RunTables, audience: str, recipient: str, key_file: str | None, rings: tuple[str, ...] = ()
) -> Redacted:
    """The tables for a partner or the public; of flagged rings only those named, if any are.

    Raises UsageError without key or recipient.
    """
    if audience == PARTNER and not recipient.strip():
        raise UsageError(
            "a partner's copy needs a recipient",
            expected="--recipient NAME",
            mend="Pseudonyms differ from recipient to recipient.",
        )
    if key_file is None:
        raise UsageError(
            "pseudonyms need a secret",
            expected="--key-file FILE",
            mend="Keep one secret file and use it for every briefing.",
        )
    names = Pseudonyms(read_key(key_file), f"{audience}:{recipient}")
    return Redacted(inner, audience, names, smallest_cell(inner.manifest), frozenset(rings))


def write(document: Document, target: Path, *, slides: bool = False) -> Iterator[str]:
    """All files of a briefing."""
    figures = target / "figures"
    figures.mkdir(exist_ok=True)
    pictures = write_figures(figures, document)
    document = without(document, pictures)
    said = write_pdf(target / "briefing.pdf", document, pictures)
    if said:
        yield said.strip()
    (target / "briefing.html").write_bytes(html.page(document, pictures))
    listed = pd.DataFrame(
        [{"number": n.shown, "exact": n.exact, "from": n.source} for n in document.numbers()],
        columns=["number", "exact", "from"],
    )
    (target / "numbers.csv").write_bytes(csv_bytes(listed))
    if slides:
        yield from write_slides(target / "slides", document)


def write_slides(folder: Path, document: Document) -> Iterator[str]:
    """Every figure for a slide with its title and foot, 308 mm wide; those that do not fit are named."""
    folder.mkdir(exist_ok=True)
    for sheet in document.sheets():
        try:
            figure = draw(sheet, SLIDE, alone=True)
        except LabelCollisionError:
            yield f"{sheet.name} does not fit on a slide; use the figure in figures/."
            continue
        (folder / f"{sheet.name}.svg").write_bytes(write_bytes(figure, "svg"))
        (folder / f"{sheet.name}.png").write_bytes(write_bytes(figure, "png"))


def _inside(target: Path, run: Path) -> bool:
    return target.resolve().is_relative_to(run.resolve())


def _bytes(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        raise UsageError("the logo cannot be read", place=Place(path), mend="Name an SVG or PNG file.") from fault


def _json(path: str, what: str) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise UsageError(
            f"the {what} cannot be read", place=Place(path), expected="JSON", mend="Name another file."
        ) from fault


def _held(path: str, run_id: str) -> tuple[pd.DataFrame, str]:
    """Bins of the calibration and what they were judged by, from `ringtrace evaluate --json`. Raises UsageError."""
    found = _json(path, "evaluation")
    bins = found.get("calibration", {}).get("bins") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(bins, list):
        raise UsageError(
            "this is no evaluation",
            place=Place(path),
            expected="the output of `ringtrace evaluate --json`",
            mend="Make it with that command.",
        )
    if found.get("run_id") != run_id:
        raise UsageError(
            "the evaluation is of another run",
            place=Place(path),
            found=quoted(found.get("run_id")),
            expected=quoted(run_id),
        )
    frame = pd.DataFrame(bins, columns=["said", "held", "n"]).astype(float)
    return frame, "decisions" if found.get("kind") == "decisions" else "simulated truth"


def _grades(path: str) -> tuple[tuple[str, str], ...]:
    """Sources with Admiralty grades. Raises UsageError for anything that is no grade."""
    found = _json(path, "list of grades")
    if not isinstance(found, dict) or not all(
        isinstance(g, str) and len(g) == 2 and g[0] in "ABCDEF" and g[1] in "123456" for g in found.values()
    ):
        raise UsageError(
            "a grade is not one of the Admiralty code",
            place=Place(path),
            expected="A to F and 1 to 6, such as B2",
            mend="Mend the file.",
        )
    return tuple(sorted((str(s), str(g)) for s, g in found.items()))


def _evasion(path: str, frame: object) -> Sheet:
    from pipeline.exports.figures.sheet import Frame

    assert isinstance(frame, Frame)
    try:
        table = pd.read_csv(path)
        methods = table["method"].astype(str)
    except (OSError, ValueError, KeyError) as fault:
        raise UsageError(
            "the results of the bench cannot be read",
            place=Place(path),
            expected="a CSV with method, level, cost, recall, low, high, seeds",
            mend="Name another file.",
        ) from fault
    ours = "ringtrace" if (methods == "ringtrace").any() else str(methods.iloc[0])
    meaning = dict(zip(table["cost"], table["meaning"], strict=True)) if "meaning" in table.columns else None
    return evasion.sheet(table, ours, frame, meaning)


__all__ = ["Order", "carry_out", "prepare", "redacted", "write"]
