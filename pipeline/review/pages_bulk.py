"""Routes for more than one ring at once: always through a preview that says exactly what would happen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi.responses import Response

from pipeline.decisions import MeanwhileError
from pipeline.review import record, say
from pipeline.review.pages_lists import csv_answer
from pipeline.review.states import DECIDED
from pipeline.review.web import Pages, RefusedError, Visit, to

pages = Pages()
_VERBS = {"confirm": "confirmed", "dismiss": "dismissed"}


def _sorted_out(visit: Visit, do: str) -> dict[str, Any]:
    """Ticked rings that the deed would reach, and those left out, each with the reason."""
    states, fit, left = visit.office.states.of_run(visit.run), [], []
    known = (
        int(visit.text("known", 20) or visit.office.mirror.version) if (visit.text("known", 20) or "0").isdigit() else 0
    )
    for ring_id in dict.fromkeys(visit.texts("ring")):
        ring, state = visit.run.rings.get(ring_id), states.get(ring_id)
        if ring is None:
            left.append((ring_id, "is not in this run"))
        elif do in _VERBS and state is not None and state.state == DECIDED and state.latest is not None:
            left.append((ring_id, f"{state.latest.conclusion} by {state.latest.analyst}"))
        elif do in _VERBS and visit.office.mirror.seen(ring_id) > known:
            left.append((ring_id, "decided meanwhile"))
        else:
            fit.append(ring)
    return {
        "rings": fit,
        "left_out": left,
        "n": len(fit),
        "accounts": sum(r["size"] for r in fit),
        "known": known,
        "least": min((r["score"] for r in fit), default=0.0),
        "most": max((r["score"] for r in fit), default=0.0),
    }


def _preview(visit: Visit, do: str, status: int = 200, fault: str = "") -> Response:
    typed = {k: visit.text(k) for k in ("reason", "explanation", "person")}
    people = [p["person"] for p in visit.desk.people.all() if p["role"] in ("analyst", "lead", "solo")]
    values = {
        "do": do,
        "sorted": _sorted_out(visit, do),
        "fault": fault,
        "typed": typed,
        "act": record.new_act(),
        "people": people,
    }
    return visit.page("bulk.html", status, **values)


@pages.post("/queue/bulk", "decide")
def bulk(visit: Visit) -> Response:
    """Show what a deed on the ticked rings would do."""
    do = visit.text("do")
    if do not in (*_VERBS, "assign", "export"):
        raise RefusedError(422, "Choose what to do with the ticked rings.")
    if not visit.texts("ring"):
        raise RefusedError(422, "No ring is ticked.", "Tick rings in the queue first.")
    return _preview(visit, do)


@pages.post("/queue/bulk/record", "decide")
def bulk_record(visit: Visit) -> Response:
    """Do it, ring by ring; whatever was decided meanwhile is left out and said."""
    do = visit.text("do")
    made = _sorted_out(visit, do)
    if do == "export":
        return _export(visit, made["rings"])
    if do == "assign":
        person = visit.text("person", 200)
        if not any(p["person"] == person for p in visit.desk.people.all()):
            return _preview(visit, do, 422, "Choose a person who has a role here.")
        visit.desk.board.assign([r["ring_id"] for r in made["rings"]], person, visit.person.person)
        visit.note("assigned", detail=f"{made['n']} rings")
        return to("/queue")
    if do not in _VERBS:
        raise RefusedError(422, "Choose what to do with the ticked rings.")
    return _decide(visit, do, made)


def _decide(visit: Visit, do: str, made: dict[str, Any]) -> Response:
    try:
        base = record.blank(visit, _VERBS[do])
        if do == "dismiss":
            if visit.text("explanation") not in dict(say.EXPLANATIONS):
                raise record.UnfitError("Choose the innocent explanation first.")
            base = replace(base, explanation=visit.text("explanation"))
    except record.UnfitError as unfit:
        return _preview(visit, do, 422, str(unfit))
    done, late = 0, []
    for k, ring in enumerate(made["rings"]):
        ring_id = ring["ring_id"]
        stands = visit.office.mirror.judgement(ring_id)
        act = f"{base.act}-{k:03d}"
        row = replace(
            base,
            decision_id=act,
            act=act,
            ring_id=ring_id,
            members_digest=visit.run.notes[ring_id].digest,
            supersedes=stands.decision_id if stands else None,
        )
        try:
            record.write(visit, [row], made["known"])
            done += 1
        except MeanwhileError:
            late.append((ring_id, "decided meanwhile"))
    return visit.page("bulk_done.html", do=do, done=done, left_out=[*made["left_out"], *late], act=base.act)


def _export(visit: Visit, rings: list[dict[str, Any]]) -> Response:
    header = ["ring_id", "kind", "score", "size", "n_events", "first_seen", "last_seen", "operator_id", "reason"]
    visit.note("exported rings", detail=f"{len(rings)} rings")
    return csv_answer(header, [[r[c] for c in header] for r in rings], "rings.csv")
