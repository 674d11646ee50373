"""Measured precision from the random checks, and what each threshold would put on the desk.

Only rings drawn as checks count, each at the inverse of its drawing rate: rings that people chose to open say nothing
about the others. Intervals are Wilson's (1927) at 95%; "not sure" is shown and never counted as either.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pipeline.decisions import Decision
from pipeline.review.queue import BANDS, band
from pipeline.standing import RING_CONCLUSIONS

if TYPE_CHECKING:
    from pipeline.review.web import Visit

ENOUGH = 10  # decided rings below which no percentage is given
_Z = 1.959964


def wilson(confirmed: float, decided: float) -> tuple[float, float]:
    """Wilson's interval of a share at 95%; (0, 1) of nothing."""
    if decided <= 0:
        return 0.0, 1.0
    share, z2 = confirmed / decided, _Z * _Z
    middle = (share + z2 / (2 * decided)) / (1 + z2 / decided)
    half = _Z / (1 + z2 / decided) * math.sqrt(share * (1 - share) / decided + z2 / (4 * decided * decided))
    return max(0.0, middle - half), min(1.0, middle + half)


def tally(cases: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Confirmed, dismissed and unsure cases, the weighted share confirmed and its interval where there are enough."""
    held = list(cases)
    said = {c: [x for x in held if x["conclusion"] == c] for c in ("confirmed", "dismissed", "unsure")}
    decided = len(said["confirmed"]) + len(said["dismissed"])
    yes = sum(1 / x["rate"] for x in said["confirmed"])
    weight = yes + sum(1 / x["rate"] for x in said["dismissed"])
    squares = sum(1 / x["rate"] ** 2 for x in (*said["confirmed"], *said["dismissed"]))
    effective = weight * weight / squares if squares else 0.0  # Kish: so many equal draws say as much
    share = yes / weight if weight else 0.0
    low, high = wilson(share * effective, effective)
    return {
        "n": len(held),
        "confirmed": len(said["confirmed"]),
        "decided": decided,
        "unsure": len(said["unsure"]),
        "share": share,
        "low": low,
        "high": high,
        "enough": decided >= ENOUGH,
    }


def cases(v: Visit, checks_only: bool = True) -> list[dict[str, Any]]:
    """One case a (run, ring): what was known when it was judged, and the last standing judgement."""
    rows = v.office.mirror.by_id
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for judged in v.desk.board.judged():
        decision = rows.get(judged["decision_id"])
        if decision is None or (checks_only and not judged["is_check"]) or not v.office.mirror.stands(decision):
            continue
        if decision.conclusion not in ("confirmed", "dismissed", "unsure"):
            continue
        key = (judged["run_id"], judged["ring_id"])
        if key not in last or last[key]["seq"] < decision.seq:
            last[key] = {**judged, "conclusion": decision.conclusion, "seq": decision.seq, "decision": decision}
    return sorted(last.values(), key=lambda c: c["seq"])


def precision(v: Visit) -> dict[str, Any]:
    """By score band, kind and week; agreement of pairs of analysts."""
    held = cases(v)
    bands = [
        (f"{low:.2f}–{min(high, 1.0):.2f}", tally(c for c in held if band(c["score"]) == k))
        for k, (low, high) in enumerate(BANDS)
    ]
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    weeks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in held:
        kinds[case["kind"]].append(case)
        day = case["decision"].decided_at
        weeks[(day - timedelta(days=day.weekday())).strftime("%Y-%m-%d")].append(case)
    return {
        "bands": list(reversed(bands)),
        "kinds": [(k, tally(c)) for k, c in sorted(kinds.items())],
        "weeks": [(w, tally(c)) for w, c in sorted(weeks.items())],
        "all": tally(held),
        "pairs": agreement(v.office.mirror.everything()),
        "since": held[0]["decision"].decided_at if held else None,
        "until": held[-1]["decision"].decided_at if held else None,
    }


def agreement(rows: Iterable[Decision]) -> list[dict[str, Any]]:
    """For each pair of analysts: rings of one run that both judged, and on how many they said the same."""
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.conclusion in ("confirmed", "dismissed") and row.ring_id and row.run_id:
            said[(row.run_id, row.ring_id)][row.analyst] = row.conclusion
    pairs: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for judgements in said.values():
        for one, other in combinations(sorted(judgements), 2):
            pairs[(one, other)].append(judgements[one] == judgements[other])
    return [{"pair": p, "n": len(same), "same": sum(same)} for p, same in sorted(pairs.items())]


def thresholds(v: Visit, at: float) -> dict[str, Any]:
    """What each threshold would put on the desk, and the chosen one: rings, accounts, expected wrong, days of work."""
    fit = [
        r
        for r in v.run.rings.values()
        if r["kind"] == "coordinated" and r["q_value"] <= v.run.max_q and r["suppressed_by"] is None
    ]
    pace = pace_of(v)

    def row(threshold: float) -> dict[str, Any]:
        held = [r for r in fit if r["score"] >= threshold - 1e-9]
        return {
            "threshold": threshold,
            "rings": len(held),
            "accounts": sum(r["size"] for r in held),
            "wrong": sum(1 - r["score"] for r in held),
            "days": len(held) / pace if pace else None,
        }

    steps = [row(k / 100) for k in range(95, 0, -5)]
    return {"at": row(at), "steps": steps, "pace": pace, "now": v.run.threshold, "max_q": v.run.max_q}


def pace_of(v: Visit) -> float:
    """Rings judged a day over the seven days before now."""
    since = v.desk.clock() - timedelta(days=7)
    judged = {d.act for d in v.office.mirror.everything() if d.conclusion in RING_CONCLUSIONS and d.decided_at >= since}
    return len(judged) / 7
