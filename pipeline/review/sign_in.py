"""Coming in and going out: a one-time link on one's own machine, a trusted proxy, or OpenID Connect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections import defaultdict, deque
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from pipeline.review.access import Person
from pipeline.review.config import OpenId
from pipeline.review.desk import Desk
from pipeline.review.web import RefusedError, cookie_name, proxy_person

router = APIRouter(include_in_schema=False)
_STATE_COOKIE, _STATE_SECONDS = "ringtrace-sign-in", 600
LOCAL_PERSON = "local"


class Rate:
    """At most so many tries a minute from one place."""

    def __init__(self, a_minute: int) -> None:
        self._most, self._lock = a_minute, threading.Lock()
        self._tries: dict[str, deque[float]] = defaultdict(deque)

    def allows(self, who: str) -> bool:
        """Count a try; False where there were too many."""
        now = time.monotonic()
        with self._lock:
            if len(self._tries) > 10_000:
                self._tries.clear()
            held = self._tries[who]
            while held and held[0] < now - 60:
                held.popleft()
            held.append(now)
            while len(held) > self._most + 1:
                held.popleft()
            return len(held) <= self._most


class Doors:
    """What sign-in keeps in memory: the one-time link, the tries, the provider's addresses."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rate = Rate(desk.config.sign_ins_a_minute)
        self.signer = URLSafeTimedSerializer(desk.config.secret, salt="sign-in")
        self._link = ""
        self._provider: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def new_link(self) -> str:
        """Address of a new one-time link; the one before no longer works."""
        self._link = secrets.token_urlsafe(24)
        return f"{self.desk.config.base}/enter/{self._link}"

    def use_link(self, key: str) -> bool:
        """Whether the key is that of the link; it works once."""
        with self._lock:
            good = bool(self._link) and hmac.compare_digest(self._link.encode(), key.encode())
            if good:
                self._link = ""
            return good

    def provider(self, openid: OpenId) -> dict[str, Any]:
        """The provider's own description of itself, fetched once."""
        if self._provider is None:
            found = httpx.get(f"{openid.issuer.rstrip('/')}/.well-known/openid-configuration", timeout=10).json()
            if found.get("issuer", "").rstrip("/") != openid.issuer.rstrip("/"):
                raise RefusedError(502, "The sign-in provider gives another name than the one set up.")
            self._provider = found
        return self._provider


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    host = request.client.host if request.client else "unknown"
    if not doors.rate.allows(host):
        doors.desk.audit.note(Person("", "", ""), "sign-in refused", "too many tries")
        raise RefusedError(429, "Too many tries to sign in.", "Wait a minute.")
    return doors


def _begin(doors: Doors, person: str) -> Response:
    """A new session for a person with a role."""
    desk = doors.desk
    known = desk.people.find(person)
    if known is None:
        desk.audit.note(Person(person, person, ""), "sign-in refused", "no role")
        raise RefusedError(
            403, "You are known, but nobody has given you a role yet.", "Ask an admin of this workspace."
        )
    answer = RedirectResponse("/queue", 303)
    answer.set_cookie(
        cookie_name(desk),
        desk.sessions.begin(person),
        max_age=desk.config.session_hours * 3600,
        path="/",
        secure=desk.config.secure,
        httponly=True,
        samesite="lax",
    )
    answer.delete_cookie(_STATE_COOKIE, path="/")
    desk.audit.note(known, "signed in")
    return answer


@router.get("/enter/{key}")
def enter(key: str, request: Request) -> Response:
    """The one-time link of a local workspace."""
    doors = _doors(request)
    if doors.desk.config.mode != "local" or not doors.use_link(key):
        raise RefusedError(
            403, "This link has been used or is not the newest.", "Start `ringtrace review` again for a new one."
        )
    return _begin(doors, LOCAL_PERSON)


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    """Where signing in begins, whatever its kind."""
    doors = _doors(request)
    config = doors.desk.config
    if config.mode == "proxy":
        person = proxy_person(request, doors.desk)
        if person is None:
            raise RefusedError(
                401, "The sign-in proxy did not say who you are.", "Open the workspace through the proxy."
            )
        return _begin(doors, person)
    if config.mode != "oidc" or config.openid is None:
        raise RefusedError(401, "This workspace is opened by the link that `ringtrace review` printed.")
    state, nonce, verifier = (secrets.token_urlsafe(24) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    wanted = {
        "response_type": "code",
        "client_id": config.openid.client_id,
        "redirect_uri": f"{config.base}/signed-in",
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    answer = RedirectResponse(f"{doors.provider(config.openid)['authorization_endpoint']}?{urlencode(wanted)}", 303)
    sealed = doors.signer.dumps([state, nonce, verifier])
    answer.set_cookie(
        _STATE_COOKIE, sealed, max_age=_STATE_SECONDS, path="/", secure=config.secure, httponly=True, samesite="lax"
    )
    return answer


@router.get("/signed-in")
def signed_in(request: Request, code: str = "", state: str = "") -> Response:
    """Where the provider sends people back to: the code becomes an id token, checked in every respect."""
    doors = _doors(request)
    openid = doors.desk.config.openid
    if doors.desk.config.mode != "oidc" or openid is None:
        raise RefusedError(404, "There is no such page.")
    try:
        kept = doors.signer.loads(request.cookies.get(_STATE_COOKIE, ""), max_age=_STATE_SECONDS)
    except BadSignature:
        raise RefusedError(403, "This sign-in was not begun here, or took too long.", "Sign in again.") from None
    if not code or not hmac.compare_digest(kept[0].encode(), state.encode()):
        raise RefusedError(403, "This sign-in was not begun here.", "Sign in again.")
    person = _person_of(doors, openid, code, nonce=kept[1], verifier=kept[2])
    if person is None:
        doors.desk.audit.note(Person("", "", ""), "sign-in refused", "id token")
        raise RefusedError(403, "The provider's answer did not hold.", "Sign in again.")
    return _begin(doors, person)


def _person_of(doors: Doors, openid: OpenId, code: str, *, nonce: str, verifier: str) -> str | None:
    """The person that the provider's id token names: signature, issuer, audience, times and nonce checked."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    provider = doors.provider(openid)
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{doors.desk.config.base}/signed-in",
        "client_id": openid.client_id,
        "client_secret": openid.client_secret,
        "code_verifier": verifier,
    }
    answer = httpx.post(provider["token_endpoint"], data=sent, timeout=10)
    if answer.status_code != 200 or "id_token" not in answer.json():
        return None
    keys = KeySet.import_key_set(httpx.get(provider["jwks_uri"], timeout=10).json())
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": provider["issuer"]},
        aud={"essential": True, "value": openid.client_id},
        exp={"essential": True},
        nonce={"essential": True, "value": nonce},
        leeway=60,
    )
    try:
        token = jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256", "ES256", "PS256"])
        rules.validate(token.claims)
    except (JoseError, ValueError):
        return None
    if openid.claim == "email" and token.claims.get("email_verified") is False:
        return None
    named = token.claims.get(openid.claim)
    return str(named)[:200] if named else None
