"""The workspace as an application: its routes, what every answer carries, what is said when something fails."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.review import api, pages_admin, pages_bulk, pages_lists, pages_log, pages_ring, pages_things, sign_in
from pipeline.review.config import ReviewConfig
from pipeline.review.desk import Desk
from pipeline.review.web import Office, RefusedError, Visit

MOST_BYTES = 4_000_000  # of a request's body
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Manners:
    """What every answer carries, and which requests are not answered at all: foreign hosts, bodies without end."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...], secure: bool) -> None:
        self._app, self._hosts, self._secure = app, hosts, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        refused = self._refused(headers)
        if refused:
            await refused(scope, receive, self._with_headers(scope, send))
            return
        await self._app(scope, _bounded(receive), self._with_headers(scope, send))

    def _refused(self, headers: dict[str, str]) -> Response | None:
        if headers.get("host", "") not in self._hosts:
            return Response("This workspace is not known by that name.\n", 421, media_type="text/plain")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return Response("The request is too large.\n", 413, media_type="text/plain")
        return None

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        kept = scope["path"].startswith("/static/")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = dict(_HEADERS)
                extra["cache-control"] = "public, max-age=3600" if kept else "no-store"
                if self._secure:
                    extra["strict-transport-security"] = "max-age=31536000"
                present = {k.lower() for k, _ in message["headers"] if k.lower() != b"cache-control"}
                message["headers"] = [(k, v) for k, v in message["headers"] if k.lower() != b"cache-control"]
                message["headers"] += [(k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in present]
            await send(message)

        return sending


def _bounded(receive: Receive) -> Receive:
    """A body that says no length is cut off where the largest one would end."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise HTTPException(413, "The request is too large.")
        return message

    return receiving


def create_app(config: ReviewConfig, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """The application over an output and a store. `clock` is for tests that let time pass."""
    desk = Desk(config, clock)
    app = FastAPI(
        title="ringtrace workspace",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        description="Rings of accounts that act as one, the evidence for them, and what analysts decided.",
    )
    office = Office(desk)
    app.state.office, app.state.doors = office, sign_in.Doors(desk)
    app.add_middleware(Manners, hosts=config.hosts, secure=config.secure)
    rights: dict[tuple[str, str], str] = {}
    for module in (pages_ring, pages_bulk, pages_things, pages_lists, pages_log, pages_admin):
        app.include_router(module.pages.router)
        rights.update(module.pages.rights)
    app.include_router(sign_in.router)
    app.include_router(api.router)
    app.state.token_rate = sign_in.Rate(config.requests_a_minute)
    app.state.rights = rights
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static", check_dir=False), name="static")
    _faults(app, office)
    return app


def _faults(app: FastAPI, office: Office) -> None:
    """How failures are answered: in words, with a number for the log, never with a trace."""

    def answer(request: Request, status: int, words: str, mend: str = "", number: str = "") -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"detail": f"{words} {mend}".strip()}, status)
        page = office.templates.get_template("error.html")
        return HTMLResponse(page.render(status=status, words=words, mend=mend, number=number), status)

    def refused(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, RefusedError)
        visit: Visit | None = getattr(request.state, "visit", None)
        if visit is not None and fault.status == 404:
            with contextlib.suppress(RefusedError):  # without a run there is no frame to stand in
                return visit.page("missing.html", 404, words=fault.words, mend=fault.mend)
        return answer(request, fault.status, fault.words, fault.mend)

    def http(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        words = {404: "There is no such page.", 405: "This page cannot be used in that way."}
        return answer(request, fault.status_code, words.get(fault.status_code, str(fault.detail)))

    def unfit(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, RequestValidationError)
        if request.url.path.startswith("/api/"):
            problems = [{"where": list(e["loc"]), "words": e["msg"]} for e in fault.errors()]
            return JSONResponse({"detail": problems}, 422)
        return answer(request, 404, "There is no such page.")

    def broken(request: Request, fault: Exception) -> Response:
        number = secrets.token_hex(4)
        import logging

        logging.getLogger("ringtrace.review").error("fault %s: %s", number, type(fault).__name__, exc_info=fault)
        words = "This page could not be made. Decisions are safe."
        return answer(
            request, 500, words, "Try again; if it fails again, give the number below to whoever keeps the log.", number
        )

    handlers: dict[Any, Any] = {
        RefusedError: refused,
        HTTPException: http,
        RequestValidationError: unfit,
        Exception: broken,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
