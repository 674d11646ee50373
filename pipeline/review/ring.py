"""What a ring's page shows: rows of the run's tables put beside what the log says. Sums and counts only."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.decisions import Decision
from pipeline.review import drawings, say
from pipeline.review.picture import ALL_LABELS, around, picture
from pipeline.review.queue import neighbours
from pipeline.review.runs import PartMissingError
from pipeline.review.web import RefusedError
from pipeline.words import KIND_WORDS, likelihood, number

if TYPE_CHECKING:
    from pipeline.review.web import Visit

MEMBERS, THINGS = 100, 40
PARTS = 9  # of a score on the first screen, the start among them; the others stand together, and open
_SPEAKS = 0.05  # bits below which a part says nothing
_TRUST = {
    "high": "Several kinds of evidence agree and the group is steady.",
    "moderate": "More than one kind of evidence agrees; each alone would not do.",
    "low": "One kind of evidence carries most of it, or the group changes with the search.",
}


def part(make: Callable[[], Any]) -> dict[str, Any]:
    """A part of a page: its value, or the sentence that stands in its place while the rest stays."""
    try:
        return {"value": make(), "fault": ""}
    except PartMissingError as missing:
        return {"value": None, "fault": str(missing)}
    except duckdb.Error as fault:
        return {"value": None, "fault": f"This part could not be read ({type(fault).__name__}). Decisions are safe."}


def ring_page(v: Visit, ring_id: str) -> dict[str, Any]:
    """All parts of the page."""
    ring, query = v.ring(ring_id), v.request.query_params
    rows = v.office.queue(v.run)
    row = next(r for r in rows if r.ring_id == ring_id)
    state = v.office.states.of_ring(v.run, ring_id, v.desk.board.assigned())
    show = query.get("show") or ("picture" if ring["size"] <= ALL_LABELS else "groups")
    after = max(0, int(query.get("members") or 0)) if (query.get("members") or "0").isdigit() else 0
    return {
        "ring": ring,
        "row": row,
        "state": state,
        "place": neighbours(rows, ring_id),
        "sentence": sentence(ring),
        "trust": _TRUST.get(ring["confidence"], ""),
        "note": v.run.notes[ring_id],
        "show": show,
        "core": v.run.count("members", "ring_id = ? AND membership >= 0.5", [ring_id]),
        "parts": part(lambda: score(v, ring_id)),
        "rivals": part(lambda: rivals(v, ring_id)),
        "groups": part(lambda: drawings.group_matrix(v.run.of_ring("ring_groups", ring_id, "rank"))),
        "picture": part(lambda: drawn(v, ring_id, query.get("around", ""))) if show == "picture" else None,
        "things": part(lambda: things(v, ring_id, query.get("things") == "all")),
        "hours": part(lambda: hours(v, ring_id)),
        "members": part(lambda: members(v, ring_id, after)),
        "after": after,
        "templates": part(lambda: templates(v, ring_id)),
        "history": part(lambda: history(v, ring_id)),
        "operator": part(lambda: v.run.of_ring("attribution", ring_id, "rank")),
        "same": same_operator(v, ring),
        "inner": [r for r in v.run.rings.values() if r["parent_ring_id"] == ring_id],
        "past": past(v, ring_id),
        "assigned": v.desk.board.assigned().get(ring_id),
    }


def sentence(ring: dict[str, Any]) -> str:
    """How likely it is that the ring is one operation, in words and number."""
    return f"The {ring['size']:,} accounts are {likelihood(ring['score'])} to be one coordinated operation."


def score(v: Visit, ring_id: str) -> dict[str, Any]:
    """Parts of the score: the start, the strongest, the others together; all of them add up to `score_bits`."""
    rows = v.run.of_ring("score_parts", ring_id, "part = 'start' DESC, abs(bits) DESC, part")
    speaks = [r for r in rows if r["part"] == "start" or abs(r["bits"]) >= _SPEAKS]
    shown = speaks[:PARTS] if len(speaks) > PARTS + 1 else speaks
    shown = rows if len(rows) == len(shown) + 1 else shown  # one part alone needs no fold
    more = rows[len(shown) :]
    if more:
        together = {"value": None, "reference": None, "unit": None, "bits": sum(r["bits"] for r in more)}
        return {"fall": drawings.waterfall([*shown, {**together, "part": f"{len(more)} more, together"}]), "more": more}
    return {"fall": drawings.waterfall(shown), "more": more}


def rivals(v: Visit, ring_id: str) -> list[dict[str, Any]]:
    """Every explanation, most probable first."""
    rows = v.run.of_ring("explanations", ring_id, "probability DESC, kind")
    return [{**r, "words": KIND_WORDS.get(r["kind"], r["kind"]), "share": round(r["probability"], 4)} for r in rows]


def drawn(v: Visit, ring_id: str, name: str) -> dict[str, Any]:
    """The picture of the whole ring, or of the accounts around one shared thing and whatever else they share."""
    held = around(v, ring_id, name)
    if name and held is None:
        raise RefusedError(404, "This ring has no such shared thing.")
    made = picture(v, ring_id, held[2] if held else None)
    here = {"entity_type": held[0], "entity": held[1], "name": name} if held else None
    return {"picture": made, "around": here}


def things(v: Visit, ring_id: str, everything: bool) -> dict[str, Any]:
    """Shared things, strongest first, each with how many other rings hold it."""
    total = v.run.count("evidence", "ring_id = ?", [ring_id])
    limit = 500 if everything else THINGS
    rows = v.run.rows(
        """
        WITH own AS (
            SELECT * FROM evidence WHERE ring_id = ?
            ORDER BY abs(bits_counted) DESC, abs(bits) DESC, entity LIMIT ?
        )
        SELECT own.*, (SELECT count(*) FROM evidence o WHERE o.entity_type = own.entity_type AND o.entity = own.entity
                       AND o.ring_id <> own.ring_id) AS other_rings
        FROM own ORDER BY abs(bits_counted) DESC, abs(bits) DESC, entity
        """,
        [ring_id, limit],
        needs="evidence",
    )
    known = set()
    if "provenance" in v.run.tables:
        found = v.run.rows("SELECT DISTINCT entity_type, entity FROM provenance WHERE ring_id = ?", [ring_id])
        known = {(r["entity_type"], r["entity"]) for r in found}
    for row in rows:
        row["days"] = (
            (row["last_seen"] - row["first_seen"]).days + 1 if row["first_seen"] and row["last_seen"] else None
        )
        row["link"] = v.entity_link(row["entity_type"], row["entity"])
        row["name"] = row["link"].rsplit("/", 1)[1]
        row["requests"] = (row["entity_type"], row["entity"]) in known
    return {"rows": rows, "total": total}


def hours(v: Visit, ring_id: str) -> dict[str, Any]:
    """Hours by days of the ring, and of the innocent group nearest in size beside it."""
    ring, run = v.ring(ring_id), v.run
    own = drawings.hour_map(run.of_ring("ring_hours", ring_id, "hour"), run.since, run.until, ring["size"])
    innocent = [
        r for r in run.rings.values() if r["kind"] in ("organization", "shared_network") and r["ring_id"] != ring_id
    ]
    like = (
        min(innocent, key=lambda r: (abs(math.log(r["size"] / ring["size"])), r["ring_id"]), default=None)
        if ring["size"]
        else None
    )
    beside = None
    if like:
        rows = run.of_ring("ring_hours", like["ring_id"], "hour")
        beside = drawings.hour_map(rows, run.since, run.until, like["size"])
    return {"own": own, "like": like, "beside": beside}


def members(v: Visit, ring_id: str, after: int, limit: int = MEMBERS) -> dict[str, Any]:
    """A page of members, surest first."""
    rows = v.run.of_ring("members", ring_id, "membership DESC, account_id", limit, after)
    for row in rows:
        row["link"] = v.account_link(row["account_id"])
        row["shown"] = v.shown_account(row["account_id"])
    return {"rows": rows, "total": v.ring(ring_id)["size"], "following": after + limit}


def templates(v: Visit, ring_id: str) -> list[dict[str, Any]]:
    """Templates of the ring whose text may be shown, with how many accounts have each."""
    return v.run.rows(
        """
        SELECT t.template_id, t.text, t.n_accounts, e.n_accounts_in_ring, e.bits, e.entity_type
        FROM evidence e JOIN templates t ON t.template_id = e.entity
        WHERE e.ring_id = ? AND t.text IS NOT NULL AND t.n_accounts >= 5 ORDER BY e.bits DESC, t.template_id LIMIT 12
        """,
        [ring_id],
        needs="templates",
    )


def history(v: Visit, ring_id: str) -> dict[str, Any]:
    """What became of the ring since the previous run, and since when its name is known."""
    rows = v.run.of_ring("ring_history", ring_id, "jaccard DESC NULLS LAST, previous_ring_id")
    registry = v.run.of_ring("ring_registry", ring_id, "first_run")
    return {
        "rows": rows,
        "registry": registry[0] if registry else None,
        "previous_size": v.run.notes[ring_id].previous_size,
    }


def same_operator(v: Visit, ring: dict[str, Any]) -> list[dict[str, Any]]:
    """Other rings held to be of the same operator, largest first."""
    if ring["operator_id"] is None:
        return []
    held = [
        r for r in v.run.rings.values() if r["operator_id"] == ring["operator_id"] and r["ring_id"] != ring["ring_id"]
    ]
    return sorted(held, key=lambda r: (-r["size"], r["ring_id"]))


def past(v: Visit, ring_id: str) -> list[dict[str, Any]]:
    """Acts on the ring, newest first: a split counts once."""
    acts: dict[str, dict[str, Any]] = {}
    for row in v.office.mirror.on_ring(ring_id):
        held = acts.setdefault(row.act, {"first": row, "n": 0, "stands": v.office.mirror.stands(row)})
        held["n"] += 1
        held["corrected_by"] = v.office.mirror.corrected_by.get(row.decision_id)
    return list(reversed(acts.values()))


def explanation_copy(v: Visit, ring_id: str) -> str:
    """The ring's explanation in a few sentences, without a value of anybody."""
    ring = v.ring(ring_id)
    best = sorted(rivals(v, ring_id), key=lambda r: -r["probability"])
    other = next((r for r in best if r["kind"] != "coordinated"), None)
    against = f" The strongest other explanation is {other['words']} ({number(other['probability'])})." if other else ""
    window = say.window(v.run.since, v.run.until)
    sure = f"Confidence is {ring['confidence']}."
    return f"{ring_id} ({window}, run {v.run.run_id}): {sentence(ring)} {ring['reason']} {sure}{against}"


def judged_words(decision: Decision) -> str:
    """A decision in a few words: `A. Moreau, 1 Jun 2026, dismissed (an office ...)`."""
    why = dict(say.EXPLANATIONS).get(decision.explanation or "", "")
    said = say.CONCLUSION_WORDS[decision.conclusion]
    return f"{decision.analyst}, {say.day(decision.decided_at)}, {said}" + (f" ({why})" if why else "")


def last_day(v: Visit) -> str:
    """The last day of the run's window."""
    return say.day(v.run.until - timedelta(microseconds=1))
