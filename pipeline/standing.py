"""Which decisions stand: corrections and withdrawals are rows of their own, and only what stands may count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.nulls import texts

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("confirmed", "dismissed", "unsure", "split", "merged")  # conclusions on a ring as a whole


def standing(decisions: pd.DataFrame) -> pd.DataFrame:
    """The decisions that stand, oldest first; withdrawals themselves are left out.

    A decision falls when a standing one names it in `supersedes`. Withdrawing a correction therefore brings back what
    it corrected: a withdrawn decision leaves no trace. A withdrawal that names no decision but a ring takes back the
    ring's latest standing decision before it.
    """
    if decisions.empty:
        return decisions
    ordered = decisions.sort_values(["decided_at", "decision_id"]).reset_index(drop=True)
    ids = ordered["decision_id"].tolist()
    names = texts(ordered["supersedes"])
    rings = texts(ordered["ring_id"])
    withdrawal = (ordered["conclusion"] == "withdrawn").tolist()
    fallen: set[str] = set()
    taken_back: dict[str, int] = {}  # ring -> withdrawals by ring that still seek their decision
    keep = [False] * len(ids)
    for i in range(len(ids) - 1, -1, -1):  # a later decision is settled before the earlier ones that it may strike out
        if ids[i] in fallen:
            continue
        ring, corrected = rings[i], names[i]
        if corrected is not None:
            fallen.add(corrected)
        elif withdrawal[i] and ring is not None:
            taken_back[ring] = taken_back.get(ring, 0) + 1
        if withdrawal[i]:
            continue
        if ring is not None and taken_back.get(ring, 0) > 0:
            taken_back[ring] -= 1
            if corrected is not None:
                fallen.discard(corrected)
            continue
        keep[i] = True
    return ordered[keep].reset_index(drop=True)


def latest_verdicts(decisions: pd.DataFrame) -> pd.DataFrame:
    """The latest standing verdict on each ring, one row a ring."""
    alive = standing(decisions)
    verdicts = alive[alive["conclusion"].isin(VERDICTS) & alive["ring_id"].notna()]
    return verdicts.drop_duplicates("ring_id", keep="last").sort_values("ring_id").reset_index(drop=True)
