"""The five journeys of an analyst's day in a real browser, with a mouse within their budgets and with keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Watch, chromium, visiting
from tests.support.finished_run import write_run
from tests.support.workspace import Workspace, config_for, listening

pytestmark = pytest.mark.browser
REASON = "Three cards in common and the same two hours."


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all journeys."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with one run."""
    place = tmp_path_factory.mktemp("runs")
    write_run(place)
    return place


@pytest.fixture
def workspace(output: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with an empty store."""
    with listening(config_for(output, f"sqlite:///{tmp_path}/s.sqlite", check_rate=0.0001)) as running:
        yield running


class Mouse:
    """Clicks, counted; typing of the reason is not."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, name: str, role: str = "link", within: str = "body", nth: int = 0) -> None:
        """Click what has this name."""
        self.page.locator(within).get_by_role(role, name=re.compile(name)).nth(nth).click()  # type: ignore[arg-type]
        self.clicks += 1


def fine(watch: Watch) -> None:
    """Nothing went wrong in any page of the journey."""
    assert watch.faults == []


def test_1_morning_open_the_most_needed_ring_and_confirm_it(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        mouse = Mouse(page)
        first = page.locator(".queue tbody tr .row-link").first
        ring_id = first.inner_text()
        first.click()
        mouse.clicks += 1
        expect(page.locator(".sentence")).to_contain_text("one coordinated operation")
        for words in ("For and against", "What else it could be", "Confirm...", "Dismiss..."):
            box = page.get_by_text(words).first.bounding_box()
            assert box is not None and box["y"] + box["height"] <= 900, f"{words} lies below the first screen"
        mouse.click("Confirm", within="#decide")
        page.locator("#reason").fill(REASON)
        mouse.click("Record confirmation", "button")
        expect(page.locator(".receipt")).to_contain_text("Recorded.")
        assert mouse.clicks <= 4
        assert [d.ring_id for d in workspace.desk.log.rows(conclusion="confirmed")] == [ring_id]
        fine(watch)


def test_2_dismiss_see_it_leave_and_find_it_in_the_log(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        page.goto(f"{workspace.config.base}/ring/R-0005")
        mouse = Mouse(page)
        mouse.click("Dismiss", within="#decide")
        page.get_by_label("an office").check()
        mouse.clicks += 1
        page.locator("#reason").fill(REASON)
        mouse.click("Record dismissal", "button")
        mouse.click("See in log")
        expect(page.locator(".log")).to_contain_text("dismissed R-0005")
        assert mouse.clicks <= 5
        page.goto(f"{workspace.config.base}/queue")
        expect(page.locator(".queue")).not_to_contain_text("R-0005")
        fine(watch)


def test_2_two_analysts_at_once(browser: Browser, workspace: Workspace) -> None:
    address = f"{workspace.config.base}/ring/R-0005?decide=dismiss"
    mine = "What I typed must not be lost, whatever happens."
    with (
        visiting(browser, workspace, person="A. Moreau") as (one, watch),
        visiting(browser, workspace, person="B. Osei") as (two, other),
    ):
        one.goto(address)
        two.goto(address)
        for page, reason in ((one, REASON), (two, mine)):
            page.get_by_label("an office").check()
            page.locator("#reason").fill(reason)
        one.get_by_role("button", name="Record dismissal").click()
        expect(one.locator(".receipt")).to_contain_text("Recorded.")
        two.get_by_role("button", name="Record dismissal").click()
        expect(two.locator(".conflict")).to_contain_text("A. Moreau dismissed this")
        expect(two.locator("#reason")).to_have_value(mine)
        expect(two.get_by_label("an office")).to_be_checked()
        assert len(workspace.desk.log.after(0)) == 1
        two.get_by_role("button", name="Record mine too").click()
        expect(two.locator(".receipt")).to_contain_text("Recorded.")
        assert [d.analyst for d in workspace.desk.log.after(0)] == ["A. Moreau", "B. Osei"]
        fine(watch)
        fine(other)


def test_3_appeal_why_this_account(browser: Browser, workspace: Workspace) -> None:
    account = workspace.desk.shelf.read().members_of("R-0005")[0]
    workspace.client("bo", "analyst").decide("R-0005", "confirm")
    with visiting(browser, workspace) as (page, watch):
        mouse = Mouse(page)
        page.locator("#find").fill(account)
        mouse.click("Find", "button")
        expect(page.get_by_role("heading", name=account)).to_be_visible()
        assert account not in page.url
        mouse.click("Copy explanation")
        expect(page.locator("#live")).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert account in copied and "R-0005" in copied
        mouse.click("Reopen")
        page.locator("#reason").fill("They showed us their invoices.")
        mouse.click("Record reopening", "button")
        expect(page.locator(".receipt")).to_contain_text("the ring waits again")
        assert mouse.clicks <= 4
        fine(watch)


def test_4_take_a_ring_apart(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        page.goto(f"{workspace.config.base}/ring/R-0001")
        mouse = Mouse(page)
        for rank in (1, 2):
            page.get_by_label(f"Tick group {rank}", exact=True).check()
            mouse.clicks += 1
        mouse.click("Split the ticked groups off", "button")
        expect(page.locator("#decide")).to_contain_text(re.compile(r"\d+ accounts leave, \d+ stay"))
        page.locator("#reason").fill(REASON)
        mouse.click("Record split", "button")
        expect(page.locator(".receipt")).to_contain_text("Recorded.")
        assert mouse.clicks <= 6 and len(workspace.desk.log.rows(conclusion="split")) > 2
        fine(watch)


def test_5_evening_a_list_and_a_second_person(browser: Browser, workspace: Workspace) -> None:
    workspace.client("bo", "analyst").decide("R-0003", "confirm")
    with visiting(browser, workspace, person="A. Moreau") as (page, watch):
        mouse = Mouse(page)
        mouse.click("Confirmed", within="header")
        mouse.click("Prepare enforcement list", "button")
        expect(page.locator("main")).to_contain_text("A second person has to approve")
        page.locator("#action").select_option("suspend")
        page.locator("#reason").fill("Confirmed by two of us today.")
        mouse.click("Record list and ask", "button")
        expect(page.locator("main")).to_contain_text("waits for a second person")
        address = page.url
        assert mouse.clicks <= 4
        fine(watch)
    with visiting(browser, workspace, person="B. Osei") as (page, watch):
        page.goto(address)
        page.locator("#reason").fill("Went through the list myself.")
        page.get_by_role("button", name="Record approval").click()
        expect(page.locator(".chip").first).to_have_text("approved")
        fine(watch)


def keys(page: Page, *pressed: str) -> None:
    """Press keys one after another; pages that load are waited for."""
    for key in pressed:
        page.locator("html[data-ready]").wait_for(state="attached")
        page.keyboard.press(key)


def test_all_without_a_mouse(browser: Browser, workspace: Workspace) -> None:
    account = workspace.desk.shelf.read().members_of("R-0002")[0]
    with visiting(browser, workspace, person="A. Moreau") as (page, watch):
        first = page.locator(".queue tbody tr .row-link").first.inner_text()
        keys(page, "Enter")
        expect(page.get_by_role("heading", name=first)).to_be_visible()
        keys(page, "c")
        expect(page.locator("#reason")).to_be_focused()
        page.keyboard.type(REASON)
        keys(page, "Control+Enter")
        expect(page.locator(".receipt")).to_contain_text("Recorded.")
        keys(page, "n")
        expect(page.get_by_role("heading", name=first)).not_to_be_visible()
        second = page.locator("h1").inner_text()
        keys(page, "d")
        expect(page.get_by_label("an office")).to_be_focused()
        keys(page, "1")
        expect(page.locator("#reason")).to_be_focused()
        page.keyboard.type(REASON)
        keys(page, "Control+Enter")
        expect(page.locator(".receipt")).to_contain_text("Recorded.")
        keys(page, "g", "l")
        expect(page.locator(".log")).to_contain_text(f"dismissed {second}")
        keys(page, "/")
        expect(page.locator("#find")).to_be_focused()
        page.keyboard.type(account)
        keys(page, "Enter")
        expect(page.get_by_role("heading", name=account)).to_be_visible()
        keys(page, "y")
        expect(page.locator("#live")).to_have_text("Copied.")
        keys(page, "g", "q")
        keys(page, "j", "x")
        expect(page.locator("[data-ticked]")).to_have_text("1 ticked:")
        keys(page, "?")
        expect(page.locator("#keys")).to_be_visible()
        keys(page, "Escape")
        expect(page.locator("#keys")).not_to_be_visible()
        fine(watch)
    assert [d.conclusion for d in workspace.desk.log.after(0)] == ["confirmed", "dismissed"]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus stands on what is wanted; pages lead there in few steps, skip links included."""
    page.locator("html[data-ready]").wait_for(state="attached")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
    raise AssertionError(f"Tab never reached {selector}")


def test_4_without_a_mouse_take_a_ring_apart(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        page.goto(f"{workspace.config.base}/ring/R-0001")
        keys(page, "x", "x")
        assert page.locator(".matrix input:checked").count() == 2
        keys(page, "s")
        expect(page.locator("#decide")).to_contain_text(re.compile(r"\d+ accounts leave, \d+ stay"))
        expect(page.locator("#reason")).to_be_focused()
        page.keyboard.type(REASON)
        keys(page, "Control+Enter")
        expect(page.locator(".receipt")).to_contain_text("Recorded.")
        assert len(workspace.desk.log.rows(conclusion="split")) > 2
        fine(watch)


def test_5_without_a_mouse_a_list_and_a_second_person(browser: Browser, workspace: Workspace) -> None:
    workspace.client("bo", "analyst").decide("R-0003", "confirm")
    with visiting(browser, workspace, person="A. Moreau") as (page, watch):
        keys(page, "g", "d")
        page.wait_for_url("**/confirmed")
        tab_to(page, "button.main")
        keys(page, "Enter")
        page.wait_for_url("**/lists/prepare")
        tab_to(page, "#action")
        page.keyboard.type("suspend")
        tab_to(page, "#reason")
        page.keyboard.type("Confirmed by two of us today.")
        tab_to(page, "button.main")
        keys(page, "Enter")
        expect(page.locator("main")).to_contain_text("waits for a second person")
        address = page.url
        fine(watch)
    with visiting(browser, workspace, person="B. Osei") as (page, watch):
        keys(page, "g", "d")
        page.wait_for_url("**/confirmed")
        tab_to(page, f'a[href="{address.removeprefix(workspace.config.base)}"]')
        keys(page, "Enter")
        page.wait_for_url(address)
        tab_to(page, "#reason")
        page.keyboard.type("Went through the list myself.")
        tab_to(page, "button.main")
        keys(page, "Enter")
        expect(page.locator(".chip").first).to_have_text("approved")
        fine(watch)


def test_slider_counts_while_it_moves_and_keeps_what_was_typed(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        page.goto(f"{workspace.config.base}/threshold?at=0.90")
        page.locator("#reason").fill("Half a reason")
        before = page.locator("#counted").inner_text()
        page.locator("#at").focus()
        for _ in range(40):
            page.keyboard.press("ArrowLeft")
        expect(page.locator("#counted")).to_contain_text("From 0.50")
        assert page.locator("#counted").inner_text() != before
        expect(page.locator("#chosen")).to_contain_text("from 0.50")
        assert page.locator("#reason").input_value() == "Half a reason"
        fine(watch)


def test_a_large_ring_opens_step_by_step(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        page.goto(f"{workspace.config.base}/ring/R-0003?show=groups")
        page.locator(".matrix .row-link").first.click()
        expect(page.locator("main")).to_contain_text(re.compile(r"accounts drawn.*Nearness means shared ties"))
        expect(page.locator("#picture[data-ready]")).to_be_attached()
        expect(page.locator("svg.hours rect").first).to_be_attached()
        page.goto(f"{workspace.config.base}/ring/R-0003?show=picture")
        data = page.evaluate("async () => (await fetch(document.getElementById('picture').dataset.src)).json()")
        thing = next(p for p in data["points"] if p["open"])
        page.goto(workspace.config.base + thing["open"])
        expect(page.locator("#groups")).to_contain_text(re.compile(rf"Around .*{thing['n']:,} accounts drawn"))
        expect(page.get_by_role("link", name="The whole ring")).to_be_visible()
        fine(watch)


def test_single_letters_can_be_turned_off_and_no_key_writes(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace) as (page, watch):
        page.goto(f"{workspace.config.base}/settings")
        page.get_by_role("button", name="Turn them off").click()
        page.goto(f"{workspace.config.base}/ring/R-0002")
        keys(page, "c", "d", "a", "g", "q")
        assert page.url.endswith("/ring/R-0002")
        assert workspace.desk.log.after(0) == [] and workspace.desk.board.assigned() == {}
        fine(watch)


def test_everything_essential_without_scripts(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace, scripts=False) as (page, watch):
        page.locator(".queue tbody tr .row-link").first.click()
        page.get_by_role("link", name=re.compile("Confirm\\.\\.\\.")).click()
        page.locator("#reason").fill(REASON)
        page.get_by_role("button", name="Record confirmation").click()
        expect(page.locator(".receipt")).to_contain_text("Recorded.")
        page.goto(f"{workspace.config.base}/ring/R-0005?show=picture")
        assert page.locator("svg.graph circle").count() == 27
        assert page.locator("svg.graph line").count() > 27
        fine(watch)
