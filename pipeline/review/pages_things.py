"""Routes of accounts, entities, operators, and of the search that leads to them."""

from __future__ import annotations

from typing import Any

from fastapi.responses import PlainTextResponse, Response

from pipeline.review import record, say
from pipeline.review.lists import Lists
from pipeline.review.operator import operator_page, operators
from pipeline.review.things import account_copy, account_page, entity_page, find
from pipeline.review.web import Pages, RefusedError, Visit, to

pages = Pages()
_NO_ACCOUNT = "This account is in no table of this run."


@pages.post("/find", "look")
def find_it(visit: Visit) -> Response:
    """Searches are posted and answered by an address that holds no value."""
    wanted = visit.text("text", 400)
    visit.note("searched", detail=visit.desk.seal.digest("search", wanted)[:16])
    address = find(visit, wanted) if wanted else "/queue"
    if address is None:
        raise RefusedError(
            404,
            "Nothing in this run has exactly that name.",
            "Ring, account, address, card, template and operator are found by their full text.",
        )
    return to(address)


def opened_account(visit: Visit, name: str) -> str:
    """The account of a sealed name; RefusedError where it is none of ours."""
    opened = visit.desk.seal.open("account", name)
    if opened is None:
        raise RefusedError(404, _NO_ACCOUNT)
    return opened[0]


def _account(visit: Visit, name: str, status: int = 200, **more: Any) -> Response:
    account_id = opened_account(visit, name)
    shown = account_page(visit, account_id)
    if shown is None:
        raise RefusedError(404, _NO_ACCOUNT)
    query = visit.request.query_params
    verb = more.pop("verb", query.get("decide", ""))
    known = verb in ("drop", "keep", "reopen") and shown["ring"] is not None and visit.person.may("decide")
    receipt = [d for d, _ in shown["decisions"] if d.act == query.get("receipt")]
    values = {
        "name": name,
        "account_id": account_id,
        "verb": verb if known else "",
        "act": record.new_act(),
        "seen": visit.office.mirror.seen(shown["ring"]["ring_id"]) if shown["ring"] else 0,
        "fault": "",
        "typed": "",
        "receipt": receipt[0] if receipt else None,
        "reopened": query.get("reopened"),
        "lists": Lists(visit.desk).of_account(account_id),
        **more,
    }
    return visit.page("account.html", status, **shown, **values)


@pages.get("/account/{name}", "look")
def account(name: str, visit: Visit) -> Response:
    """An account."""
    visit.note("looked at account", name[:80])
    return _account(visit, name)


@pages.get("/account/{name}/explanation", "ids")
def account_explanation(name: str, visit: Visit) -> Response:
    """Why this account, as plain text for an answer to an appeal."""
    return PlainTextResponse(say.visible(account_copy(visit, opened_account(visit, name))) + "\n")


@pages.post("/account/{name}/reopen", "decide")
def reopen(name: str, visit: Visit) -> Response:
    """An appeal: the judgements on the account's ring are withdrawn, lists that name it are reopened."""
    account_id = opened_account(visit, name)
    ring_id = visit.run.ring_ids_of([account_id]).get(account_id)
    judged = visit.office.mirror.judgement(ring_id) if ring_id else None
    lists = Lists(visit.desk)
    try:
        reason = record.reason_of(visit)
        if judged is None and not lists.of_account(account_id):
            raise record.UnfitError("Nothing was decided about this account's ring that could be reopened.")
        if ring_id and judged is not None:
            record.write(visit, record.reopening(visit, ring_id), None)
    except record.UnfitError as unfit:
        return _account(visit, name, 422, verb="reopen", fault=str(unfit), typed=visit.text("reason"))
    lists.appeal(account_id, visit.person.person, reason)
    visit.note("reopened after an appeal", ring_id or "", name[:80])
    return to(f"/account/{name}?reopened=1")


def opened_entity(visit: Visit, name: str) -> tuple[str, str]:
    """The entity of a sealed name; RefusedError where it is none of ours."""
    opened = visit.desk.seal.open("entity", name)
    if opened is None or len(opened) != 2:
        raise RefusedError(404, "There is no such thing in this run.")
    return opened[0], opened[1]


def _entity(visit: Visit, name: str, status: int = 200, **more: Any) -> Response:
    entity_type, entity = opened_entity(visit, name)
    sent = visit.request.query_params.get("accounts", "0")
    shown = entity_page(visit, entity_type, entity, int(sent) if sent.isdigit() else 0)
    if shown is None:
        raise RefusedError(404, "There is no such thing in this run.")
    query = visit.request.query_params
    allow = query.get("allow") == "1" and visit.person.may("decide")
    receipt = [d for d, _ in shown["decisions"] if d.act == query.get("receipt")]
    values = {
        "name": name,
        "entity_type": entity_type,
        "entity": entity,
        "unmasked": False,
        "allow": allow,
        "fault": "",
        "typed": "",
        "act": record.new_act(),
        "receipt": receipt[0] if receipt else None,
        **more,
    }
    return visit.page("entity.html", status, **shown, **values)


@pages.get("/entity/{name}", "look")
def entity(name: str, visit: Visit) -> Response:
    """An entity, masked."""
    visit.note("looked at entity", name[:80])
    return _entity(visit, name)


@pages.post("/entity/{name}/show", "show")
def show(name: str, visit: Visit) -> Response:
    """One value, shown once: the next page has it masked again."""
    opened_entity(visit, name)
    visit.note("unmasked", name[:80])
    return _entity(visit, name, unmasked=True)


@pages.post("/entity/{name}/allow", "decide")
def allow(name: str, visit: Visit) -> Response:
    """Record that an entity is shared innocently, from the next run on."""
    entity_type, entity = opened_entity(visit, name)
    try:
        row = record.blank(visit, "entity_allowed", entity_type=entity_type, entity=entity)
        record.write(visit, [row], None)
    except record.UnfitError as unfit:
        return _entity(visit, name, 422, allow=True, fault=str(unfit), typed=visit.text("reason"))
    return to(f"/entity/{name}?receipt={row.act}")


@pages.get("/operators", "look")
def all_operators(visit: Visit) -> Response:
    """Operators, named and unnamed."""
    return visit.page("operators.html", operators=operators(visit))


@pages.get("/operator/{name}", "look")
def one_operator(name: str, visit: Visit) -> Response:
    """An operator: its rings, what they share, who else it could be."""
    opened = visit.desk.seal.open("operator", name)
    shown = operator_page(visit, opened[0]) if opened else None
    if opened is None or shown is None:
        raise RefusedError(404, "No ring of this run is held to be of that operator.")
    visit.note("looked at operator", name[:80])
    return visit.page("operator.html", operator_id=opened[0], **shown)
