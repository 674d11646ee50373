"""What pages show: exactly what stands in the tables, masked for whoever may not see it, whole parts or a sentence."""

from __future__ import annotations

import html
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.exports.figures.style import SHARES
from pipeline.part_words import title
from pipeline.review import drawings, say
from pipeline.review.say import likely
from pipeline.words import number
from tests.pipeline.review.addresses import Addresses
from tests.pipeline.review.test_access import RIGHTS
from tests.support.hostile import PAYLOADS
from tests.support.workspace import Client, Workspace, config_for, listening


def plain(page: str) -> str:
    """A page's words."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture(scope="module")
def ana(quiet_workspace: Workspace) -> Client:
    """An analyst who only looks."""
    return quiet_workspace.client("ana", "analyst")


def test_a_ring_shows_its_sentence_its_parts_and_every_rival(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    page = plain(ana.get("/ring/R-0001").text)
    assert run.rings["R-0001"]["reason"] in page and "very likely (0.93)" in page
    for part in run.of_ring("score_parts", "R-0001", "part"):
        assert title(part["part"]) in page
    assert f"sum {say.bits(run.rings['R-0001']['score_bits'])}" in page
    for rival in ("reseller pool", "an organisation", "a shared network", "unclear"):
        assert rival in page
    assert page.index("very likely (0.93)") < page.index("What else it could be") < page.index("Who shares what")


def test_drawn_of_total_is_always_said(ana: Client) -> None:
    assert "accounts drawn" in ana.get("/ring/R-0001?show=picture").text
    assert "100 of 499 shown" in plain(ana.get("/ring/R-0001").text) or "1–100 of 499 shown" in plain(
        ana.get("/ring/R-0001").text
    )
    assert "499 of 499 accounts in" in plain(ana.get("/ring/R-0001").text)


def test_paging_members_shows_each_once(quiet_workspace: Workspace, ana: Client) -> None:
    found: list[str] = []
    for after in range(0, 500, 100):
        page = ana.get(f"/ring/R-0001?members={after}").text
        body = page[page.index('id="members"') : page.index('id="history"')]
        found += re.findall(r'<td><a href="(/account/[^"?]+)">', body)
    assert len(found) == len(set(found)) == 499


def test_paging_the_queue_shows_each_ring_once(tmp_path: Path) -> None:
    from tests.support.finished_run import write_run

    write_run(tmp_path, rings=230)
    with listening(config_for(tmp_path, f"sqlite:///{tmp_path}/s.sqlite")) as workspace:
        client, address, found = workspace.client("ana", "analyst"), "/queue?state=all", []
        while address:
            page = client.get(address).text
            found += re.findall(r'class="row-link" href="/ring/([^"]+)"', page)
            following = re.search(r'class="end" href="([^"]+)" rel="next"', page)
            address = html.unescape(following[1]) if following else ""
        assert len(found) == len(set(found)) == 230
        coordinated = plain(client.get("/queue?state=all&kind=coordinated&size=10-99").text)
        kept = [
            r
            for r in workspace.desk.shelf.read().rings.values()
            if r["kind"] == "coordinated" and 10 <= r["size"] <= 99
        ]
        assert f"of {len(kept)} shown" in coordinated


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_whoever_may_not_see_values_never_gets_one(quiet_workspace: Workspace, role: str) -> None:
    """Every page that the role can open, searched for every account id, address, card and device of the run."""
    run, addresses = quiet_workspace.desk.shelf.read(), Addresses(quiet_workspace)
    client = quiet_workspace.client(f"some {role}", role)
    secret = {r["account_id"] for r in run.rows("SELECT account_id FROM members")}
    secret |= {r["entity"] for r in run.rows("SELECT DISTINCT entity FROM incidence WHERE entity_type <> 'template'")}
    texts = {t["text"] for t in run.rows("SELECT text FROM templates") if t["text"]}
    opened = 0
    for method, path in RIGHTS:
        answer = client.get(addresses.fill(path)) if method == "GET" else None
        if answer is None or answer.status_code != 200:
            continue
        opened += 1
        words = set(re.findall(r"[\w.:-]{5,}", html.unescape(answer.text)))
        assert not secret & words, path
        assert not any(t.split("<*>")[0] in answer.text for t in texts), path
    assert opened >= 15


def test_no_address_holds_a_value(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    secret = {r["entity"] for r in run.rows("SELECT DISTINCT entity FROM incidence")}
    secret |= {r["account_id"] for r in run.rows("SELECT account_id FROM members")}
    for address in ("/queue", "/ring/R-0001", "/ring/R-0001/group/1", "/decisions", "/operators"):
        for link in re.findall(r'(?:href|action|src)="([^"]+)"', ana.get(address).text):
            assert not secret & set(re.findall(r"[\w.:-]+", html.unescape(link)))


def test_showing_a_value_is_one_row_in_the_audit_log(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    found = run.of_ring("evidence", "R-0001", "bits DESC, entity", 1)[0]
    name = quiet_workspace.desk.seal.name("entity", found["entity_type"], found["entity"])
    assert found["entity"] not in ana.get(f"/entity/{name}").text
    assert found["entity"] in ana.form(f"/entity/{name}/show").text
    assert found["entity"] not in ana.get(f"/entity/{name}").text, "masked again"
    rows = quiet_workspace.desk.audit.rows("ana", None, 20)
    shown = [r for r in rows if r["action"] == "unmasked"]
    assert len(shown) == 1 and found["entity"] not in str(rows)


def test_a_name_never_stands_without_its_likelihood_in_words(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    named = next(r for r in run.rings.values() if r["operator"])
    said = f"{likely(named['operator_probability'])} {number(named['operator_probability'])}"
    link = quiet_workspace.desk.seal.name("operator", named["operator_id"])
    for address in ("/queue?state=all", "/operators", f"/operator/{link}"):
        assert said in plain(ana.get(address).text), address


def test_searches_find_and_leave_no_value_behind(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    thing = run.of_ring("evidence", "R-0001", "bits DESC, entity", 1)[0]["entity"]
    for wanted, lands in (
        ("r-0001", "/ring/"), (run.members_of("R-0001")[0], "/account/"), (thing, "/entity/"), ("alder", "/operator/"),
    ):  # fmt: skip
        answer = ana.form("/find", {"text": wanted})
        assert answer.status_code == 200 and str(answer.url.path).startswith(lands)
        assert lands == "/ring/" or wanted not in str(answer.url)
    nothing = ana.form("/find", {"text": "nobody has this"})
    assert nothing.status_code == 404 and 'action="/find"' in nothing.text  # one can search again from here
    assert "nobody has this" not in nothing.text
    assert thing not in str(quiet_workspace.desk.audit.rows("ana", None, 50))


def test_why_this_account_is_answered_without_values_of_others(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    account = run.members_of("R-0001")[0]
    words = ana.get(f"/account/{quiet_workspace.desk.seal.name('account', account)}/explanation").text
    assert account in words and "R-0001" in words and "Tied to" in words
    others = {r["account_id"] for r in run.rows("SELECT account_id FROM members")} - {account}
    others |= {r["entity"] for r in run.rows("SELECT DISTINCT entity FROM incidence")}
    assert not others & set(re.findall(r"[\w.:-]+", words))


def test_an_account_outside_rings_says_so(quiet_workspace: Workspace, ana: Client) -> None:
    outside = quiet_workspace.desk.shelf.read().rows("SELECT account_id FROM incidence WHERE ring_id IS NULL LIMIT 1")
    page = ana.get(f"/account/{quiet_workspace.desk.seal.name('account', outside[0]['account_id'])}").text
    assert "In no ring of this run." in page


@pytest.mark.parametrize(
    "table", ["ring_hours", "layout", "templates", "score_parts", "explanations", "attribution", "ring_groups"]
)
def test_a_missing_part_says_so_and_the_rest_stays(output: Path, tmp_path: Path, table: str) -> None:
    run = max(output.glob("2*"), key=lambda p: p.name)
    shutil.copytree(run, tmp_path / "out" / run.name)
    (tmp_path / "out" / run.name / f"{table}.parquet").unlink()
    with listening(config_for(tmp_path / "out", f"sqlite:///{tmp_path}/s.sqlite")) as workspace:
        show = "groups" if table == "ring_groups" else "picture"
        page = workspace.client("ana", "analyst").get(f"/ring/R-0002?show={show}")
    assert page.status_code == 200 and f"This run has no table {table} (made by version 0.1.0)" in page.text
    assert "Members" in page.text and "Dismiss..." in page.text


def test_no_run_yet_and_rings_of_yesterday(output: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with listening(config_for(tmp_path / "empty", f"sqlite:///{tmp_path}/s.sqlite")) as workspace:
        answer = workspace.client("ana", "analyst").get("/queue")
        assert answer.status_code == 404 and "ringtrace run" in answer.text and 'action="/find"' not in answer.text
    with listening(config_for(output, f"sqlite:///{tmp_path}/t.sqlite")) as workspace:
        client = workspace.client("ana", "analyst")
        gone = client.get("/ring/R-9999")
        assert gone.status_code == 404 and "R-9999 is not in this run; last seen in" in gone.text
        runs = workspace.desk.shelf.runs()
        client.form("/runs", {"chosen": runs[0].run_id})
        assert "not the latest" in client.get("/queue").text
        client.form("/runs", {"chosen": ""})
        assert "not the latest" not in client.get("/queue").text


def test_every_page_of_the_hostile_run_is_whole(hostile_workspace: Workspace) -> None:
    """No payload brings a tag, leaves its cell or ends a page early; nothing answers with a fault."""
    run, addresses = hostile_workspace.desk.shelf.read(), Addresses(hostile_workspace)
    client = hostile_workspace.client("ana", "lead")
    accounts = [a for a in run.members_of("R-0001") if any(p in a for p in PAYLOADS)][:6]
    more = [f"/account/{hostile_workspace.desk.seal.name('account', a)}" for a in accounts]
    more += [f"/ring/{r}{q}" for r in run.rings for q in ("", "?show=picture")]
    found = run.rows("SELECT DISTINCT entity_type, entity FROM evidence ORDER BY 2 LIMIT 40")
    more += [f"/entity/{hostile_workspace.desk.seal.name('entity', e['entity_type'], e['entity'])}" for e in found]
    more += [
        f"/operator/{hostile_workspace.desk.seal.name('operator', r['operator_id'])}"
        for r in run.rings.values()
        if r["operator_id"]
    ]
    client.decide("R-0002", "confirm", reason="".join(PAYLOADS[:6]))
    pages = [addresses.fill(p) for m, p in RIGHTS if m == "GET" and not p.endswith(".csv")]
    for address in dict.fromkeys([*pages, *more]):
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code in (200, 403, 404), address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        body = answer.text
        for bad in (
            "<script>window",
            "<img",
            "<svg/onload",
            "onerror=",
            "<style",
            "<h1>out",
            "\u202e",
            "\x1b",
            "\u200b",
        ):
            assert bad not in body.replace("src=x onerror=", ""), (address, bad)
        assert body.count("</html>") == 1 and body.rstrip().endswith("</html>")


def test_hostile_cells_are_no_formulas_in_any_export(hostile_workspace: Workspace) -> None:
    import csv
    import io

    client = hostile_workspace.client("ana", "lead")
    for payload in PAYLOADS:
        client.decide("R-0003", "unsure", reason=f"{payload} and more to be long enough")
    for address in ("/decisions.csv", "/allowlist.csv", "/audit.csv"):
        for row in csv.reader(io.StringIO(client.get(address).text)):
            assert all(cell[:1] not in ("=", "+", "-", "@", "\t") and "\x1b" not in cell for cell in row)


def test_a_group_opens_with_its_hours_and_a_picture_of_its_surest(quiet_workspace: Workspace, ana: Client) -> None:
    run = quiet_workspace.desk.shelf.read()
    group = run.of_ring("ring_groups", "R-0003", "rank")[0]
    page = plain(ana.get("/ring/R-0003/group/1").text)
    assert f"{group['n_accounts']:,} of 1,500 accounts, {group['n_core']:,} core" in page
    assert "accounts drawn" in page and f"these {group['n_accounts']:,} accounts" in page
    drawn = ana.get("/ring/R-0003/group/1/picture").json()
    people = [p for p in drawn["points"] if p["slot"] == 0]
    assert 0 < len(people) <= min(group["n_accounts"], 1500)
    assert drawn["words"].startswith(("all ", f"{len(people):,} of {group['n_accounts']:,} accounts"))
    things = {k for k, p in enumerate(drawn["points"]) if p["slot"]}
    assert things <= {end for line in drawn["lines"] for end in line}, "nothing stands there that nobody has"
    for address in ("/ring/R-0003/group/99", "/ring/R-0003/group/99/picture", "/ring/R-0003/picture?around=nothing"):
        assert ana.get(address).status_code == 404


def test_what_stands_around_a_shared_thing(quiet_workspace: Workspace, ana: Client) -> None:
    run, seal = quiet_workspace.desk.shelf.read(), quiet_workspace.desk.seal
    thing = run.of_ring("evidence", "R-0003", "n_accounts_in_ring, entity", 1)[0]
    name = seal.name("entity", thing["entity_type"], thing["entity"])
    drawn = ana.get(f"/ring/R-0003/picture?around={name}").json()
    assert sum(p["slot"] == 0 for p in drawn["points"]) <= thing["n_accounts_in_ring"]
    page = plain(ana.get(f"/ring/R-0003?show=picture&around={name}").text)
    assert "Around" in page and f"{thing['n_accounts_in_ring']:,} accounts drawn" in page
    assert "The whole ring" in page
    whole = ana.get("/ring/R-0003/picture").json()
    assert sum(p["slot"] == 0 for p in whole["points"]) <= 1500 and len(whole["points"]) <= 2000
    assert len(whole["lines"]) <= 6000


def test_requests_behind_a_tie_of_one_account(quiet_workspace: Workspace, ana: Client) -> None:
    run, seal = quiet_workspace.desk.shelf.read(), quiet_workspace.desk.seal
    row = run.rows("SELECT * FROM provenance WHERE ring_id = 'R-0001' ORDER BY account_id, entity LIMIT 1")[0]
    whose = seal.name("account", row["account_id"])
    page = ana.get(f"/account/{whose}").text
    found = re.search(rf'href="(/ring/R-0001/requests/[^"]+account={whose})"', page)
    assert found is not None
    told = plain(ana.get(found[1]).text)
    assert row["account_id"] in told and "account-days shown" in told
    others = set(run.members_of("R-0001")) - {row["account_id"]}
    assert not any(other in told for other in others), "the requests of nobody else"


def test_hours_are_drawn_in_the_classes_of_the_figures() -> None:
    since = datetime(2026, 6, 1, tzinfo=UTC)
    rows = [
        {"hour": since + timedelta(days=1, hours=h), "n_accounts": n, "n_events": n}
        for h, n in enumerate((1, 4, 5, 10, 20, 35, 50, 70, 100))
    ]
    made = drawings.hour_map(rows, since, since + timedelta(days=4), 100)
    assert [step for *_, step, _ in made.cells] == [1, 2, 3, 4, 5, 6, 6], "below 5% nothing is drawn"
    assert made.seen == (1, 2) and made.most == 100
    assert len(drawings.hour_map(rows, since, since + timedelta(days=4), 100, alone=True).cells) == len(rows)
    assert SHARES == drawings.SHARES, "one set of classes for page and print"
