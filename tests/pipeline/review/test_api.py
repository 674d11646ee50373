"""The HTTP API: what it answers, to whom, and that it never breaks, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.workspace import Workspace, config_for, listening

REASON = "Three cards in common and the same hours."


@pytest.fixture(scope="module")
def api_workspace(output: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose tokens may ask as often as they like."""
    place = tmp_path_factory.mktemp("api")
    with listening(config_for(output, f"sqlite:///{place}/s.sqlite", requests_a_minute=100_000)) as running:
        yield running


def caller(workspace: Workspace, *scopes: str) -> httpx.Client:
    """Another system with a token."""
    secret = workspace.desk.tokens.make("tests", list(scopes), "ana")
    return httpx.Client(base_url=workspace.config.base, headers={"authorization": f"Bearer {secret}"}, timeout=60)


@pytest.fixture(scope="module")
def reader(api_workspace: Workspace) -> Iterator[httpx.Client]:
    """A system that may read."""
    with caller(api_workspace, "read") as client:
        yield client


def test_rings_page_by_page(api_workspace: Workspace, reader: httpx.Client) -> None:
    found, after = [], ""
    while after is not None:
        page = reader.get("/api/v1/rings", params={"limit": 5, "after": after}).json()
        found += [r["ring_id"] for r in page["rings"]]
        after = page["after"]
    assert found == list(api_workspace.desk.shelf.read().rings)
    flagged = reader.get("/api/v1/rings", params={"flagged": True, "least_score": 0.9}).json()["rings"]
    assert flagged and all(r["flagged"] and r["score"] >= 0.9 for r in flagged)


def test_a_ring_is_masked_without_the_scope(api_workspace: Workspace, reader: httpx.Client) -> None:
    evidence = api_workspace.desk.shelf.read().of_ring("evidence", "R-0001", "entity")
    cards = {e["entity"] for e in evidence if e["entity_type"] != "template"}
    masked = reader.get("/api/v1/rings/R-0001").json()
    assert not cards & {e["entity"] for e in masked["evidence"]}
    assert sum(p["bits"] for p in masked["parts"]) == pytest.approx(3.73, abs=0.01)
    assert sum(masked["explanations"].values()) == pytest.approx(1)
    with caller(api_workspace, "read", "values") as full:
        assert cards & {e["entity"] for e in full.get("/api/v1/rings/R-0001").json()["evidence"]}


def test_accounts_are_looked_up_in_the_order_asked(api_workspace: Workspace, reader: httpx.Client) -> None:
    known = api_workspace.desk.shelf.read().members_of("R-0001")[:3]
    answer = reader.post("/api/v1/accounts/look-up", json={"account_ids": [known[1], "nobody", known[0]]}).json()
    assert [a["account_id"] for a in answer["accounts"]] == [known[1], "nobody", known[0]]
    assert [a["found"] for a in answer["accounts"]] == [True, False, True]
    assert reader.post("/api/v1/accounts/look-up", json={"account_ids": ["a"] * 1001}).status_code == 422


def test_tokens_open_only_what_their_scopes_name(api_workspace: Workspace, reader: httpx.Client) -> None:
    body = {"key": "00000000000000ff", "ring_id": "R-0002", "conclusion": "confirmed", "reason": REASON}
    assert reader.post("/api/v1/decisions", json=body).status_code == 403
    assert httpx.get(f"{api_workspace.config.base}/api/v1/rings").status_code == 401
    wrong = {"authorization": "Bearer rt_wrong"}
    assert httpx.get(f"{api_workspace.config.base}/api/v1/rings", headers=wrong).status_code == 401
    cookie = {"ringtrace": api_workspace.session("ana", "admin")}
    with httpx.Client(base_url=api_workspace.config.base, cookies=cookie) as person:
        assert person.get("/api/v1/rings").status_code == 401, "a browser's session opens no API"
    with caller(api_workspace, "decide") as writer:
        assert writer.get("/api/v1/rings").status_code == 403
    ended = caller(api_workspace, "read")
    api_workspace.desk.tokens.end(api_workspace.desk.tokens.all()[-1]["token_id"])
    assert ended.get("/api/v1/rings").status_code == 401
    ended.close()


def test_a_decision_is_posted_once_and_conflicts_are_said(api_workspace: Workspace) -> None:
    body = {"key": "00000000000000aa", "ring_id": "R-0005", "conclusion": "dismissed", "reason": REASON, "seen": 0}
    with caller(api_workspace, "decide") as writer:
        assert writer.post("/api/v1/decisions", json=body).status_code == 422, "which explanation?"
        body["explanation"] = "household"
        first, again = (writer.post("/api/v1/decisions", json=body) for _ in range(2))
        assert first.status_code == again.status_code == 201 and first.json() == again.json()
        other = {**body, "key": "00000000000000ab"}
        assert writer.post("/api/v1/decisions", json=other).status_code == 409
        assert writer.post("/api/v1/decisions", json={**body, "ring_id": "nowhere"}).status_code == 404
    rows = api_workspace.desk.log.rows(ring_id="R-0005")
    assert len(rows) == 1 and rows[0].analyst.startswith("token tests")


def test_the_feed_tells_each_change_once(api_workspace: Workspace, reader: httpx.Client) -> None:
    found, after = [], ""
    while True:
        page = reader.get("/api/v1/changes", params={"after": after, "limit": 3}).json()
        if not page["changes"]:
            break
        found += [c["cursor"] for c in page["changes"]]
        after = page["after"]
    assert len(found) == len(set(found)) and found == sorted(found)
    runs = [r.run_id for r in api_workspace.desk.shelf.runs()]
    latest = api_workspace.desk.shelf.read()
    changed = [r for r, x in latest.rings.items() if x["flagged"] and latest.notes[r].change != "continued"]
    assert [c.split("/")[1] for c in found if c.startswith(runs[-1])] == changed


def test_too_many_requests_of_one_token(output: Path, tmp_path: Path) -> None:
    with (
        listening(config_for(output, f"sqlite:///{tmp_path}/s.sqlite", requests_a_minute=3)) as workspace,
        caller(workspace, "read") as client,
    ):
        assert [client.get("/api/v1/rings").status_code for _ in range(5)] == [200] * 3 + [429] * 2


def test_whatever_is_sent_no_fault_and_no_undocumented_answer(api_workspace: Workspace) -> None:
    """Every operation of the API's own description, with made-up requests that fit it and requests that do not."""
    schema = schemathesis.openapi.from_url(f"{api_workspace.config.base}/api/openapi.json")
    secret = api_workspace.desk.tokens.make("fuzz", ["read", "values", "decide"], "ana")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 5
    for operation in operations:
        for mode in GenerationMode:

            @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def fuzz(case: schemathesis.Case) -> None:
                case.call_and_validate(headers={"authorization": f"Bearer {secret}"}, checks=checks)

            try:
                fuzz()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, "no request fits the description"
