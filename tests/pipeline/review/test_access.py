"""Who may do what: every route x every role x with and without the form's token, made from the routes themselves."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import httpx
import pytest
from fastapi.routing import APIRoute

from pipeline.review import pages_admin, pages_bulk, pages_lists, pages_log, pages_ring, pages_things
from pipeline.review.access import GIVEN, ROLES, Person
from tests.pipeline.review.addresses import Addresses
from tests.pipeline.review.conftest import Clock
from tests.support.workspace import Client, Workspace

MODULES = (pages_ring, pages_bulk, pages_things, pages_lists, pages_log, pages_admin)
RIGHTS: dict[tuple[str, str], str] = {k: v for m in MODULES for k, v in m.pages.rights.items()}
# Section 13 of the workspace's specification, said a second time: who may do what, by route.
EVERYBODY, ANALYSTS, LEADS = (
    {"viewer", "analyst", "lead", "admin", "solo"},
    {"analyst", "lead", "solo"},
    {"lead", "solo"},
)
EXPECTED = {
    "look": EVERYBODY,
    "ids": ANALYSTS,
    "show": ANALYSTS,
    "decide": ANALYSTS,
    "prepare": ANALYSTS,
    "approve": LEADS,
    "export_values": LEADS,
    "threshold": LEADS,
    "audit": LEADS | {"admin"},
    "own_audit": ANALYSTS | {"admin"},
    "people": {"admin"},
    "tokens": {"admin", "solo"},
}
WRITES = {
    "/ring/{ring_id}/decide/{verb}": "decide",
    "/entity/{name}/allow": "decide",
    "/ring/{ring_id}/split": "decide",
    "/account/{name}/reopen": "decide",
    "/queue/bulk/record": "decide",
    "/decisions/{act}/withdraw": "decide",
    "/entity/{name}/show": "show",
    "/lists": "prepare",
    "/lists/{list_id}/approve": "approve",
    "/people": "people",
    "/people/settle": "people",
    "/tokens": "tokens",
    "/threshold": "threshold",
    "/lists/{list_id}/export": "prepare",
}


@pytest.fixture(scope="module")
def clients(quiet_workspace: Workspace) -> dict[str, Client]:
    """One client a role."""
    return {role: quiet_workspace.client(f"the {role}", role) for role in ROLES}


@pytest.fixture(scope="module")
def addresses(quiet_workspace: Workspace) -> Addresses:
    """Addresses that exist."""
    return Addresses(quiet_workspace)


def test_roles_hold_exactly_the_rights_of_the_table() -> None:
    held = {right: {role for role in ROLES if Person("p", "p", role).may(right)} for right in EXPECTED}
    assert held == EXPECTED
    assert {r for rights in ROLES.values() for r in rights} == set(EXPECTED)
    assert set(GIVEN) == set(ROLES) - {"solo"}, "nobody can be given the rights of a local workspace"
    assert not Person("p", "p", "no such role").may("look")


def test_every_route_names_a_right_and_what_writes_names_the_right_one(quiet_workspace: Workspace) -> None:
    listed = {(m, r.path) for r in routes(quiet_workspace) for m in r.methods}
    public = {"/enter/{key}", "/sign-in", "/signed-in"}
    unguarded = {(m, p) for m, p in listed if (m, p) not in RIGHTS and not p.startswith("/api/v1/") and p not in public}
    assert unguarded == set()
    assert all(right in EXPECTED for right in RIGHTS.values())
    assert {path: RIGHTS[("POST", path)] for path in WRITES} == WRITES


def routes(workspace: Workspace) -> list[APIRoute]:
    """Every route of the application, those of included routers too."""
    found: list[APIRoute] = []

    def walk(held: list[object]) -> None:
        for route in held:
            if isinstance(route, APIRoute):
                found.append(route)
            inner = getattr(route, "original_router", None)
            if inner is not None:
                walk(inner.routes)

    walk(workspace.app.routes)
    assert len(found) > 40
    return found


@pytest.mark.parametrize(("role", "key"), list(itertools.product(ROLES, sorted(RIGHTS))))
def test_role_matrix(
    role: str, key: tuple[str, str], clients: dict[str, Client], addresses: Addresses, tokens: dict[str, str]
) -> None:
    method, path = key
    if path in ("/sign-out", "/settings/sessions/end"):
        return  # they end the session of this very test; see test_leaving
    address, client, allowed = addresses.fill(path), clients[role], role in EXPECTED[RIGHTS[key]]
    if method == "GET":
        answer = client.get(address)
        assert (answer.status_code == 403) == (not allowed), answer.text[-300:]
        assert answer.status_code < 500
        return
    form = addresses.form(path)
    for wrong in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": tokens["viewer" if role != "viewer" else "lead"]}):
        assert client.post(address, data={**form, **wrong}).status_code == 403, (
            "without this session's token nothing is done"
        )
    answer = client.post(address, data={**form, "csrf": tokens[role]})
    assert answer.status_code < 500
    if not allowed:
        assert answer.status_code == 403
    else:
        assert answer.status_code != 403 or "second admin" in answer.text


@pytest.fixture(scope="module")
def tokens(clients: dict[str, Client]) -> dict[str, str]:
    """Each session's token."""
    return {role: client.token() for role, client in clients.items()}


