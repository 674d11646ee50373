"""Decisions from the first form to the log: what is written, what is refused, what comes back."""

from __future__ import annotations

import re

import pytest

from pipeline.decisions import members_digest
from tests.support.workspace import Client, Workspace


@pytest.fixture
def ana(workspace: Workspace) -> Client:
    """An analyst."""
    return workspace.client("ana", "analyst")


def log_of(workspace: Workspace, **equal: str) -> list[tuple[str, str | None]]:
    """Conclusions and what they correct."""
    return [(d.conclusion, d.supersedes) for d in workspace.desk.log.rows(**equal)]


def test_a_decision_says_who_when_on_which_run_and_members(workspace: Workspace, ana: Client) -> None:
    receipt = ana.decide("R-0002", "confirm")
    assert receipt.status_code == 200 and "Recorded." in receipt.text and "Withdraw..." in receipt.text
    written = workspace.desk.log.rows(ring_id="R-0002")[0]
    run = workspace.desk.shelf.read()
    assert (written.conclusion, written.analyst, written.run_id) == ("confirmed", "ana", run.run_id)
    assert written.members_digest == members_digest(run.members_of("R-0002"))
    assert "R-0002" not in re.findall(r'href="/ring/([^"?]+)"', ana.get("/queue").text), "it left the queue"
    assert "R-0002" in ana.get("/decisions").text


@pytest.mark.parametrize("reason", ["", "too short", "              x", "\x00" * 40])
def test_a_reason_is_required_and_what_was_typed_comes_back(workspace: Workspace, ana: Client, reason: str) -> None:
    answer = ana.decide("R-0002", "dismiss", reason=reason, explanation="household")
    assert answer.status_code == 422 and "at least 15 characters" in answer.text
    assert re.search(r'value="household"[^>]*checked', answer.text)
    assert log_of(workspace) == []


def test_a_dismissal_needs_the_innocent_explanation(workspace: Workspace, ana: Client) -> None:
    kept = "They work in one office and pay together."
    answer = ana.decide("R-0002", "dismiss", reason=kept)
    assert answer.status_code == 422 and kept in answer.text
    assert ana.decide("R-0002", "dismiss", explanation="organization").status_code == 200
    assert workspace.desk.log.rows()[0].explanation == "organization"


def test_two_at_once_the_second_is_told_and_nothing_is_lost(workspace: Workspace, ana: Client) -> None:
    bo = workspace.client("bo", "analyst")
    page = bo.get("/ring/R-0002", params={"decide": "dismiss"}).text
    form = dict(re.findall(r'name="(act|seen|run)" value="([^"]*)"', page))
    ana.decide("R-0002", "confirm", reason="Ana was a little faster here.")
    text = "A long reason that bo would hate to lose."
    told = bo.form("/ring/R-0002/decide/dismiss", {**form, "reason": text, "explanation": "household"})
    assert told.status_code == 409
    assert "ana" in told.text and "Ana was a little faster here." in told.text and text in told.text
    assert "Record mine too" in told.text and "Let theirs stand" in told.text
    assert log_of(workspace) == [("confirmed", None)]
    again = dict(re.findall(r'name="(act|seen|run|beside)" value="([^"]*)"', told.text))
    bo.form("/ring/R-0002/decide/dismiss", {**again, "reason": text, "explanation": "household"})
    assert log_of(workspace) == [("confirmed", None), ("dismissed", None)]


def test_a_form_sent_twice_is_recorded_once(workspace: Workspace, ana: Client) -> None:
    for _ in range(2):
        assert ana.decide("R-0002", "confirm", act="00000000000000aa", seen="0").status_code == 200
    assert log_of(workspace) == [("confirmed", None)]


def test_a_correction_points_back_and_withdrawing_keeps_both(workspace: Workspace, ana: Client) -> None:
    ana.decide("R-0002", "confirm")
    ana.decide("R-0002", "dismiss", explanation="household")
    first, second = workspace.desk.log.rows()
    assert second.supersedes == first.decision_id
    ana.form(f"/decisions/{second.act}/withdraw", {"reason": "I had the wrong ring in front of me."})
    assert log_of(workspace)[2] == ("withdrawn", second.decision_id)
    assert len(workspace.desk.log.rows()) == 3
    page = ana.get("/ring/R-0002").text
    assert "●" in page and "withdrawn" in page
    assert workspace.office.mirror.judgement("R-0002") == first, "what had been corrected counts again, as in a run"
    again = ana.form(f"/decisions/{second.act}/withdraw", {"reason": "and once more for good measure"})
    assert again.status_code == 422 and "no longer counts already" in again.text


