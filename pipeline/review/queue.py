"""The queue: rings in the order in which they need a person, with a random share among them for honest error rates.

Order: changed since decided, new, grown, then the rest; within each by score x log(size). A ring drawn as a check
stands among the others at a place drawn by chance and says "waits" like any other: who knew would read it otherwise.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pipeline.review.runs import RingNote, Row, RunReader
from pipeline.review.say import short_day
from pipeline.review.seal import Seal
from pipeline.review.states import CHANGED, DECIDED, NEW, REVIEW, STATE_SHAPES, RingState

PAGE = 50
SIZES = (("3-9", 3, 9), ("10-99", 10, 99), ("100-999", 100, 999), ("1000+", 1000, 10**12))
BANDS = ((0.05, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01))
_FIELDS = ("state", "kind", "tie", "size", "who", "operator", "since")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A ring in the queue."""

    ring: Row
    note: RingNote
    state: str
    why: str
    who: str | None
    waits: bool
    is_check: bool
    key: tuple[int, float, str]
    decided: RingState | None

    @property
    def ring_id(self) -> str:
        """The ring."""
        return str(self.ring["ring_id"])

    @property
    def shape(self) -> str:
        """The state's mark."""
        return STATE_SHAPES[self.state]

    @property
    def growth(self) -> str:
        """What the size did since the previous run: `+43`, `new` or nothing."""
        before = self.note.previous_size
        if self.note.change == "born":
            return "new" if before is None and self.note.previous_ring_id is None else ""
        change = self.ring["size"] - before if before else 0
        return f"{change:+,}".replace("-", "−") if change else ""


def band(score: float) -> int:
    """Number of the score's band."""
    return next((k for k, (low, high) in enumerate(BANDS) if low <= score < high), 0)


def is_check(seal: Seal, rate: float, run_id: str, ring_id: str) -> bool:
    """Whether a ring is drawn as a check in a run: by keyed hash, flagged or not, at one rate in every band."""
    return seal.unit("check", run_id, ring_id) < rate


def build(
    run: RunReader, states: Mapping[str, RingState], assigned: Mapping[str, str], seal: Seal, rate: float
) -> list[QueueRow]:
    """All rings of a run in queue order."""
    heaviest = max((_weight(r) for r in run.rings.values()), default=1.0)
    rows = []
    for ring_id, ring in run.rings.items():
        note, decided, who = run.notes[ring_id], states.get(ring_id), assigned.get(ring_id)
        state = decided.state if decided else (REVIEW if who else NEW)
        check = is_check(seal, rate, run.run_id, ring_id)
        waits = state == CHANGED or (state in (NEW, REVIEW) and (ring["flagged"] or check))
        group, why = _why(run, note, ring, state, decided)
        weight = _weight(ring)
        if check and not ring["flagged"]:
            weight = heaviest * seal.unit("place", run.run_id, ring_id)
        rows.append(QueueRow(ring, note, state, why, who, waits, check, (group, -round(weight, 9), ring_id), decided))
    return sorted(rows, key=lambda r: r.key)


def _weight(ring: Row) -> float:
    return float(ring["score"]) * math.log(1 + int(ring["size"]))


def _why(run: RunReader, note: RingNote, ring: Row, state: str, decided: RingState | None) -> tuple[int, str]:
    """Place in the order (0 first) and the words for it."""
    if state == CHANGED and decided and decided.latest:
        since = short_day(decided.latest.decided_at)
        if decided.joined:
            return 0, f"{decided.joined:,} joined since {since}"
        return 0, f"{decided.left:,} left since {since}" if decided.left else f"changed since {since}"
    if state == DECIDED:
        return 4, decided.latest.conclusion if decided and decided.latest else "decided"
    first = run.manifest.get("previous_run") is None
    if note.change == "born":
        return (3, "waits") if first else (1, "new in this run")
    if note.change == "revived":
        return 1, "came back"
    if note.change == "grew" and note.previous_size:
        return 2, f"grew {100 * (ring['size'] - note.previous_size) / note.previous_size:.0f}% since the last run"
    return (2, note.change) if note.change in ("merged", "split") else (3, "waits")


