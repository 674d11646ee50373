"""Which decisions stand: corrections and withdrawals are rows of their own, and only what stands may count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.nulls import texts

if TYPE_CHECKING:
    import pandas as pd

RING_CONCLUSIONS = ("confirmed", "dismissed", "unsure", "split", "merged")  # verdicts on a ring as a whole


def in_force(rows: Sequence[tuple[str, str, str | None, str | None]]) -> list[bool]:
    """Which decisions hold, withdrawals included. `rows`: (decision_id, conclusion, ring_id, supersedes), oldest first.

    A decision falls when one that holds names it in `supersedes`. Withdrawing a correction therefore brings back what
    it corrected: a withdrawn decision leaves no trace. A withdrawal that names no decision but a ring takes back the
    ring's latest decision before it that holds.
    """
    fallen: set[str] = set()
    taken_back: dict[str, int] = {}  # ring -> withdrawals by ring that still seek their decision
    holds = [False] * len(rows)
    for i in range(len(rows) - 1, -1, -1):  # a later decision is settled before the earlier ones that it may strike out
        decision_id, conclusion, ring, corrected = rows[i]
        if decision_id in fallen:
            continue
        if conclusion != "withdrawn" and ring is not None and taken_back.get(ring, 0) > 0:
            taken_back[ring] -= 1
            continue
        holds[i] = True
        if corrected is not None:
            fallen.add(corrected)
        elif conclusion == "withdrawn" and ring is not None:
            taken_back[ring] = taken_back.get(ring, 0) + 1
    return holds


def standing(decisions: pd.DataFrame) -> pd.DataFrame:
    """The decisions that stand, oldest first: those in force that are no withdrawals."""
    if decisions.empty:
        return decisions
    ordered = decisions.sort_values(["decided_at", "decision_id"]).reset_index(drop=True)
    ids, conclusions = ordered["decision_id"].tolist(), ordered["conclusion"].tolist()
    holds = in_force(list(zip(ids, conclusions, texts(ordered["ring_id"]), texts(ordered["supersedes"]), strict=True)))
    counts = [yes and what != "withdrawn" for yes, what in zip(holds, conclusions, strict=True)]
    return ordered[counts].reset_index(drop=True)


def latest_verdicts(decisions: pd.DataFrame) -> pd.DataFrame:
    """The latest standing verdict on each ring, one row a ring."""
    alive = standing(decisions)
    verdicts = alive[alive["conclusion"].isin(RING_CONCLUSIONS) & alive["ring_id"].notna()]
    return verdicts.drop_duplicates("ring_id", keep="last").sort_values("ring_id").reset_index(drop=True)