def test_split_says_exactly_what_moves_and_writes_a_row_an_account(workspace: Workspace, ana: Client) -> None:
    run = workspace.desk.shelf.read()
    groups = {g["rank"]: g["n_accounts"] for g in run.of_ring("ring_groups", "R-0002", "rank")}
    preview = ana.form("/ring/R-0002/split", {"group": ["1", "2"]})
    moving = groups[1] + groups[2]
    assert f"{moving} accounts leave, {run.rings['R-0002']['size'] - moving} stay." in preview.text
    ana.decide("R-0002", "split", group=["1", "2"])
    rows = workspace.desk.log.rows(ring_id="R-0002")
    assert len(rows) == moving and {d.part for d in rows} == {"A"} and len({d.act for d in rows}) == 1
    assert {d.account_id for d in rows} < set(run.members_of("R-0002"))
    ana.form(f"/decisions/{rows[0].act}/withdraw", {"reason": "They do belong together."})
    gone = {d.supersedes for d in workspace.desk.log.rows(conclusion="withdrawn")}
    assert gone == {d.decision_id for d in rows}


def test_every_group_holds_as_many_accounts_as_its_row_says(quiet_workspace: Workspace) -> None:
    client = quiet_workspace.client("ana", "analyst")
    run = quiet_workspace.desk.shelf.read()
    total = 0
    for group in run.of_ring("ring_groups", "R-0001", "rank"):
        page = client.get(f"/ring/R-0001/group/{group['rank']}").text
        assert f"{group['n_accounts']:,} of {run.rings['R-0001']['size']:,} accounts" in page
        total += group["n_accounts"]
    assert total == run.rings["R-0001"]["size"]


def test_nothing_or_everything_cannot_be_split_off(workspace: Workspace, ana: Client) -> None:
    ranks = [str(g["rank"]) for g in workspace.desk.shelf.read().of_ring("ring_groups", "R-0012", "rank")]
    assert ana.decide("R-0012", "split", group=ranks).status_code == 422
    assert ana.form("/ring/R-0012/split").status_code == 422
    assert log_of(workspace) == []


def test_merge_pin_drop_and_keep(workspace: Workspace, ana: Client) -> None:
    assert ana.decide("R-0002", "merge", other_ring_id="R-0002").status_code == 422
    assert ana.decide("R-0002", "merge", other_ring_id="nowhere").status_code == 422
    assert ana.decide("R-0002", "merge", other_ring_id="R-0005").status_code == 200
    assert ana.decide("R-0005", "pin", name="<b>no</b>").status_code == 422
    assert ana.decide("R-0005", "pin", name="Night owls").status_code == 200
    account = workspace.desk.shelf.read().members_of("R-0006")[0]
    name = workspace.desk.seal.name("account", account)
    assert ana.decide("R-0005", "drop", account=name).status_code == 422, "it is in another ring"
    assert ana.decide("R-0006", "drop", account=name).status_code == 200
    assert ana.decide("R-0006", "keep", account=name).status_code == 200
    written = [(d.conclusion, d.other_ring_id, d.part, d.account_id) for d in workspace.desk.log.rows()]
    assert written == [
        ("merged", "R-0005", None, None),
        ("pinned", None, "Night owls", None),
        ("account_dropped", None, None, account),
        ("account_kept", None, None, account),
    ]  # fmt: skip
    assert "dropped an account" in ana.get(f"/account/{name}").text


def test_an_allowed_entity_says_what_would_go_and_leaves_for_later_runs(workspace: Workspace, ana: Client) -> None:
    run = workspace.desk.shelf.read()
    found = run.of_ring("evidence", "R-0002", "bits_counted DESC, entity", 1)[0]
    name = workspace.desk.seal.name("entity", found["entity_type"], found["entity"])
    page = ana.get(f"/entity/{name}?allow=1").text
    assert f"At most +{found['bits_counted']:.1f} of R-0002" in page
    answer = ana.form(f"/entity/{name}/allow", {"reason": "The card of one school, known to us."})
    assert "counts as innocently shared" in answer.text
    lead = workspace.client("lea", "lead")
    assert found["entity"] in lead.get("/allowlist.csv").text
    assert found["entity"] not in ana.get("/decisions.csv").text, "analysts' exports are masked like the page"
    assert found["entity"] in lead.get("/decisions.csv").text


