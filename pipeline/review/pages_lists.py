"""Routes of confirmed rings and of enforcement lists."""

from __future__ import annotations

import csv
import io
from typing import Any

from fastapi.responses import Response

from pipeline.review import record
from pipeline.review.lists import ACTIONS, APPROVED, EXPORTED, WAITING, ListRuleError, Lists, proposal
from pipeline.review.say import csv_cell
from pipeline.review.web import Pages, RefusedError, Visit, to

pages = Pages()


def csv_answer(header: list[str], rows: list[list[Any]], name: str) -> Response:
    """Rows as a CSV file whose cells no spreadsheet takes for formulas."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([[csv_cell(cell) for cell in row] for row in rows])
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@pages.get("/confirmed", "look")
def confirmed(visit: Visit) -> Response:
    """Rings that stand confirmed, and the lists made of them."""
    rows = [
        r
        for r in visit.office.queue(visit.run)
        if r.decided and r.decided.latest and r.decided.latest.conclusion == "confirmed"
    ]
    return visit.page("confirmed.html", rows=rows, lists=Lists(visit.desk).all())


@pages.post("/lists/prepare", "prepare")
def prepare(visit: Visit) -> Response:
    """What a list would hold, before it is one."""
    made = proposal(visit, visit.texts("ring"))
    return visit.page("list_preview.html", made=made, actions=ACTIONS, fault="", typed={"reason": "", "action": ""})


@pages.post("/lists", "prepare")
def keep(visit: Visit) -> Response:
    """Keep the list as a draft."""
    made = proposal(visit, visit.texts("ring"))
    typed = {"reason": visit.text("reason"), "action": visit.text("action")}
    try:
        reason = record.reason_of(visit)
        if typed["action"] not in ACTIONS:
            raise record.UnfitError("Choose the action that is proposed.")
        if not made["rows"]:
            raise record.UnfitError("No ring is left that stands confirmed and unchanged.")
    except record.UnfitError as unfit:
        return visit.page("list_preview.html", 422, made=made, actions=ACTIONS, fault=str(unfit), typed=typed)
    lists = Lists(visit.desk)
    list_id = lists.prepare(visit, made, typed["action"], reason)
    visit.note("prepared list", list_id, f"{made['n']} accounts")
    if visit.text("then") == "ask":
        lists.step(list_id, visit.person.person, WAITING)
        visit.note("asked a second person", list_id)
    return to(f"/lists/{list_id}")


def _list(visit: Visit, list_id: str, status: int = 200, fault: str = "") -> Response:
    found = Lists(visit.desk).find(list_id)
    if found is None:
        raise RefusedError(404, "There is no such list.")
    return visit.page("list.html", status, list=found, fault=fault)


@pages.get("/lists/{list_id}", "prepare")
def one(list_id: str, visit: Visit) -> Response:
    """A list, its steps, what it needs next."""
    visit.note("looked at list", list_id)
    return _list(visit, list_id)


def _step(visit: Visit, list_id: str, state: str, reason: str = "") -> Response:
    try:
        Lists(visit.desk).step(list_id, visit.person.person, state, reason)
    except ListRuleError as rule:
        visit.note("refused", list_id, state)
        return _list(visit, list_id, 409, str(rule))
    visit.note(f"list {state}", list_id)
    return to(f"/lists/{list_id}")


@pages.post("/lists/{list_id}/ask", "prepare")
def ask(list_id: str, visit: Visit) -> Response:
    """Put a draft before a second person."""
    return _step(visit, list_id, WAITING)


@pages.post("/lists/{list_id}/approve", "approve")
def approve(list_id: str, visit: Visit) -> Response:
    """Approve somebody else's list."""
    try:
        reason = record.reason_of(visit)
    except record.UnfitError as unfit:
        return _list(visit, list_id, 422, str(unfit))
    return _step(visit, list_id, APPROVED, reason)


@pages.post("/lists/{list_id}/export", "prepare")
def export(list_id: str, visit: Visit) -> Response:
    """The list as CSV: account, action, reason. Appealed accounts are left out."""
    answer = _step(visit, list_id, EXPORTED)
    if answer.status_code != 303:
        return answer
    found = Lists(visit.desk).find(list_id)
    assert found is not None
    rows = [
        [r["account_id"], found["action"], found["reason"], r["ring_id"], found["run_id"], list_id]
        for r in found["rows"]
        if not r["appealed"]
    ]
    return csv_answer(["account_id", "action", "reason", "ring_id", "run_id", "list_id"], rows, f"{list_id}.csv")
