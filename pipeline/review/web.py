"""One visit to a page: who comes, with which right, to which run; and how answers are given.

Every route names the right it needs; a route without one cannot be made. Forms carry a token bound to the session.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData

from pipeline.errors import UsageError
from pipeline.part_words import title
from pipeline.review import say
from pipeline.review.access import Person, digest_of
from pipeline.review.desk import Desk
from pipeline.review.queue import QueueRow, build
from pipeline.review.runs import RunReader
from pipeline.review.states import STATE_SHAPES, STATE_WORDS, LogMirror, States
from pipeline.words import number

RUN_COOKIE = "ringtrace-run"
HERE = Path(__file__).parent


class RefusedError(Exception):
    """The answer is no; `status` and a sentence that says why and what helps."""

    def __init__(self, status: int, words: str, mend: str = "") -> None:
        self.status, self.words, self.mend = status, words, mend
        super().__init__(words)


class Office:
    """What all visits share: the desk, the log in memory, the templates, the queue last built."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.mirror = desk, LogMirror(desk.log)
        self.states = States(desk.shelf, self.mirror)
        self._queue: tuple[Any, list[QueueRow]] | None = None
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters.update(
            count=say.count,
            bits=say.bits,
            measure=say.measure,
            part_title=title,
            reading=say.reading,
            day=say.day,
            short_day=say.short_day,
            clock=say.clock,
            likely=say.likely,
            quoted=say.quoted,
            slots=say.slots,
            slot_shape=say.slot_shape,
            type_word=say.type_word,
            masked=say.masked,
            rival=say.rival,
            probability=number,
        )
        self.templates.globals.update(
            STATE_WORDS=STATE_WORDS,
            STATE_SHAPES=STATE_SHAPES,
            KINDS=say.KIND_SHORT,
            SAID=say.CONCLUSION_WORDS,
            EXPLANATIONS=say.EXPLANATIONS,
        )

    def queue(self, run: RunReader) -> list[QueueRow]:
        """All rings of a run in queue order, built again only when a decision or an assignment came."""
        states, assigned = self.states.of_run(run), self.desk.board.assigned()
        key = (run.run_id, self.mirror.version, tuple(sorted(assigned.items())))
        if self._queue is None or self._queue[0] != key:
            self._queue = (key, build(run, states, assigned, self.desk.seal, self.desk.config.check_rate))
        return self._queue[1]


@dataclass
class Visit:
    """One request of somebody who may make it."""

    request: Request
    office: Office
    person: Person
    session: str  # digest of the session
    form: FormData | Mapping[str, str] = field(default_factory=dict)

    @property
    def desk(self) -> Desk:
        """The desk behind the pages."""
        return self.office.desk

    @cached_property
    def run(self) -> RunReader:
        """The run that the address names, or the latest."""
        named = self.request.query_params.get("run") or str(self.form.get("run") or "") or None
        chosen = self.request.cookies.get(RUN_COOKIE)
        wanted = named or (chosen if chosen and self.desk.shelf.has(chosen) else None)
        try:
            run = self.desk.shelf.read(wanted)
        except UsageError:
            if named is None:
                raise RefusedError(
                    404,
                    "There is no finished run here yet.",
                    "`ringtrace run INPUT --output ...` makes one; reload this page then.",
                ) from None
            raise RefusedError(
                404, "That run is not kept here.", "Choose another run at the head of the page."
            ) from None
        self.office.mirror.refresh()
        return run

    @property
    def newest(self) -> str:
        """Name of the latest run."""
        return self.desk.shelf.runs()[-1].run_id

    @property
    def csrf(self) -> str:
        """The token that this session's forms carry."""
        return self.desk.seal.digest("form", self.session)

    def text(self, name: str, limit: int = 4000) -> str:
        """A field of the form, without characters a database refuses."""
        return str(self.form.get(name) or "").replace("\x00", "").strip()[:limit]

    def texts(self, name: str) -> list[str]:
        """All values of a field of the form."""
        return [str(v) for v in self.form.getlist(name)] if isinstance(self.form, FormData) else []

    def note(self, action: str, subject: str = "", detail: str = "") -> None:
        """Write into the audit log."""
        self.desk.audit.note(self.person, action, subject, detail)

    def ring(self, ring_id: str) -> dict[str, Any]:
        """A ring of the run; RefusedError where the run does not have it, with the run that last had it."""
        found = self.run.rings.get(ring_id)
        if found is None:
            known = self.run.rows("SELECT last_run FROM ring_registry WHERE ring_id = ?", [ring_id])
            words = f"{say.visible(say.cut(ring_id))} is not in this run"
            raise RefusedError(404, f"{words}; last seen in {known[0]['last_run']}." if known else f"{words}.")
        return found

    def shown_account(self, account_id: str) -> Any:
        """An account as this person may see it."""
        return say.quoted(account_id) if self.person.may("ids") else self.desk.seal.pseudonym(account_id)

    def account_link(self, account_id: str) -> str:
        """Address of an account's page."""
        return f"/account/{self.desk.seal.name('account', account_id)}"

    def entity_link(self, entity_type: str, entity: str) -> str:
        """Address of an entity's page."""
        return f"/entity/{self.desk.seal.name('entity', entity_type, entity)}"

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page from a template; it knows the visit and the frame's values."""
        frame = {"v": self, "me": self.person, "csrf": self.csrf, "window": say.window(self.run.since, self.run.until)}
        body = self.office.templates.get_template(template).render(**frame, **values)
        return HTMLResponse(body, status)


