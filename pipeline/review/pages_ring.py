"""Routes of the queue and of rings."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse, PlainTextResponse, Response

from pipeline.decisions import MeanwhileError
from pipeline.review import record, say
from pipeline.review.group import group_page
from pipeline.review.picture import Picture, around, picture
from pipeline.review.queue import PAGE, QueueQuery, page
from pipeline.review.ring import explanation_copy, ring_page
from pipeline.review.states import CHANGED
from pipeline.review.web import Pages, RefusedError, Visit, to

pages = Pages()
_NO_GROUP = "This ring has no such group."
TYPED = ("reason", "explanation", "other_ring_id", "name")  # fields that come back as they were typed


@pages.get("/", "look")
def home(visit: Visit) -> Response:
    """The queue is where a day begins."""
    return to("/queue")


@pages.get("/queue", "look")
def queue(visit: Visit) -> Response:
    """The queue, filtered as the address says."""
    query = QueueQuery.of(visit.request.query_params)
    rows = visit.office.queue(visit.run)
    shown = page(rows, query, visit.person.person)
    numbers = {
        "waits": sum(r.waits for r in rows),
        "yours": sum(r.who == visit.person.person for r in rows),
        "changed": sum(r.state == CHANGED for r in rows),
        "flagged": sum(bool(r.ring["flagged"]) for r in rows),
        "accounts": sum(r.ring["size"] for r in rows if r.ring["flagged"]),
    }
    views = visit.desk.board.views(visit.person.person)
    return visit.page("queue.html", page=shown, query=query, numbers=numbers, views=views, page_size=PAGE)


@pages.get("/ring/{ring_id}", "look")
def ring(ring_id: str, visit: Visit) -> Response:
    """A ring, with the form that the address asks for."""
    visit.ring(ring_id)
    visit.note("looked at ring", ring_id)
    return ring_answer(visit, ring_id)


def ring_answer(visit: Visit, ring_id: str, status: int = 200, **more: Any) -> Response:
    """The ring's page with a form, a fault, a receipt or somebody's faster decision."""
    query = visit.request.query_params
    verb = more.pop("verb", None) or query.get("decide") or ""
    if verb not in record.VERBS or not visit.person.may("decide"):
        verb = ""
    receipt = [d for d in visit.office.mirror.on_ring(ring_id) if d.act == query.get("receipt")]
    values = {
        "verb": verb,
        "receipt": receipt[0] if receipt else None,
        "fault": "",
        "meanwhile": None,
        "typed": dict.fromkeys(TYPED, ""),
        "seen": visit.office.mirror.seen(ring_id),
        "act": record.new_act(),
        "account": query.get("account", ""),
        "beginnings": record.BEGINNINGS,
        **more,
    }
    return visit.page("ring.html", status, **ring_page(visit, ring_id), **values)


@pages.post("/ring/{ring_id}/decide/{verb}", "decide")
def decide(ring_id: str, verb: str, visit: Visit) -> Response:
    """Record a decision on a ring."""
    visit.ring(ring_id)
    if verb not in record.VERBS:
        raise RefusedError(404, "There is no such decision.")
    typed = {k: visit.text(k) for k in TYPED}
    ranks = visit.texts("group")
    try:
        rows = record.on_ring(visit, ring_id, verb)
        record.write(visit, rows, record.sent_seen(visit))
    except record.UnfitError as unfit:
        return ring_answer(
            visit, ring_id, 422, verb=verb, fault=str(unfit), typed=typed, account=visit.text("account"), ranks=ranks
        )
    except MeanwhileError as faster:
        visit.office.mirror.refresh()
        return ring_answer(
            visit,
            ring_id,
            409,
            verb=verb,
            meanwhile=faster.latest,
            typed=typed,
            account=visit.text("account"),
            ranks=ranks,
        )
    if rows[0].account_id and len(rows) == 1:
        return to(f"{visit.account_link(rows[0].account_id)}?receipt={rows[0].act}")
    return to(f"/ring/{ring_id}?receipt={rows[0].act}")


@pages.post("/ring/{ring_id}/split", "decide")
def split_preview(ring_id: str, visit: Visit) -> Response:
    """What a split would move: exact numbers, the first names, what stays."""
    ring = visit.ring(ring_id)
    moved = record.moved_accounts(visit, ring_id)
    if not moved:
        return ring_answer(visit, ring_id, 422, verb="split", fault="Tick at least one group to take away.")
    preview = {
        "n": len(moved),
        "stay": ring["size"] - len(moved),
        "names": [visit.shown_account(a) for a in moved[:20]],
        "ranks": visit.texts("group"),
    }
    return ring_answer(visit, ring_id, verb="split", preview=preview)


@pages.post("/ring/{ring_id}/take", "decide")
def take(ring_id: str, visit: Visit) -> Response:
    """Take a ring, or give it back."""
    visit.ring(ring_id)
    mine = visit.desk.board.assigned().get(ring_id) == visit.person.person
    visit.desk.board.assign([ring_id], None if mine else visit.person.person, visit.person.person)
    visit.note("gave back" if mine else "took", ring_id)
    return to(f"/ring/{ring_id}")


@pages.get("/ring/{ring_id}/explanation", "look")
def explanation(ring_id: str, visit: Visit) -> Response:
    """The explanation as plain text, for a ticket or a mail; no value of anybody in it."""
    return PlainTextResponse(say.visible(explanation_copy(visit, ring_id)) + "\n")


@pages.get("/ring/{ring_id}/picture", "look")
def picture_data(ring_id: str, visit: Visit) -> Response:
    """Points and lines for the script that draws them: the whole ring, or what stands around one shared thing."""
    name = visit.request.query_params.get("around", "")
    held = around(visit, ring_id, name)
    if name and held is None:
        raise RefusedError(404, "This ring has no such shared thing.")
    return _drawn(picture(visit, ring_id, held[2] if held else None))


def _drawn(made: Picture) -> Response:
    return JSONResponse({"points": made.points, "lines": made.lines, "words": made.words})


@pages.get("/ring/{ring_id}/hours", "look")
def hours_data(ring_id: str, visit: Visit) -> Response:
    """Hours of a ring for the script that draws them: seconds since 1970, accounts, requests."""
    visit.ring(ring_id)
    rows = visit.run.of_ring("ring_hours", ring_id, "hour")
    return JSONResponse(
        [[int(r["hour"].timestamp()) for r in rows], [r["n_accounts"] for r in rows], [r["n_events"] for r in rows]]
    )


@pages.get("/ring/{ring_id}/group/{rank}", "look")
def group(ring_id: str, rank: int, visit: Visit) -> Response:
    """One group of a large ring, opened at an address of its own: its accounts, their hours, their picture."""
    found = visit.ring(ring_id)
    sent = visit.request.query_params.get("members", "0")
    shown = group_page(visit, ring_id, rank, int(sent) if sent.isdigit() else 0)
    if shown is None:
        raise RefusedError(404, _NO_GROUP)
    visit.note("looked at group", ring_id, f"group {rank}")
    return visit.page("group.html", ring=found, **shown)


@pages.get("/ring/{ring_id}/group/{rank}/picture", "look")
def group_picture(ring_id: str, rank: int, visit: Visit) -> Response:
    """Points and lines of one group's surest accounts."""
    visit.ring(ring_id)
    accounts = record.group_accounts(visit, ring_id, rank)
    if not accounts:
        raise RefusedError(404, _NO_GROUP)
    return _drawn(picture(visit, ring_id, accounts))


