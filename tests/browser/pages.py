"""The pages that pictures are taken of and that accessibility is checked on: each in a state worth looking at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.support.workspace import Workspace

REASON = "Three cards in common and the same two hours every day."


def busy(workspace: Workspace) -> dict[str, str]:
    """Fill a workspace of two runs with a day's work; returns the address of each page by name."""
    runs = [r.run_id for r in workspace.desk.shelf.runs()]
    osei, moreau = workspace.client("B. Osei", "lead"), workspace.client("A. Moreau", "lead")
    for ring_id, verb, explanation in (
        ("R-0001", "confirm", ""),
        ("R-0002", "confirm", ""),
        ("R-0004", "dismiss", "organization"),
        ("R-0009", "unsure", ""),
    ):
        osei.decide(ring_id, verb, run=runs[0], reason=REASON, explanation=explanation)
    moreau.decide("R-0003", "confirm", reason=REASON)
    moreau.decide("R-0004", "confirm", reason="The invoice names no office; see the ticket of today.")
    moreau.form("/ring/R-0005/take")
    prepared = moreau.form(
        "/lists", {"ring": ["R-0002", "R-0003"], "reason": REASON, "action": "suspend", "then": "ask"}
    )
    moreau.form("/views", {"name": "My morning", "query": "/queue?kind=coordinated"})
    moreau.form("/threshold", {"at": "0.60", "reason": "Two more of us from Monday on."})
    workspace.client("the admin", "admin").form("/people", {"person": "C. Diaz", "role": "analyst"})
    page = moreau.get("/ring/R-0001").text
    groups, large = moreau.get("/ring/R-0001?show=groups").text, moreau.get("/ring/R-0003").text

    def link(pattern: str, text: str = page) -> str:
        found = re.search(pattern, text)
        assert found is not None, pattern
        return found[1]

    account, entity = link(r'<td><a href="(/account/[^"?]+)"'), link(r'class="masked" href="(/entity/[^"?]+)"')
    return {
        "queue": "/queue",
        "queue-all": "/queue?state=all",
        "queue-empty": "/queue?kind=nothing",
        "ring": "/ring/R-0001",
        "ring-dismiss": "/ring/R-0002?decide=dismiss",
        "ring-picture": "/ring/R-0002?show=picture#groups",
        "ring-large": "/ring/R-0003?show=picture#groups",
        "ring-pool": "/ring/R-0007",
        "ring-around": "/ring/R-0003?show=picture&around=" + link(r'href="/entity/([^"?]+)"', large) + "#groups",
        "group-large": "/ring/R-0003/group/1",
        "group": link(r'href="(/ring/[^"]*/group/1)"', groups),
        "newcomers": "/ring/R-0001/newcomers",
        "requests": link(r'href="(/ring/[^"]*/requests/[^"]+)"'),
        "account": account,
        "account-drop": f"{account}?decide=drop",
        "entity": entity,
        "entity-allow": f"{entity}?allow=1",
        "operators": "/operators",
        "operator": link(r'href="(/operator/[^"]+)"'),
        "decisions": "/decisions",
        "withdraw": "/withdraw-last",
        "precision": "/precision",
        "threshold": "/threshold?at=0.60",
        "confirmed": "/confirmed",
        "list": str(prepared.url.path),
        "settings": "/settings",
        "audit": "/audit",
        "runs": "/runs",
        "missing": "/ring/R-9999",
    }


def opened_by_forms(page: Page, workspace: Workspace) -> Iterator[str]:
    """Pages that only a form opens: each stands in the browser while its name is out."""
    base = workspace.config.base

    def press(name: str) -> None:
        page.get_by_role("button", name=re.compile(name)).first.click()
        page.wait_for_load_state()

    for do in ("Assign", "Dismiss", "Export", "Confirm"):
        page.goto(f"{base}/queue?state=new")
        for box in page.locator(".queue tbody input[type=checkbox]").all()[-2:]:
            box.check()
        press(rf"{do}\.\.\.")
        yield f"bulk-{do.lower()}"
    page.locator("#reason").fill(REASON)
    press("^Record")
    yield "bulk-done"
    page.goto(f"{base}/confirmed")
    press("Prepare enforcement list")
    yield "list-preview"
    page.goto(f"{base}/ring/R-0001?show=groups")
    page.get_by_label("Tick group 1", exact=True).check()
    press("Split the ticked groups off")
    yield "split-preview"
    page.goto(f"{base}/ring/R-0006?decide=confirm")
    workspace.client("B. Osei", "lead").decide("R-0006", "dismiss", explanation="household", reason=REASON)
    page.locator("#reason").fill(REASON)
    press("Record confirmation")
    yield "ring-conflict"
    page.goto(f"{base}/queue")
    page.locator("#find").fill("nobody has this name")
    press("^Find$")
    yield "nothing-found"
