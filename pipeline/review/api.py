"""The HTTP API for other systems: look up accounts, list rings, read one, post a decision, follow what changed.

Tokens carry scopes: `read` (everything masked), `values` (entities in full), `decide`. Account ids travel in bodies,
never in addresses.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from pipeline.decisions import Decision, MeanwhileError
from pipeline.review import record, say
from pipeline.review.access import SCOPES, Person
from pipeline.review.queue import is_check
from pipeline.review.runs import RunReader
from pipeline.review.sign_in import Rate
from pipeline.review.store import JUDGED
from pipeline.review.web import Office, RefusedError

_BEARER = HTTPBearer(auto_error=False, description="A token made in the workspace's settings.")
_BATCH = 1000
Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class Problem(BaseModel):
    """What was wrong."""

    detail: Any


_SAID: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No token, or one that has ended"},
    403: {"model": Problem, "description": "The token lacks the scope"},
    404: {"model": Problem, "description": "Not in this run, or no run at all"},
    422: {"model": Problem, "description": "The request does not fit"},
    429: {"model": Problem, "description": "Too many requests"},
    400: {"model": Problem, "description": "The body cannot be read"},
    413: {"model": Problem, "description": "The body is too large"},
}
router = APIRouter(prefix="/api/v1", responses=_SAID)


class Ring(BaseModel):
    """A ring as it stands in the run, with what analysts concluded."""

    ring_id: str
    run_id: str
    size: int
    n_events: int
    score: float
    flagged: bool
    kind: str
    operator_id: str | None
    confidence: str
    reason: str
    first_seen: datetime | None
    last_seen: datetime | None
    state: Literal["new", "review", "decided", "changed"]
    conclusion: str | None


class RingPage(BaseModel):
    """Rings in the order of their names; `after` asks for the next ones."""

    rings: list[Ring]
    after: str | None


class Evidence(BaseModel):
    """An entity that ties a ring; masked without the scope `values`."""

    entity_type: str
    entity: str
    entity_class: str | None
    n_accounts_in_ring: int
    n_accounts_total: int
    bits: float
    bits_counted: float


class ScorePart(BaseModel):
    """A part of a ring's score."""

    part: str
    family: str
    value: float | None
    unit: str | None
    reference: float | None
    bits: float


class RingWhole(Ring):
    """A ring with its evidence."""

    parts: list[ScorePart]
    explanations: dict[str, float]
    evidence: list[Evidence]
    n_evidence: int


class LookUp(BaseModel):
    """Accounts to look up."""

    model_config = ConfigDict(extra="forbid")
    account_ids: Annotated[list[Text], Field(min_length=1, max_length=_BATCH)]


class Account(BaseModel):
    """Where an account stands; `accused` is membership of 0.5 or more in a flagged ring."""

    account_id: str
    found: bool
    ring_id: str | None = None
    membership: float | None = None
    flagged: bool = False
    accused: bool = False
    score: float | None = None


class Accounts(BaseModel):
    """Answers in the order of the question."""

    run_id: str
    accounts: list[Account]


class NewDecision(BaseModel):
    """A decision on a ring. `key` makes sending it twice harmless; `seen` is the last row on the ring that you read."""

    model_config = ConfigDict(extra="forbid")
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    ring_id: Text
    conclusion: Literal["confirmed", "dismissed", "unsure"]
    reason: Annotated[str, Field(min_length=record.MIN_REASON, max_length=4000, pattern=r"^[^\x00]*$")]
    explanation: Literal["organization", "shared_network", "reseller_customers", "household", "other"] | None = None
    seen: Annotated[int, Field(ge=0, le=2**53)] | None = None


class Recorded(BaseModel):
    """A decision as it was written."""

    decision_id: str
    seq: int
    decided_at: datetime
    run_id: str
    members_digest: str


class Change(BaseModel):
    """A flagged ring that is new or changed in a run."""

    cursor: str
    run_id: str
    ring_id: str
    change: str
    size: int
    score: float