@pages.get("/ring/{ring_id}/requests/{name}", "show")
def requests(ring_id: str, name: str, visit: Visit) -> Response:
    """The requests behind a tie, by account and day; at most 20 ids each."""
    visit.ring(ring_id)
    opened = visit.desk.seal.open("entity", name)
    if opened is None:
        raise RefusedError(404, "There is no such thing in this run.")
    where, told = "ring_id = ? AND entity_type = ? AND entity = ?", [ring_id, *opened]
    whose = visit.request.query_params.get("account", "")
    account = visit.desk.seal.open("account", whose) if whose else None
    if account:
        where, told = f"{where} AND account_id = ?", [*told, account[0]]
    rows = visit.run.rows(
        f"SELECT * FROM provenance WHERE {where} ORDER BY n_events DESC, account_id, day LIMIT 200",
        told,
        needs="provenance",
    )
    total = visit.run.count("provenance", where, told)
    for row in rows:
        row["link"], row["shown"] = visit.account_link(row["account_id"]), visit.shown_account(row["account_id"])
    visit.note("looked at requests", ring_id, name[:40])
    return visit.page(
        "requests.html",
        ring_id=ring_id,
        entity_type=opened[0],
        entity=opened[1],
        rows=rows,
        total=total,
        link=f"/entity/{name}",
    )


@pages.get("/ring/{ring_id}/newcomers", "look")
def newcomers(ring_id: str, visit: Visit) -> Response:
    """Only the accounts that joined since the ring was judged."""
    found = visit.ring(ring_id)
    judged = visit.office.mirror.judgement(ring_id)
    joined = visit.office.states.newcomers(visit.run, ring_id, judged) if judged else None
    if judged is None or joined is None:
        raise RefusedError(404, "Who joined can no longer be shown.", "The run that was judged is no longer kept.")
    rows = visit.run.rows(
        "SELECT * FROM members WHERE account_id IN (SELECT unnest(?)) ORDER BY membership DESC, account_id LIMIT 500",
        [sorted(joined)],
    )
    for row in rows:
        row["link"], row["shown"] = visit.account_link(row["account_id"]), visit.shown_account(row["account_id"])
    visit.note("looked at newcomers", ring_id)
    return visit.page("newcomers.html", ring=found, rows=rows, total=len(joined), judged=judged)
