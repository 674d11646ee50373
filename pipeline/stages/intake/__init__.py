"""The door: every row of the input is checked, brought to normal form, and kept once.

A broken table ends the run; a broken row is refused with its reason; a repeated row is counted and left out; a row
outside the window is counted and left out. For every table: in = out + rejected + duplicates + outside the window.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from pipeline.errors import InputError, Place
from pipeline.period import Period
from pipeline.pseudonyms import Pseudonyms
from pipeline.schemas.inputs import INPUTS
from pipeline.settings import Settings
from pipeline.stages.intake import events, small
from pipeline.stages.intake.checks import EXPECTED, MEND, REASONS, UNREADABLE, keyed
from pipeline.stages.intake.hiding import hidden, hidden_parts
from pipeline.stages.intake.plans import reading_of
from pipeline.stages.intake.survey import Survey, survey
from pipeline.workbench import Inputs, Shelf, Workbench

__all__ = ["Intake", "Survey", "bearable", "make", "survey"]

_SMALL = tuple(name for name in INPUTS if name != "events")
FEW = 10  # refused rows below this never end a run by their share alone


@dataclass(frozen=True)
class Intake:
    """The checked tables, the refused rows, and for each input table what became of its rows."""

    clean_events: list[str]
    clean_payments: pa.Table
    clean_accounts: pa.Table
    clean_indicators: pa.Table
    clean_ip_ranges: pa.Table
    clean_allowlist: pa.Table
    clean_decisions: pa.Table
    rejected_events: pa.Table
    rejected_payments: pa.Table
    rejected_accounts: pa.Table
    rejected_indicators: pa.Table
    rejected_ip_ranges: pa.Table
    rejected_allowlist: pa.Table
    rejected_decisions: pa.Table
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def make(
    inputs: Inputs, *, settings: Settings, period: Period | None, bench: Workbench, shelf: Shelf | None = None,
    pseudonyms: Pseudonyms | None = None,
) -> Intake:  # fmt: skip
    """Check all tables of the input. Raises InputError or FaultList where a table is broken.

    With `pseudonyms` no name, address or card goes on from here, and nothing of the events is kept for later.
    """
    readings = {name: reading_of(table, settings) for name, table in sorted(inputs.tables.items())}
    _, until = events.bounds(period)
    there = [name for name in _SMALL if name in readings]
    made = bench.map(
        small.bring_in, [(readings[name], settings, until) for name in there], what="check the small tables"
    )
    tables = {name: small.empty(name, settings) for name in _SMALL} | dict(zip(there, made, strict=True))
    kept = shelf if pseudonyms is None else None
    brought = events.bring_in(readings["events"], period, settings.input.chunk_rows, bench, kept)
    counts = {"events": brought.counts} | {name: tables[name].counts for name in _SMALL}
    refused = {"events": brought.rejected} | {name: tables[name].rejected for name in _SMALL}
    for name, count in counts.items():
        _end_above(name, count, refused[name], settings.input.max_rejected_share)
    # The key is what the events say as a whole: who holds them needs no digest, who does not cannot try values out.
    key = b"".join(n.to_bytes(8, "big") for n in brought.sums)
    clean = {name: tables[name].clean for name in _SMALL}
    if pseudonyms is not None:
        hidden_parts(brought.parts, pseudonyms, bench)
        clean = {name: hidden(name, table, pseudonyms, settings.link_types) for name, table in clean.items()}
    return Intake(
        clean_events=brought.parts,
        **{f"clean_{name}": table for name, table in clean.items()},
        **{f"rejected_{name}": keyed(table, key) for name, table in refused.items()},
        counts=counts,
    )


def bearable(n_rows: int, n_refused: int, share: float) -> bool:
    """Whether a run goes on with that many refused rows: some may be, but not all, nor more than the share."""
    return n_refused == 0 or (n_refused < n_rows and (n_refused < FEW or n_refused <= share * n_rows))


def _end_above(name: str, count: dict[str, int], refused: pa.Table, share: float) -> None:
    """End the run where more rows of a table are refused than the settings bear."""
    bad = count["rejected"]
    if bearable(count["in"], bad, share):
        return
    kinds: dict[tuple[str | None, str], list[int]] = {}
    for row, pair in enumerate(zip(refused["column"].to_pylist(), refused["reason"].to_pylist(), strict=True)):
        kinds.setdefault(pair, []).append(row)
    (column, reason), places = min(kinds.items(), key=lambda item: (-len(item[1]), str(item[0])))
    first = refused.slice(places[0], 1).to_pylist()[0]
    known = INPUTS[name].column(column) if column in INPUTS[name].names else None
    what = "a row that can be read" if known is None else known.meaning
    of_type = "Mend"
    if known and known.type != "string":  # of text that is no address, what it means says enough
        what = f"{what}: {EXPECTED[known.type]}"
        of_type = f"{MEND[known.type]} Or mend" if reason == REASONS[UNREADABLE] else "Mend"
    raise InputError(
        f"{bad} of {count['in']} rows of {name} are refused, most ({len(places)}) because {reason}",
        place=Place(first["file"], column or "", first["row"]), found=first["found"] or "a broken line", expected=what,
        mend=f"{of_type} the table, map its columns in the settings, or raise input.max_rejected_share.",
    )  # fmt: skip
