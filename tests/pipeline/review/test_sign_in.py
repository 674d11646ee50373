"""Coming in: the one-time link, the trusted proxy, OpenID Connect against a provider that really signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from pipeline.review.config import OpenId
from tests.support.workspace import Client, Workspace, free_port


def test_the_link_works_once(workspace: Workspace) -> None:
    workspace.desk.people.grant("local", "solo", "tests", "Ana")
    link = workspace.app.state.doors.new_link()
    with Client(workspace.config.base) as client:
        assert client.get("/queue").status_code == 401
        answer = client.get(link, follow_redirects=True)
        assert answer.status_code == 200 and "wait" in answer.text
        cookie = next(iter(client.cookies.jar))
        assert cookie.has_nonstandard_attr("HttpOnly")
    with Client(workspace.config.base) as other:
        assert other.get(link).status_code == 403
        assert other.get("/enter/guess").status_code == 403


def test_too_many_tries_are_not_answered(made_workspace: Callable[..., Workspace]) -> None:
    workspace = made_workspace(sign_ins_a_minute=5)
    with Client(workspace.config.base) as client:
        tries = [client.get(f"/enter/guess{k}").status_code for k in range(8)]
    assert tries == [403] * 5 + [429] * 3
    actions = [r["action"] for r in workspace.desk.audit.rows(None, None, 10)]
    assert actions.count("sign-in refused") == 3


def test_the_proxy_says_who_comes(made_workspace: Callable[..., Workspace]) -> None:
    workspace = made_workspace(mode="proxy")
    workspace.desk.people.grant("ana@example.org", "analyst", "tests")
    base = workspace.config.base
    with Client(base) as client:
        assert client.get("/sign-in").status_code == 401
        known = {"X-Forwarded-User": "ana@example.org"}
        assert client.get("/sign-in", headers=known, follow_redirects=True).status_code == 200
        assert client.get("/queue").status_code == 401, "the cookie alone is not enough"
        assert client.get("/queue", headers={"X-Forwarded-User": "other@example.org"}).status_code == 401
        assert client.get("/sign-in", headers={"X-Forwarded-User": "nobody@example.org"}).status_code == 403


def test_a_header_from_elsewhere_is_nobodys(made_workspace: Callable[..., Workspace]) -> None:
    workspace = made_workspace(mode="proxy", proxies=("192.0.2.1",))
    workspace.desk.people.grant("ana@example.org", "admin", "tests")
    with Client(workspace.config.base) as client:
        assert client.get("/sign-in", headers={"X-Forwarded-User": "ana@example.org"}).status_code == 401


class Provider:
    """A small OpenID Connect provider; `claims` changes what it says, `key` what it signs with."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self.signs_with = self.key
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Stay quiet."""

            def _say(self, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                base = provider.issuer
                if self.path.startswith("/.well-known"):
                    self._say(
                        {
                            "issuer": base,
                            "authorization_endpoint": f"{base}/go",
                            "token_endpoint": f"{base}/token",
                            "jwks_uri": f"{base}/keys",
                        }
                    )
                else:
                    self._say({"keys": [provider.key.as_dict(private=False)]})

            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                provider.asked = {k: v[0] for k, v in sent.items()}
                self._say({"id_token": provider.token(), "token_type": "Bearer"})

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self) -> str:
        """An id token over the claims."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "ringtrace",
            "exp": now + 300,
            "iat": now,
            "email": "ana@example.org",
            **self.claims,
        }
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signs_with)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that listens."""
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


def _signing_in(workspace: Workspace, provider: Provider, client: Client, **claims: object) -> int:
    begun = client.get("/sign-in")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [
        f"{workspace.config.base}/signed-in"
    ]
    provider.claims = {"nonce": asked["nonce"][0], **claims}
    state = str(claims.get("state", asked["state"][0]))
    return client.get("/signed-in", params={"code": "c", "state": state}, follow_redirects=True).status_code


@pytest.fixture
def openid_workspace(made_workspace: Callable[..., Workspace], provider: Provider) -> Workspace:
    """A workspace behind the provider."""
    workspace = made_workspace(mode="oidc", openid=OpenId(provider.issuer, "ringtrace", "geheim"))
    workspace.desk.people.grant("ana@example.org", "analyst", "tests")
    return workspace


def test_openid_brings_in_whom_it_names(openid_workspace: Workspace, provider: Provider) -> None:
    with Client(openid_workspace.config.base) as client:
        assert _signing_in(openid_workspace, provider, client) == 200
        assert "ana@example.org" in client.get("/queue").text
    assert provider.asked["client_secret"] == "geheim" and provider.asked["code_verifier"]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"aud": "another"}, {"iss": "http://another.invalid"}, {"exp": 1}, {"state": "another"},
        {"email_verified": False}, {"email": "nobody@example.org"}, {"email": ""},
    ],
)  # fmt: skip
def test_openid_answers_that_do_not_hold_bring_in_nobody(
    openid_workspace: Workspace, provider: Provider, claims: dict[str, object]
) -> None:
    with Client(openid_workspace.config.base) as client:
        assert _signing_in(openid_workspace, provider, client, **claims) == 403
        assert client.get("/queue").status_code == 401


def test_openid_tokens_of_another_key_bring_in_nobody(openid_workspace: Workspace, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, parameters={"kid": "k1"})
    with Client(openid_workspace.config.base) as client:
        assert _signing_in(openid_workspace, provider, client) == 403


def test_a_code_from_nowhere_brings_in_nobody(openid_workspace: Workspace) -> None:
    with Client(openid_workspace.config.base) as client:
        assert client.get("/signed-in", params={"code": "c", "state": "s"}).status_code == 403