def test_a_ring_that_changed_since_is_shown_as_such(workspace: Workspace, ana: Client) -> None:
    old, new = (r.run_id for r in workspace.desk.shelf.runs())
    ana.decide("R-0001", "confirm", run=old)
    ana.decide("R-0002", "confirm", run=old)
    ana.decide("R-0004", "dismiss", run=old, explanation="organization")
    queue = ana.get("/queue").text
    assert "46 joined since" in queue and "◆ 2 changed since decided" in queue
    page = ana.get("/ring/R-0001").text
    assert "46 joined, 0 left since" in page and "changed since decided" in page
    assert "46 of 46 shown" in ana.get("/ring/R-0001/newcomers").text
    assert "● decided" in re.sub(r"<[^>]+>", "", ana.get("/ring/R-0002").text).replace("\n", " ")
    before = ana.get("/ring/R-0001", params={"run": old}).text
    assert "changed since decided" not in before and new not in re.findall(r"Judged: .*", before)[0]


def test_where_the_judged_run_is_gone_the_page_says_so(workspace: Workspace, ana: Client) -> None:
    ana.decide("R-0001", "confirm")
    row = workspace.desk.log.rows()[0]
    from dataclasses import replace

    gone = replace(row, decision_id="x", act="x", run_id="2025-01-01-00000000", members_digest="0" * 64, supersedes="a")
    workspace.desk.log.append([gone])
    page = ana.get("/ring/R-0001").text
    assert "who joined can no longer be shown" in page
    assert ana.get("/ring/R-0001/newcomers").status_code == 404


def test_more_than_one_at_once_always_through_a_preview(workspace: Workspace, ana: Client) -> None:
    bo = workspace.client("bo", "analyst")
    bo.decide("R-0005", "confirm")
    ticked = {"do": "dismiss", "ring": ["R-0002", "R-0005", "R-0006", "R-none"]}
    preview = ana.form("/queue/bulk", ticked).text
    assert "Dismiss 2 rings" in preview and "confirmed by bo" in preview and "is not in this run" in preview
    assert log_of(workspace, analyst="ana") == []
    assert ana.form("/queue/bulk/record", {**ticked, "reason": "short"}).status_code == 422
    known = dict(re.findall(r'name="(act|known|run)" value="([^"]*)"', preview))
    bo.decide("R-0006", "confirm")
    told = {**ticked, **known, "reason": "Both are one household.", "explanation": "household"}
    done = ana.form("/queue/bulk/record", told)
    assert "Recorded for 1 ring" in done.text and "R-0006" in done.text
    assert log_of(workspace, analyst="ana", ring_id="R-0002") == [("dismissed", None)]
    ana.form("/queue/bulk/record", {"do": "assign", "ring": ["R-0003"], "person": "bo"})
    assert workspace.desk.board.assigned() == {"R-0003": "bo"}
    csv = ana.form("/queue/bulk/record", {"do": "export", "ring": ["R-0003"]})
    assert csv.headers["content-type"].startswith("text/csv") and "R-0003" in csv.text


def test_taking_a_ring_and_giving_it_back(workspace: Workspace, ana: Client) -> None:
    assert "Give it back" in ana.form("/ring/R-0002/take").text
    assert "R-0002" in ana.get("/queue?who=me&state=all").text
    ana.form("/ring/R-0002/take")
    assert workspace.desk.board.assigned() == {}


def test_saved_views_are_one_persons_and_stay_within_the_queue(workspace: Workspace, ana: Client) -> None:
    ana.form("/views", {"name": "mine", "query": "/queue?kind=coordinated&state=all"})
    assert "mine" in ana.get("/queue").text and "mine" not in workspace.client("bo", "analyst").get("/queue").text
    assert ana.form("/views", {"name": "bad", "query": "https://evil.invalid/queue"}).status_code == 422
    assert ana.get("/go", params={"to": "//evil.invalid/queue"}, follow_redirects=False).headers["location"] == "/queue"
