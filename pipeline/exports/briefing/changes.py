"""Two windows compared: what grew, stopped, came back."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from pipeline.exports.redaction import Redacted
from pipeline.exports.tables import RunTables, Tables, frame_of
from pipeline.storage import open_run

STEP = 0.1  # relative change of size that counts as growing or shrinking


def compared(before: RunTables, now: RunTables, shown: Tables) -> dict[str, str]:
    """For each ring that an audience sees, one word on what became of it since an earlier run.

    Rings are known again by their lasting ids. The key is the id that the audience sees.
    """
    old, new = before.table("rings").set_index("ring_id"), now.table("rings").set_index("ring_id")
    history = now.table("ring_history")
    back = set(history.loc[history["change"] == "revived", "ring_id"])
    said = {}
    for ring_id, ring in new.iterrows():
        said[str(ring_id)] = _word(ring, old, str(ring_id), back)
    if isinstance(shown, Redacted):
        return {shown.names.ring(r): word for r, word in said.items()}
    return said


def _word(ring: pd.Series, old: pd.DataFrame, ring_id: str, back: set[str]) -> str:
    if ring_id in back:
        return "came back"
    if ring_id not in old.index:
        return "new"
    size, before = int(ring["size"]), int(old.loc[ring_id, "size"])  # type: ignore[arg-type]
    if size > before * (1 + STEP):
        return "grew"
    if size < before * (1 - STEP):
        return "shrank"
    return "continued"


def stopped(before: RunTables, now: RunTables, shown: Tables) -> tuple[str, ...]:
    """Flagged rings of the earlier run that the later one does not have, under the names that the audience sees."""
    old = before.table("rings")
    if isinstance(shown, Redacted):
        old = old[old["size"] >= shown.k]
    gone = sorted(set(old.loc[old["flagged"], "ring_id"].astype(str)) - set(now.table("rings")["ring_id"]))
    return tuple(shown.names.ring(r) for r in gone) if isinstance(shown, Redacted) else tuple(gone)


@dataclass(frozen=True)
class Earlier:
    """What an earlier window says beside this one.

    `words`: what became of each ring of this run; `gone`: flagged rings that it no longer has; `then`: accounts and
    requests of rings in the earlier run, empty for audiences for whom a difference of two counts would tell of few.
    """

    run_id: str
    window: str
    words: dict[str, str]
    gone: tuple[str, ...] = ()
    then: dict[str, tuple[int, int]] = field(default_factory=dict)


def windows(earlier: str, now: RunTables, shown: Tables) -> Earlier:
    """The earlier run at an address, held against this one for whoever sees `shown`."""
    return earlier_of(RunTables.of(open_run(earlier)), now, shown)


def earlier_of(before: RunTables, now: RunTables, shown: Tables) -> Earlier:
    """An earlier run held against this one for whoever sees `shown`."""
    frame, rings = frame_of(before), before.table("rings")
    held = zip(rings["ring_id"].astype(str), rings["size"].astype(int), rings["n_events"].astype(int), strict=True)
    then = {ring_id: (size, requests) for ring_id, size, requests in held} if shown.k <= 1 else {}
    return Earlier(frame.run_id, frame.window, compared(before, now, shown), stopped(before, now, shown), then)