class Changes(BaseModel):
    """Changes since a cursor, oldest first; ask again with `after` set to the last cursor."""

    changes: list[Change]
    after: str | None


class Caller:
    """Another system, known by its token."""

    def __init__(self, office: Office, person: Person, scopes: frozenset[str]) -> None:
        self.office, self.person, self.scopes = office, person, scopes

    @property
    def run(self) -> RunReader:
        """The latest run."""
        runs = self.office.desk.shelf.runs()
        if not runs:
            raise RefusedError(404, "There is no finished run here yet.")
        self.office.mirror.refresh()
        return self.office.desk.shelf.read(runs[-1].run_id)

    def note(self, action: str, subject: str = "", detail: str = "") -> None:
        """Write into the audit log."""
        self.office.desk.audit.note(self.person, action, subject, detail)


def _caller(scope: str) -> Any:
    assert scope in SCOPES

    def caller(request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> Caller:
        office: Office = request.app.state.office
        rate: Rate = request.app.state.token_rate
        token = office.desk.tokens.find(sent.credentials) if sent else None
        if token is None:
            raise RefusedError(401, "A token is needed: Authorization: Bearer ...")
        if not rate.allows(token.token_id):
            raise RefusedError(429, "Too many requests from this token.", "Wait a minute.")
        if scope not in token.scopes:
            raise RefusedError(403, f"This token lacks the scope {scope}.")
        person = Person(f"token {token.name} ({token.token_id})", token.name, "token")
        return Caller(office, person, token.scopes)

    caller.__annotations__.update(
        request=Request, sent=Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    )
    return Depends(caller)


def _ring(caller: Caller, run: RunReader, ring: dict[str, Any]) -> dict[str, Any]:
    state = caller.office.states.of_run(run).get(ring["ring_id"])
    assigned = ring["ring_id"] in caller.office.desk.board.assigned() if state is None else False
    return {
        **{name: ring[name] for name in Ring.model_fields if name in ring},
        "run_id": run.run_id,
        "state": state.state if state else ("review" if assigned else "new"),
        "conclusion": state.latest.conclusion if state and state.latest else None,
    }


@router.get("/rings", response_model=RingPage, operation_id="list_rings")
def list_rings(
    caller: Annotated[Caller, _caller("read")],
    flagged: bool | None = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    least_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Rings of the latest run."""
    run = caller.run
    fits = [
        r
        for ring_id, r in run.rings.items()
        if ring_id > after
        and (flagged is None or r["flagged"] == flagged)
        and (kind is None or r["kind"] == kind)
        and r["score"] >= least_score
    ]
    shown = fits[:limit]
    return {
        "rings": [_ring(caller, run, r) for r in shown],
        "after": shown[-1]["ring_id"] if len(fits) > limit else None,
    }


@router.get("/rings/{ring_id}", response_model=RingWhole, operation_id="read_ring")
def read_ring(
    caller: Annotated[Caller, _caller("read")], ring_id: Annotated[str, Path(max_length=200)]
) -> dict[str, Any]:
    """A ring with the parts of its score, its rival explanations and its 100 strongest shared things."""
    run = caller.run
    ring = run.rings.get(ring_id)
    if ring is None:
        raise RefusedError(404, "This run has no such ring.")
    rows = run.of_ring("evidence", ring_id, "abs(bits_counted) DESC, entity_type, entity", 100)
    whole = "values" in caller.scopes
    evidence = [
        {**r, "entity_class": r["class"], "entity": r["entity"] if whole else say.masked(r["entity_type"], r["entity"])}
        for r in rows
    ]
    caller.note("read ring", ring_id, "with values" if whole else "masked")
    return {
        **_ring(caller, run, ring),
        "parts": run.of_ring("score_parts", ring_id, "part"),
        "evidence": evidence,
        "explanations": {r["kind"]: r["probability"] for r in run.of_ring("explanations", ring_id, "kind")},
        "n_evidence": run.count("evidence", "ring_id = ?", [ring_id]),
    }


@router.post("/accounts/look-up", response_model=Accounts, operation_id="look_up_accounts")
def look_up(caller: Annotated[Caller, _caller("read")], wanted: LookUp) -> dict[str, Any]:
    """Where up to 1,000 accounts stand in the latest run."""
    run = caller.run
    rows = run.rows(
        "SELECT m.account_id, m.ring_id, m.membership, r.flagged, r.score FROM members m JOIN rings r USING (ring_id) "
        "WHERE m.account_id IN (SELECT unnest(?))",
        [wanted.account_ids],
    )
    known = {r["account_id"]: {**r, "found": True, "accused": r["flagged"] and r["membership"] >= 0.5} for r in rows}
    caller.note("looked up accounts", detail=f"{len(wanted.account_ids)} asked, {len(known)} in rings")
    return {
        "run_id": run.run_id,
        "accounts": [known.get(a, {"account_id": a, "found": False}) for a in wanted.account_ids],
    }


@router.post(
    "/decisions",
    response_model=Recorded,
    status_code=201,
    operation_id="post_decision",
    responses={409: {"model": Problem, "description": "Somebody decided meanwhile"}},
)
def post_decision(caller: Annotated[Caller, _caller("decide")], sent: NewDecision) -> dict[str, Any]:
    """Record a decision on a ring of the latest run; the analyst is the token's name."""
    run, desk = caller.run, caller.office.desk
    ring = run.rings.get(sent.ring_id)
    if ring is None:
        raise RefusedError(404, "This run has no such ring.")
    if (sent.conclusion == "dismissed") != (sent.explanation is not None):
        raise RefusedError(422, "An innocent explanation belongs to a dismissal, and to nothing else.")
    stands = caller.office.mirror.judgement(sent.ring_id)
    row = Decision(
        decision_id=sent.key,
        act=sent.key,
        conclusion=sent.conclusion,
        reason=sent.reason,
        analyst=caller.person.person,
        ring_id=sent.ring_id,
        explanation=sent.explanation,
        run_id=run.run_id,
        members_digest=run.notes[sent.ring_id].digest,
        supersedes=stands.decision_id if stands and stands.decision_id != sent.key else None,
    )
    rate = desk.config.check_rate
    judged = {
        "decision_id": sent.key,
        "run_id": run.run_id,
        "ring_id": sent.ring_id,
        "score": ring["score"],
        "kind": ring["kind"],
        "flagged": ring["flagged"],
        "size": ring["size"],
        "rate": rate,
        "is_check": is_check(desk.seal, rate, run.run_id, sent.ring_id),
    }

    def beside(connection: Connection) -> None:
        connection.execute(JUDGED.insert().values(**judged))

    try:
        written = desk.log.append([row], seen=sent.seen, also=beside)[0]
    except MeanwhileError as faster:
        raise RefusedError(
            409, f"Somebody decided meanwhile; the last row on this ring is {faster.latest.seq}."
        ) from None
    caller.note(sent.conclusion, sent.ring_id, f"act {sent.key}")
    return {name: getattr(written, name) for name in Recorded.model_fields}


@router.get("/changes", response_model=Changes, operation_id="list_changes")
def changes(
    caller: Annotated[Caller, _caller("read")],
    after: Annotated[str, Query(max_length=300)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Flagged rings that are new or changed, run by run: a feed to follow instead of web hooks."""
    office = caller.office
    found: list[dict[str, Any]] = []
    for finished in office.desk.shelf.runs():
        if finished.run_id < after.split("/")[0] or len(found) > limit:
            continue
        run = office.desk.shelf.read(finished.run_id)
        for ring_id, ring in run.rings.items():
            cursor, change = f"{finished.run_id}/{ring_id}", run.notes[ring_id].change
            if cursor > after and ring["flagged"] and change != "continued":
                found.append({**ring, "cursor": cursor, "run_id": finished.run_id, "change": change})
    shown = found[:limit]
    return {"changes": shown, "after": shown[-1]["cursor"] if shown else after or None}
