"""Enforcement lists: what is on them, who has to agree, what an appeal does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest

from pipeline.review.lists import approved
from tests.support.workspace import Client, Workspace

TOLD = {"reason": "Confirmed by two of us.", "action": "suspend"}


@pytest.fixture
def people(workspace: Workspace) -> tuple[Client, Client, Client]:
    """An analyst and two leads."""
    return workspace.client("ana", "analyst"), workspace.client("lea", "lead"), workspace.client("max", "lead")


def prepared(client: Client, *rings: str, **more: str) -> str:
    """Prepare a list and return its name."""
    answer = client.form("/lists", {"ring": list(rings), **TOLD, **more})
    assert answer.status_code == 200, re.findall(r'role="alert">([^<]*)', answer.text)
    return str(answer.url).rsplit("/", 1)[1]


def test_only_confirmed_and_unchanged_rings_go_on_a_list(
    workspace: Workspace, people: tuple[Client, Client, Client]
) -> None:
    ana, *_ = people
    old = workspace.desk.shelf.runs()[0].run_id
    ana.decide("R-0001", "confirm", run=old)
    ana.decide("R-0005", "confirm")
    page = ana.form("/lists/prepare", {"ring": ["R-0001", "R-0005", "R-0003"]}).text
    assert "changed since it was confirmed" in page and "is not confirmed" in page
    run = workspace.desk.shelf.read()
    core = run.count("members", "ring_id = 'R-0005' AND membership >= 0.5", [])
    assert f"{core} accounts of 1 confirmed ring" in page


def test_a_small_list_needs_nobody_else_and_leaves_as_csv(
    workspace: Workspace, people: tuple[Client, Client, Client]
) -> None:
    ana, *_ = people
    ana.decide("R-0005", "confirm")
    account = workspace.desk.shelf.read().rows(
        "SELECT account_id FROM members WHERE ring_id = 'R-0005' AND membership >= 0.5 ORDER BY 1 LIMIT 1"
    )[0]["account_id"]
    ana.decide("R-0005", "drop", account=workspace.desk.seal.name("account", account))
    list_id = prepared(ana, "R-0005")
    rows = list(csv.DictReader(io.StringIO(ana.form(f"/lists/{list_id}/export").text)))
    assert {r["action"] for r in rows} == {"suspend"} and {r["ring_id"] for r in rows} == {"R-0005"}
    assert account not in {r["account_id"] for r in rows}, "analysts dropped it"
    assert set(rows[0]) == {"account_id", "action", "reason", "ring_id", "run_id", "list_id"}


def test_above_a_hundred_accounts_a_second_person_confirms_first(
    workspace: Workspace, people: tuple[Client, Client, Client]
) -> None:
    ana, lea, other = people
    ana.decide("R-0003", "confirm")
    list_id = prepared(lea, "R-0003", then="ask")
    assert lea.form(f"/lists/{list_id}/export").status_code == 409
    assert lea.form(f"/lists/{list_id}/approve", TOLD).status_code == 409, "nobody is their own second person"
    assert ana.form(f"/lists/{list_id}/approve", TOLD).status_code == 403
    assert other.form(f"/lists/{list_id}/approve", {"reason": "short"}).status_code == 422
    assert other.form(f"/lists/{list_id}/approve", TOLD).status_code == 200
    assert lea.form(f"/lists/{list_id}/export").headers["content-type"].startswith("text/csv")
    steps = re.findall(r"<bdi>(lea|max)</bdi>: (\w+)", lea.get(f"/lists/{list_id}").text)
    assert steps == [("lea", "draft"), ("lea", "waiting"), ("max", "approved"), ("lea", "exported")]


def test_one_who_has_paid_for_long_calls_for_a_second_person(
    workspace: Workspace, people: tuple[Client, Client, Client]
) -> None:
    ana, *_ = people
    ana.decide("R-0006", "confirm")  # 12 accounts, one of them pays for 140 days
    page = ana.form("/lists/prepare", {"ring": ["R-0006"]}).text
    assert "1 of them have paid for more than 90 days" in page and "A second person has to approve" in page
    assert ana.form(f"/lists/{prepared(ana, 'R-0006')}/export").status_code == 409


def test_an_appeal_reopens_the_decision_and_the_list(
    workspace: Workspace, people: tuple[Client, Client, Client]
) -> None:
    ana, lea, _ = people
    ana.decide("R-0005", "confirm")
    list_id = prepared(ana, "R-0005")
    ana.form(f"/lists/{list_id}/export")
    account = workspace.desk.shelf.read().members_of("R-0005")[0]
    address = f"/account/{workspace.desk.seal.name('account', account)}"
    assert list_id in lea.get(address).text
    assert lea.form(f"{address}/reopen", {"reason": "no"}).status_code == 422
    lea.form(f"{address}/reopen", {"reason": "They showed us their invoices."})
    assert [d.conclusion for d in workspace.desk.log.rows(ring_id="R-0005")] == ["confirmed", "withdrawn"]
    page = lea.get(address).text
    assert "reopened" in page and "appealed" in page
    assert lea.form(f"/lists/{list_id}/export").status_code == 409, "a reopened list does not leave"
    assert "R-0005" in lea.get("/queue").text, "the ring waits again"


def test_an_appeal_leaves_no_earlier_judgement_standing(
    workspace: Workspace, people: tuple[Client, Client, Client]
) -> None:
    """A confirmation that had been corrected by another must not come back when the later one is withdrawn."""
    ana, lea, _ = people
    ana.decide("R-0005", "unsure")
    ana.decide("R-0005", "confirm")
    account = workspace.desk.shelf.read().members_of("R-0005")[0]
    address = f"/account/{workspace.desk.seal.name('account', account)}"
    lea.form(f"{address}/reopen", {"reason": "They showed us their invoices."})
    assert [d.conclusion for d in workspace.desk.log.rows(ring_id="R-0005")][2:] == ["withdrawn", "withdrawn"]
    assert workspace.office.mirror.judgement("R-0005") is None


def test_confirmation_touches_nothing_without_a_list(made_workspace: Callable[..., Workspace]) -> None:
    workspace = made_workspace()
    client = workspace.client("ana", "analyst")
    page = client.get("/ring/R-0005?decide=confirm").text
    assert "No account is touched." in page
    client.decide("R-0005", "confirm")
    assert "None yet." in client.get("/confirmed").text


def test_days_of_approval_leave_for_briefings(workspace: Workspace, people: tuple[Client, Client, Client]) -> None:
    ana, lea, max_ = people
    for ring_id in ("R-0003", "R-0005"):
        ana.decide(ring_id, "confirm")
    waits, small = prepared(lea, "R-0003", then="ask"), prepared(ana, "R-0005")
    assert approved(workspace.desk.engine) == []
    max_.form(f"/lists/{waits}/approve", TOLD)
    ana.form(f"/lists/{small}/export")
    rows = approved(workspace.desk.engine)
    assert {(r["list_id"], r["ring_id"], r["action"]) for r in rows} == {
        (waits, "R-0003", "suspend"),
        (small, "R-0005", "suspend"),
    }
    ana.form(f"/lists/{small}/export")
    assert approved(workspace.desk.engine) == rows, "leaving once more changes no day"
    page = ana.get(f"/lists/{waits}").text
    assert f"{next(r['n_accounts'] for r in rows if r['list_id'] == waits):,} accounts" in page
