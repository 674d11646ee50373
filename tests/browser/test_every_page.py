"""Every page in a real browser: reachable for all, nothing leaves the machine, strangers' strings stay strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium, visiting
from tests.browser.pages import busy, opened_by_forms
from tests.support.finished_run import write_run
from tests.support.hostile import PAYLOADS
from tests.support.workspace import Workspace, config_for, listening

pytestmark = pytest.mark.browser
_REVIEW = Path(__file__).parents[2] / "pipeline" / "review"
AXE = _REVIEW / "node_modules" / "axe-core" / "axe.min.js"
_WORDS = re.compile(
    r"\b(fraudster|bad actor|guilty|caught|ban|kill|yeet|whitelist|are you sure|false positive|risk score)\b", re.I
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace of two runs."""
    place = tmp_path_factory.mktemp("pages")
    write_run(place / "output")
    write_run(place / "output", grown=True)
    with listening(config_for(place / "output", f"sqlite:///{place}/s.sqlite")) as running:
        yield running


def serious(page: Page) -> list[str]:
    """Serious faults that axe-core finds; it is run beside the page, for the page's own policy lets nothing in."""
    found: list[dict[str, Any]] = page.evaluate(
        f"() => {{ {AXE.read_text()}; return axe.run().then((r) => r.violations); }}"
    )
    return [
        f"{f['id']}: {n['html'][:120]}" for f in found if f["impact"] in ("serious", "critical") for n in f["nodes"][:3]
    ]


@pytest.fixture(scope="module")
def addresses(workspace: Workspace) -> dict[str, str]:
    """Every page after a day's work."""
    return busy(workspace)


FEW = ("queue", "ring", "ring-dismiss", "account", "entity-allow", "decisions", "precision", "threshold", "list")


@pytest.mark.parametrize("look", [(False, 1440), (True, 1440), (True, 1024)], ids=["light", "dark", "narrow"])
def test_no_serious_fault_for_people_who_see_or_move_otherwise(
    browser: Browser, workspace: Workspace, addresses: dict[str, str], look: tuple[bool, int]
) -> None:
    dark, width = look
    faults: dict[str, list[str]] = {}
    with visiting(browser, workspace, person="A. Moreau", dark=dark, width=width) as (page, watch):
        for name in addresses if look == (False, 1440) else FEW:
            page.goto(workspace.config.base + addresses[name])
            found = serious(page)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
                found.append("wider than the window")
            wrong = _WORDS.findall(page.inner_text("body"))
            if wrong or (name != "missing" and "run 20" not in page.inner_text("body")):
                found.append(f"words: {wrong}, or no run named")
            if found:
                faults[name] = found
    assert faults == {}
    assert watch.faults == [], "errors, refusals by the policy, or requests that left the machine"


@pytest.mark.parametrize("look", [(False, 1440), (True, 1024)], ids=["light", "dark-narrow"])
def test_no_serious_fault_on_pages_that_forms_open(
    browser: Browser, workspace: Workspace, addresses: dict[str, str], look: tuple[bool, int]
) -> None:
    dark, width = look
    faults: dict[str, list[str]] = {}
    with visiting(browser, workspace, person="A. Moreau", dark=dark, width=width) as (page, watch):
        names = []
        for name in opened_by_forms(page, workspace):
            names.append(name)
            found = serious(page)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
                found.append("wider than the window")
            if found or _WORDS.search(page.inner_text("body")):
                faults[name] = [*found, page.inner_text("body")[:200]]
    assert faults == {} and len(set(names)) == 9
    assert watch.faults == []


def test_no_serious_fault_before_signing_in(browser: Browser, workspace: Workspace) -> None:
    context = browser.new_context()
    page = context.new_page()
    for address in ("/queue", "/sign-in", "/enter/anything"):
        page.goto(workspace.config.base + address)
        assert serious(page) == [], address
    context.close()


def test_roles_of_admins_page(browser: Browser, workspace: Workspace) -> None:
    with visiting(browser, workspace, person="the admin", role="admin") as (page, watch):
        for address in ("/people", "/settings", "/audit"):
            page.goto(workspace.config.base + address)
            assert serious(page) == []
    assert watch.faults == []


def test_strings_of_strangers_run_nothing_and_break_nothing(browser: Browser, tmp_path: Path) -> None:
    write_run(tmp_path / "output", hostile=True)
    with listening(config_for(tmp_path / "output", f"sqlite:///{tmp_path}/s.sqlite")) as workspace:
        client = workspace.client("B. Osei", "lead")
        for k, payload in enumerate(PAYLOADS):
            client.decide(f"R-{k % 12 + 1:04d}", "unsure", reason=f"{payload} long enough")
        run, seal = workspace.desk.shelf.read(), workspace.desk.seal
        addresses = [
            "/queue",
            "/decisions",
            "/operators",
            "/audit",
            "/ring/R-0001",
            "/ring/R-0005?show=picture",
            "/ring/R-0003?show=picture",
        ]
        addresses += [
            f"/account/{seal.name('account', a)}" for a in run.members_of("R-0001") if "window" in a or "U" in a
        ][:4]
        found = run.rows("SELECT DISTINCT entity_type, entity FROM evidence WHERE entity LIKE '%<%' ORDER BY 2 LIMIT 4")
        addresses += [f"/entity/{seal.name('entity', e['entity_type'], e['entity'])}" for e in found]
        with visiting(browser, workspace, person="A. Moreau") as (page, watch):
            for address in addresses:
                page.goto(workspace.config.base + address)
                page.wait_for_timeout(100)
                assert page.evaluate("window.__ran") is None, address
                assert page.locator("main").count() == 1 and page.locator("#live").count() == 1, address
                wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
                assert not page.evaluate(wide), f"{address} is wider than the window"
                assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x1b]", page.content()), address
                for link in page.locator("a").evaluate_all("links => links.map((l) => l.protocol)"):
                    assert link in ("http:", ""), address
            for entity in found[:1]:
                page.goto(
                    f"{workspace.config.base}/entity/{seal.name('entity', entity['entity_type'], entity['entity'])}"
                )
                page.get_by_role("button", name="Show, logged").click()
                assert page.evaluate("window.__ran") is None
            assert watch.faults == []
