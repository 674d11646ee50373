"""What the log of decisions says of each ring now: new, in review, decided, changed since it was decided."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass

from pipeline.decisions import Decision, DecisionLog, holding, standing
from pipeline.review.runs import RunReader, Shelf
from pipeline.standing import RING_CONCLUSIONS

NEW, REVIEW, CHANGED, DECIDED = "new", "review", "changed", "decided"
STATE_WORDS = {NEW: "new", REVIEW: "in review", DECIDED: "decided", CHANGED: "changed since decided"}
STATE_SHAPES = {NEW: "○", REVIEW: "◐", DECIDED: "●", CHANGED: "◆"}


@dataclass(frozen=True)
class RingState:
    """State of a ring; `latest` is the standing decision, `joined` and `left` are None where no longer known."""

    state: str
    latest: Decision | None = None
    joined: int | None = 0
    left: int | None = 0


class LogMirror:
    """The log in memory, brought up to date by what was appended since the last look."""

    def __init__(self, log: DecisionLog) -> None:
        self._log, self._lock = log, threading.Lock()
        self.version = 0
        self.by_ring: dict[str, list[Decision]] = defaultdict(list)
        self.by_account: dict[str, list[Decision]] = defaultdict(list)
        self.by_id: dict[str, Decision] = {}
        self.corrected_by: dict[str, Decision] = {}  # by corrections and withdrawals that are in force themselves
        self._standing: set[str] = set()

    def refresh(self) -> int:
        """Read what is new; returns the version now held."""
        with self._lock:
            new = self._log.after(self.version)
            for row in new:
                self.by_id[row.decision_id] = row
                for ring_id in {row.ring_id, row.other_ring_id} - {None}:
                    self.by_ring[str(ring_id)].append(row)
                if row.account_id:
                    self.by_account[row.account_id].append(row)
                self.version = row.seq
            if new:
                held = holding(self.by_id.values())
                self.corrected_by = {d.supersedes: d for d in held if d.supersedes}
                self._standing = {d.decision_id for d in held if d.conclusion != "withdrawn"}
            return self.version

    def stands(self, row: Decision) -> bool:
        """Whether a row still counts."""
        return row.decision_id in self._standing

    def on_ring(self, ring_id: str) -> list[Decision]:
        """All rows that name a ring, in order of writing."""
        return list(self.by_ring.get(ring_id, ()))

    def seen(self, ring_id: str) -> int:
        """The greatest seq on a ring, 0 where there is none: what a form remembers."""
        rows = [d for d in self.by_ring.get(ring_id, ()) if d.ring_id == ring_id]
        return rows[-1].seq if rows else 0

    def judgement(self, ring_id: str) -> Decision | None:
        """The standing decision on a ring as a whole."""
        found = [d for d in standing(self.by_ring.get(ring_id, ())) if d.conclusion in RING_CONCLUSIONS]
        return found[-1] if found else None

    def everything(self) -> list[Decision]:
        """All rows, in order of writing."""
        return list(self.by_id.values())


class States:
    """States of all rings of a run, and who joined or left a ring since it was judged."""

    def __init__(self, shelf: Shelf, mirror: LogMirror) -> None:
        self._shelf, self._mirror = shelf, mirror
        self._moves: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._held: tuple[tuple[str, int], dict[str, RingState]] | None = None

    def of_run(self, run: RunReader) -> dict[str, RingState]:
        """State by ring of every ring that has a standing decision, assignments left aside."""
        key = (run.run_id, self._mirror.refresh())
        if self._held is None or self._held[0] != key:
            self._held = (key, self._decided(run))
        return self._held[1]

    def of_ring(self, run: RunReader, ring_id: str, assigned: dict[str, str]) -> RingState:
        """State of one ring."""
        found = self.of_run(run).get(ring_id)
        return found or RingState(REVIEW if ring_id in assigned else NEW)

    def _decided(self, run: RunReader) -> dict[str, RingState]:
        judged = {r: d for r in list(self._mirror.by_ring) if r in run.rings and (d := self._mirror.judgement(r))}
        different = {r: d for r, d in judged.items() if d.members_digest != run.notes[r].digest}
        self._compare(run, different)
        states = {}
        for ring_id, decision in judged.items():
            if ring_id not in different:
                states[ring_id] = RingState(DECIDED, decision)
                continue
            joined, left = self._moves.get((run.run_id, decision.run_id or "", ring_id), (None, None))
            quiet = decision.conclusion == "dismissed" and (joined == 0 or run.rings[ring_id]["suppressed_by"])
            states[ring_id] = RingState(DECIDED if quiet else CHANGED, decision, joined, left)
        return states

    def _compare(self, run: RunReader, different: dict[str, Decision]) -> None:
        """Count who joined and left each ring since the run it was judged on, where that run is kept."""
        by_run: dict[str, list[str]] = defaultdict(list)
        for ring_id, decision in different.items():
            if decision.run_id and (run.run_id, decision.run_id, ring_id) not in self._moves:
                by_run[decision.run_id].append(ring_id)
        for old_id, ring_ids in by_run.items():
            if not self._shelf.has(old_id):
                continue
            now, then = _members(run, ring_ids), _members(self._shelf.read(old_id), ring_ids)
            for ring_id in ring_ids:
                moved = (len(now[ring_id] - then[ring_id]), len(then[ring_id] - now[ring_id]))
                self._moves[(run.run_id, old_id, ring_id)] = moved

    def newcomers(self, run: RunReader, ring_id: str, decision: Decision) -> set[str] | None:
        """Accounts that joined since a decision, or None where the run it was made on is no longer kept."""
        if not decision.run_id or not self._shelf.has(decision.run_id):
            return None
        then = _members(self._shelf.read(decision.run_id), [ring_id])[ring_id]
        return _members(run, [ring_id])[ring_id] - then


def _members(run: RunReader, ring_ids: list[str]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = defaultdict(set)
    sql = "SELECT ring_id, account_id FROM members WHERE ring_id IN (SELECT unnest(?))"
    for row in run.rows(sql, [ring_ids], needs="members"):
        held[row["ring_id"]].add(row["account_id"])
    return held