@dataclass(frozen=True)
class QueueQuery:
    """What of the queue is asked for; everything stands in the address."""

    state: str = "waits"
    kind: str = ""
    tie: str = ""
    size: str = ""
    who: str = ""
    operator: str = ""
    since: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> QueueQuery:
        """From the query of an address; what is not understood is left out."""
        held = {name: values[name][:200] for name in (*_FIELDS, "after") if values.get(name)}
        return cls(**held)

    def address(self, **changes: str) -> str:
        """The address of this view with some changes, from its first page."""
        query = replace(self, **{"after": "", **changes})
        shown = [(n, getattr(query, n)) for n in (*_FIELDS, "after") if getattr(query, n)]
        shown = [(n, v) for n, v in shown if (n, v) != ("state", "waits")]
        return "/queue" + (f"?{urlencode(shown)}" if shown else "")

    def tests(self, me: str) -> dict[str, Callable[[QueueRow], bool]]:
        """One test for each filter that is set."""
        span = next(((low, high) for name, low, high in SIZES if name == self.size), None)
        day = _day(self.since)
        tests: dict[str, Callable[[QueueRow], bool]] = {}
        if self.state == "waits":
            tests["state"] = lambda r: r.waits
        elif self.state != "all":
            tests["state"] = lambda r: r.state == self.state
        if self.kind:
            tests["kind"] = lambda r: bool(r.ring["kind"] == self.kind)
        if self.tie:
            tests["tie"] = lambda r: self.tie in r.note.ties
        if span:
            tests["size"] = lambda r: span[0] <= r.ring["size"] <= span[1]
        if self.who:
            tests["who"] = lambda r: r.who == me if self.who == "me" else r.who is None
        if self.operator:
            tests["operator"] = lambda r: bool(r.ring["operator_id"] == self.operator)
        if day:
            tests["since"] = lambda r: r.ring["first_seen"] is not None and bool(r.ring["first_seen"] >= day)
        return tests


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text + "T00:00:00+00:00") if text else None
    except ValueError:
        return None


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue."""

    rows: list[QueueRow]
    total: int
    first: int
    following: str
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


def page(rows: Iterable[QueueRow], query: QueueQuery, me: str) -> QueuePage:
    """The rows asked for, with counts a filter: how many rings each choice would show, the other filters kept."""
    everything, tests = list(rows), query.tests(me)
    fits = [r for r in everything if all(t(r) for t in tests.values())]
    begin = bisect_right([r.key for r in fits], _after(query.after)) if query.after else 0
    shown = fits[begin : begin + PAGE]
    more = begin + PAGE < len(fits)
    following = query.address(after=_cursor(shown[-1].key)) if more else ""
    return QueuePage(shown, len(fits), begin + 1, following, _facets(everything, tests))


def _facets(rows: list[QueueRow], tests: dict[str, Callable[[QueueRow], bool]]) -> dict[str, list[tuple[str, int]]]:
    values: dict[str, Callable[[QueueRow], list[str]]] = {
        "state": lambda r: [r.state, *(["waits"] if r.waits else []), "all"],
        "kind": lambda r: [r.ring["kind"]],
        "tie": lambda r: list(r.note.ties),
        "size": lambda r: [name for name, low, high in SIZES if low <= r.ring["size"] <= high],
        "operator": lambda r: [r.ring["operator_id"]] if r.ring["operator_id"] else [],
    }
    facets: dict[str, list[tuple[str, int]]] = {}
    for name, of in values.items():
        others = [t for other, t in tests.items() if other != name]
        counted = Counter(v for r in rows if all(t(r) for t in others) for v in of(r))
        facets[name] = sorted(counted.items(), key=lambda c: (-c[1], c[0]))[:12]
    order = {name: k for k, (name, _, _) in enumerate(SIZES)}
    facets["size"].sort(key=lambda c: order[c[0]])
    return facets


def _cursor(key: tuple[int, float, str]) -> str:
    return f"{key[0]}~{key[1]!r}~{key[2]}"


def _after(cursor: str) -> tuple[int, float, str]:
    group, _, rest = cursor.partition("~")
    weight, _, ring_id = rest.partition("~")
    try:
        return int(group), float(weight), ring_id
    except ValueError:
        return -1, 0.0, ""


def neighbours(rows: Iterable[QueueRow], ring_id: str) -> dict[str, Any]:
    """Where a ring stands among those that wait: number, of how many, the one before, the one after."""
    waiting = [r.ring_id for r in rows if r.waits]
    if ring_id not in waiting:
        return {"place": 0, "of": len(waiting), "previous": None, "next": waiting[0] if waiting else None}
    k = waiting.index(ring_id)
    return {
        "place": k + 1,
        "of": len(waiting),
        "previous": waiting[k - 1] if k else None,
        "next": waiting[k + 1] if k + 1 < len(waiting) else None,
    }
