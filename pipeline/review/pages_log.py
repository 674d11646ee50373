"""Routes of the log of decisions, of measured precision and of thresholds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi.responses import Response

from pipeline.decisions import Decision, allowlist
from pipeline.review import record, say
from pipeline.review.measure import precision, thresholds
from pipeline.review.pages_lists import csv_answer
from pipeline.review.web import Pages, RefusedError, Visit, to
from pipeline.schemas import INPUTS

pages = Pages()
_PAGE = 100
_FILTERS = ("who", "what", "ring", "days", "withdrawn")


def _fits(visit: Visit, rows: list[Decision]) -> list[Decision]:
    query = visit.request.query_params
    who, what, ring_id, days = query.get("who"), query.get("what"), query.get("ring"), query.get("days", "")
    since = visit.desk.clock() - timedelta(days=int(days)) if days.isdigit() and len(days) < 5 else None
    withdrawn = query.get("withdrawn")
    return [
        d
        for d in rows
        if (not who or d.analyst == who)
        and (not what or d.conclusion == what)
        and (not ring_id or ring_id in (d.ring_id, d.other_ring_id))
        and (since is None or d.decided_at >= since)
        and (not withdrawn or not visit.office.mirror.stands(d))
    ]


@pages.get("/decisions", "look")
def decisions(visit: Visit) -> Response:
    """Every act, newest first, corrections joined to what they correct."""
    visit.office.mirror.refresh()
    everything = visit.office.mirror.everything()
    fits = _fits(visit, everything)
    acts: dict[str, dict[str, Any]] = {}
    for row in fits:
        acts.setdefault(row.act, {"first": row, "rows": []})["rows"].append(row)
    ordered = sorted(acts.values(), key=lambda a: -a["first"].seq)
    before = visit.request.query_params.get("before", "")
    if before.isdigit():
        ordered = [a for a in ordered if a["first"].seq < int(before)]
    shown = ordered[:_PAGE]
    for act in shown:
        first = act["first"]
        act["stands"] = any(visit.office.mirror.stands(d) for d in act["rows"])
        act["corrected_by"] = visit.office.mirror.corrected_by.get(first.decision_id)
        act["corrects"] = visit.office.mirror.by_id.get(first.supersedes or "")
    query = {k: visit.request.query_params.get(k, "") for k in _FILTERS}
    following = shown[-1]["first"].seq if len(ordered) > len(shown) else None
    people = sorted({d.analyst for d in everything})
    return visit.page("decisions.html", acts=shown, total=len(acts), query=query, people=people, following=following)


@pages.get("/decisions.csv", "ids")
def decisions_csv(visit: Visit) -> Response:
    """The log as CSV, in the columns of the contract; masked like the page for those who may not export values."""
    visit.office.mirror.refresh()
    header = [*INPUTS["decisions"].names, "act"]
    values = visit.person.may("export_values")
    rows = []
    for row in _fits(visit, visit.office.mirror.everything()):
        entity = row.entity if values or row.entity is None else say.masked(row.entity_type or "", row.entity)
        plain = {name: getattr(row, name) for name in header} | {
            "entity": entity,
            "decided_at": row.decided_at.isoformat(),
        }
        rows.append([plain[name] for name in header])
    visit.note("exported decisions", detail=f"{len(rows)} rows")
    return csv_answer(header, rows, "decisions.csv")


@pages.get("/allowlist.csv", "export_values")
def allowlist_csv(visit: Visit) -> Response:
    """Standing allowances as the `allowlist` input of later runs."""
    table = allowlist(visit.desk.log.after(0))
    visit.note("exported allowances", detail=f"{table.num_rows} rows")
    return csv_answer(table.column_names, [list(r.values()) for r in table.to_pylist()], "allowlist.csv")


def _act(visit: Visit, act: str) -> list[Decision]:
    visit.office.mirror.refresh()
    rows = visit.desk.log.rows(act=act)
    if not rows:
        raise RefusedError(404, "There is no such decision.")
    return rows


@pages.get("/decisions/{act}/withdraw", "decide")
def withdraw_form(act: str, visit: Visit) -> Response:
    """What withdrawing would do, and the form for it."""
    rows = _act(visit, act)
    stands = any(visit.office.mirror.stands(d) for d in rows)
    return visit.page(
        "withdraw.html", first=rows[0], n=len(rows), stands=stands, act=record.new_act(), fault="", typed=""
    )


@pages.post("/decisions/{act}/withdraw", "decide")
def withdraw(act: str, visit: Visit) -> Response:
    """Withdraw a decision: a new row; both stay in the log."""
    rows = _act(visit, act)
    try:
        record.write(visit, record.withdrawal(visit, act), None)
    except record.UnfitError as unfit:
        stands = any(visit.office.mirror.stands(d) for d in rows)
        return visit.page(
            "withdraw.html",
            422,
            first=rows[0],
            n=len(rows),
            stands=stands,
            act=record.new_act(),
            fault=str(unfit),
            typed=visit.text("reason"),
        )
    return to(f"/ring/{rows[0].ring_id}" if rows[0].ring_id in visit.run.rings else "/decisions")


@pages.get("/withdraw-last", "decide")
def withdraw_last(visit: Visit) -> Response:
    """The form for one's own last decision that stands."""
    visit.office.mirror.refresh()
    own = [
        d
        for d in visit.office.mirror.everything()
        if d.analyst == visit.person.person and visit.office.mirror.stands(d)
    ]
    if not own:
        raise RefusedError(404, "None of your decisions stands.")
    return to(f"/decisions/{own[-1].act}/withdraw")


@pages.get("/precision", "look")
def precision_page(visit: Visit) -> Response:
    """What share of checked rings was confirmed."""
    visit.office.mirror.refresh()
    return visit.page("precision.html", p=precision(visit), rate=visit.desk.config.check_rate)


@pages.get("/threshold", "look")
def threshold_page(visit: Visit) -> Response:
    """What each threshold would put on the desk."""
    return _threshold(visit)


def _threshold(visit: Visit, status: int = 200, fault: str = "", typed: str = "") -> Response:
    sent = visit.request.query_params.get("at") or visit.text("at")
    try:
        at = min(0.99, max(0.05, float(sent or visit.run.threshold)))
    except ValueError:
        at = visit.run.threshold
    visit.office.mirror.refresh()
    values = {"t": thresholds(visit, at), "proposed": visit.desk.board.thresholds(), "fault": fault, "typed": typed}
    return visit.page("threshold.html", status, **values)


@pages.post("/threshold", "threshold")
def propose(visit: Visit) -> Response:
    """Propose a threshold, with a reason; settings of runs are changed by whoever keeps them."""
    try:
        reason = record.reason_of(visit)
        at = float(visit.text("at"))
        if not 0.05 <= at <= 0.99:
            raise record.UnfitError("A threshold lies between 0.05 and 0.99.")
    except ValueError:
        return _threshold(visit, 422, "A threshold is a number such as 0.70.", visit.text("reason"))
    except record.UnfitError as unfit:
        return _threshold(visit, 422, str(unfit), visit.text("reason"))
    visit.desk.board.propose_threshold(visit.person.person, at, reason)
    visit.note("proposed a threshold", detail=f"{at:.2f}")
    return to(f"/threshold?at={at:.2f}")
