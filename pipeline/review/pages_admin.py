"""Routes of settings, people, tokens, the audit log, saved views, runs, and of leaving."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse, Response

from pipeline.decisions import moment
from pipeline.review.access import GIVEN, SCOPES
from pipeline.review.pages_lists import csv_answer
from pipeline.review.queue import QueueQuery
from pipeline.review.web import RUN_COOKIE, Pages, RefusedError, Visit, cookie_name, to

pages = Pages()
_PAGE = 200


@pages.get("/settings", "look")
def settings(visit: Visit) -> Response:
    """One's own settings, sessions and views."""
    return _settings(visit)


def _settings(visit: Visit, made: str = "") -> Response:
    sessions = [
        {**s, "began": moment(s["began"]), "seen": moment(s["seen"])}
        for s in visit.desk.sessions.of(visit.person.person)
    ]
    tokens = (
        [{**t, "made_at": moment(t["made_at"])} for t in visit.desk.tokens.all()] if visit.person.may("tokens") else []
    )
    views = visit.desk.board.views(visit.person.person)
    return visit.page(
        "settings.html",
        sessions=sessions,
        tokens=tokens,
        views=views,
        made=made,
        scopes=SCOPES,
        config=visit.desk.config,
    )


@pages.post("/settings/keys", "look")
def keys(visit: Visit) -> Response:
    """Turn single-letter keys on or off."""
    visit.desk.people.set_keys(visit.person.person, visit.text("keys") == "on")
    return to("/settings")


@pages.post("/settings/sessions/end", "look")
def end_session(visit: Visit) -> Response:
    """End one of one's own sessions."""
    visit.desk.sessions.end(visit.text("session"), visit.person.person)
    visit.note("ended a session")
    return to("/settings")


@pages.post("/sign-out", "look")
def sign_out(visit: Visit) -> Response:
    """Leave: the session ends, the browser forgets what it kept of us."""
    visit.desk.sessions.end(visit.session, visit.person.person)
    visit.note("signed out")
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(
        cookie_name(visit.desk), path="/", secure=visit.desk.config.secure, httponly=True, samesite="lax"
    )
    answer.headers["clear-site-data"] = '"cache", "cookies", "storage"'
    return answer


@pages.post("/tokens", "tokens")
def make_token(visit: Visit) -> Response:
    """Make an API token; its secret is shown once."""
    scopes = [s for s in visit.texts("scope") if s in SCOPES]
    name = visit.text("name", 60)
    if not scopes or not name:
        raise RefusedError(422, "A token needs a name and at least one scope.")
    secret = visit.desk.tokens.make(name, scopes, visit.person.person)
    visit.note("made a token", detail=f"{name}: {' '.join(scopes)}")
    return _settings(visit, made=secret)


@pages.post("/tokens/end", "tokens")
def end_token(visit: Visit) -> Response:
    """End a token."""
    visit.desk.tokens.end(visit.text("token"))
    visit.note("ended a token", visit.text("token", 20))
    return to("/settings")


@pages.get("/people", "people")
def people(visit: Visit) -> Response:
    """Who holds which role, and which changes wait for a second admin."""
    everybody = [{**p, "since": moment(p["since"])} for p in visit.desk.people.all()]
    waiting = [{**w, "asked_at": moment(w["asked_at"])} for w in visit.desk.people.waiting()]
    return visit.page("people.html", everybody=everybody, waiting=waiting, given=GIVEN)


@pages.post("/people", "people")
def ask_role(visit: Visit) -> Response:
    """Ask for a change of role."""
    person, role = visit.text("person", 200), visit.text("role")
    if not person or role not in GIVEN:
        raise RefusedError(422, "Name a person and a role.")
    visit.desk.people.ask(person, role, visit.person.person)
    visit.note("asked for a role", detail=f"{person}: {role}")
    return to("/people")


@pages.post("/people/settle", "people")
def settle_role(visit: Visit) -> Response:
    """Confirm or refuse what another admin asked for."""
    number, outcome = visit.text("number", 12), visit.text("outcome")
    if not number.isdigit() or outcome not in ("confirmed", "refused"):
        raise RefusedError(422, "Confirm or refuse a change that waits.")
    came = visit.desk.people.settle(int(number), visit.person.person, outcome)
    if came == "same person":
        raise RefusedError(403, "Whoever asked for a change cannot confirm it.", "A second admin has to.")
    visit.note(f"role change {came}", number)
    return to("/people")


def _audit_rows(visit: Visit, before: int | None, limit: int) -> list[dict[str, Any]]:
    whose = None if visit.person.may("audit") else visit.person.person
    return [{**r, "at": moment(r["at"])} for r in visit.desk.audit.rows(whose, before, limit)]


@pages.get("/audit", "own_audit")
def audit(visit: Visit) -> Response:
    """Who looked at what and did what: one's own rows, or all."""
    sent = visit.request.query_params.get("before", "")
    rows = _audit_rows(visit, int(sent) if sent.isdigit() else None, _PAGE)
    return visit.page("audit.html", rows=rows, following=rows[-1]["seq"] if len(rows) == _PAGE else None)


@pages.get("/audit.csv", "own_audit")
def audit_csv(visit: Visit) -> Response:
    """The same as CSV."""
    rows = _audit_rows(visit, None, 1_000_000)
    visit.note("exported the audit log", detail=f"{len(rows)} rows")
    header = ["seq", "at", "person", "role", "action", "subject", "detail"]
    return csv_answer(header, [[r["at"].isoformat() if c == "at" else r[c] for c in header] for r in rows], "audit.csv")


@pages.get("/go", "look")
def go(visit: Visit) -> Response:
    """Open a view chosen from a list, without a script."""
    wanted = visit.request.query_params.get("to", "")
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or parts.path != "/queue":
        return to("/queue")
    return to(f"/queue?{parts.query}" if parts.query else "/queue")


@pages.post("/views", "look")
def save_view(visit: Visit) -> Response:
    """Save the queue as it is filtered now under a name."""
    parts = urlsplit(visit.text("query", 2000))
    name = visit.text("name", 60)
    if parts.scheme or parts.netloc or parts.path != "/queue" or not name:
        raise RefusedError(422, "A view is a filtered queue and has a name.")
    from urllib.parse import parse_qsl

    address = QueueQuery.of(dict(parse_qsl(parts.query))).address()
    visit.desk.board.save_view(visit.person.person, name, address)
    return to(address)


@pages.get("/runs", "look")
def runs(visit: Visit) -> Response:
    """The runs that are kept."""
    return visit.page("runs.html", runs=list(reversed(visit.desk.shelf.runs())))


@pages.post("/runs", "look")
def choose_run(visit: Visit) -> Response:
    """Read another run until told otherwise; the latest is chosen by choosing nothing."""
    wanted = visit.text("chosen", 40)
    answer = RedirectResponse("/queue", 303)
    if not wanted or not visit.desk.shelf.has(wanted):
        answer.delete_cookie(RUN_COOKIE, path="/")
    else:
        answer.set_cookie(RUN_COOKIE, wanted, path="/", secure=visit.desk.config.secure, httponly=True, samesite="lax")
    return answer