def test_without_a_session_every_page_asks_to_sign_in(quiet_workspace: Workspace, addresses: Addresses) -> None:
    with Client(quiet_workspace.config.base) as nobody:
        for (method, path), _ in RIGHTS.items():
            assert nobody.request(method, addresses.fill(path)).status_code == 401
        nobody.cookies.set("ringtrace", "made up")
        assert nobody.get("/queue").status_code == 401


def test_a_role_taken_away_ends_at_once(workspace: Workspace) -> None:
    client = workspace.client("ana", "analyst")
    assert client.get("/ring/R-0001?decide=confirm").status_code == 200
    workspace.desk.people.grant("ana", "viewer", "tests")
    assert client.form("/ring/R-0001/take").status_code == 403


def test_answers_carry_what_browsers_need_to_protect_people(
    quiet_workspace: Workspace, clients: dict[str, Client]
) -> None:
    for address in ("/queue", "/ring/R-0001", "/nowhere", "/static/review.css"):
        headers = clients["lead"].get(address).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert ("no-store" in headers["cache-control"]) != address.startswith("/static/")


def test_other_hosts_and_endless_bodies_are_not_answered(
    quiet_workspace: Workspace, clients: dict[str, Client]
) -> None:
    client = clients["lead"]
    assert client.get("/queue", headers={"host": "evil.invalid"}).status_code == 421
    assert client.post("/find", content=b"x" * 5_000_000).status_code == 413

    def endless():  # type: ignore[no-untyped-def]
        for _ in range(50):
            yield b"y" * 100_000

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/find", content=endless(), headers=form).status_code in (400, 413)


def test_sessions_end_after_idle_time_and_after_a_days_work(
    made_workspace: Callable[..., Workspace], clock: Clock
) -> None:
    workspace = made_workspace(clock)
    client = workspace.client("ana", "analyst")
    for _ in range(23):
        clock.passes(minutes=29)
        assert client.get("/queue").status_code == 200
    clock.passes(minutes=31)
    assert client.get("/queue").status_code == 401
    client = workspace.client("ana", "analyst")
    for _ in range(26):
        clock.passes(minutes=29)
        last = client.get("/queue").status_code
    assert last == 401, "twelve hours are over"


def test_leaving(workspace: Workspace) -> None:
    client, other = workspace.client("ana", "analyst"), workspace.client("ana", "analyst")
    sessions = workspace.desk.sessions.of("ana")
    assert len(sessions) == 2
    own = client.get("/settings").text
    ended = next(s["digest"] for s in sessions if f'value="{s["digest"]}"' in own)
    client.form("/settings/sessions/end", {"session": ended})
    assert other.get("/queue").status_code == 401
    answer = client.form("/sign-out", follow=False)
    assert answer.status_code == 303 and "cache" in answer.headers["clear-site-data"]
    assert client.get("/queue").status_code == 401


def test_nobody_ends_the_session_of_another(workspace: Workspace) -> None:
    ana, bo = workspace.client("ana", "analyst"), workspace.client("bo", "analyst")
    ana.form("/settings/sessions/end", {"session": workspace.desk.sessions.of("bo")[0]["digest"]})
    assert bo.get("/queue").status_code == 200


def test_a_role_changes_only_when_a_second_admin_confirms(workspace: Workspace) -> None:
    one, two = workspace.client("one", "admin"), workspace.client("two", "admin")
    one.form("/people", {"person": "mallory", "role": "admin"})
    assert one.form("/people/settle", {"number": "1", "outcome": "confirmed"}).status_code == 403
    assert workspace.desk.people.find("mallory") is None
    two.form("/people/settle", {"number": "1", "outcome": "confirmed"})
    known = workspace.desk.people.find("mallory")
    assert known is not None and known.role == "admin"
    assert "confirmed by two" in workspace.desk.people.all()[0]["by_whom"]


def test_an_unknown_right_cannot_be_guessed_by_method(clients: dict[str, Client]) -> None:
    assert clients["viewer"].request("DELETE", "/decisions").status_code == 405
    assert clients["lead"].request("PUT", "/audit").status_code == 405
    with pytest.raises(httpx.HTTPError):
        clients["lead"].get("http://127.0.0.1:1/queue")