def to(address: str) -> Response:
    """Go on to another page after a form."""
    return RedirectResponse(address, 303)


def _visit(right: str) -> Callable[..., Visit]:
    def visit(request: Request) -> Visit:
        office: Office = request.app.state.office
        person, session = who_comes(request, office.desk)
        if not person.may(right):
            office.desk.audit.note(person, "refused", request.scope["route"].path)
            raise RefusedError(
                403, "Your role does not allow this.", "An admin can change roles; a second admin confirms."
            )
        made = Visit(request, office, person, session)
        request.state.visit = made
        return made

    return visit


def who_comes(request: Request, desk: Desk) -> tuple[Person, str]:
    """The person of the request's session and the session's digest; RefusedError (401) where there is none."""
    key = request.cookies.get(cookie_name(desk), "")
    person_id = desk.sessions.person_of(key) if key else None
    if desk.config.mode == "proxy":
        named = proxy_person(request, desk)
        if named is None or (person_id is not None and person_id != named):
            raise RefusedError(
                401, "The sign-in proxy did not say who you are.", "Open the workspace through the proxy."
            )
    person = desk.people.find(person_id) if person_id else None
    if person is None:
        raise RefusedError(
            401, "You are not signed in, or the session has ended.", "Sign in again; nothing that you recorded is lost."
        )
    return person, digest_of(key)


def proxy_person(request: Request, desk: Desk) -> str | None:
    """Whom the trusted proxy names; nobody where the request comes from elsewhere."""
    host = request.client.host if request.client else ""
    if host not in desk.config.proxies:
        return None
    return request.headers.get(desk.config.proxy_header, "").strip()[:200] or None


def cookie_name(desk: Desk) -> str:
    """Name of the session's cookie; browsers refuse to send a `__Host-` cookie without TLS or to other hosts."""
    return "__Host-ringtrace" if desk.config.secure else "ringtrace"


class Pages:
    """Routes of pages: each with the right it needs. Forms are checked for the session's token before anything else."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)
        self.rights: dict[tuple[str, str], str] = {}

    def get(self, path: str, right: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A page."""
        return self._add("GET", path, right)

    def post(self, path: str, right: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A form's target."""
        return self._add("POST", path, right)

    def _add(self, method: str, path: str, right: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def add(handler: Callable[..., Any]) -> Callable[..., Any]:
            self.rights[(method, path)] = right
            handler.__annotations__["visit"] = Annotated[
                Visit, Depends(_checked_form(right) if method == "POST" else _visit(right))
            ]
            self.router.add_api_route(path, handler, methods=[method], response_class=HTMLResponse)
            return handler

        return add


def _checked_form(right: str) -> Callable[..., Any]:
    async def checked(request: Request, visit: Visit) -> Visit:
        visit.form = await request.form(max_fields=60_000, max_files=0)
        if not hmac.compare_digest(str(visit.form.get("csrf") or "").encode(), visit.csrf.encode()):
            raise RefusedError(
                403, "The form did not come from this session.", "Open the page again and send the form from there."
            )
        return visit

    checked.__annotations__["visit"] = Annotated[Visit, Depends(_visit(right))]
    return checked
