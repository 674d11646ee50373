"""Debian's Chromium, headless, under Playwright: started so that it asks nobody outside for anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.workspace import Workspace

PLACE = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PLACE, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What went wrong in a page: errors, refusals by the policy, requests that left the machine."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.faults: list[str] = []
        self.bytes = 0
        context.on("page", self._page)
        context.on(
            "request", lambda r: r.url.startswith((base, "data:", "blob:")) or self.faults.append(f"left: {r.url}")
        )
        context.on("response", lambda r: r.status >= 500 and self.faults.append(f"{r.status} {r.url}"))

    def _page(self, page: Page) -> None:
        page.on("pageerror", lambda e: self.faults.append(f"error: {e}"))
        page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.faults.append(f"console: {message.text}")


@contextmanager
def visiting(
    browser: Browser,
    workspace: Workspace,
    *,
    person: str = "a.moreau",
    role: str = "lead",
    dark: bool = False,
    width: int = 1440,
    height: int = 900,
    scripts: bool = True,
) -> Iterator[tuple[Page, Watch]]:
    """A page of somebody who is signed in, watched."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    key = workspace.session(person, role)
    context.add_cookies([{"name": "ringtrace", "value": key, "url": workspace.config.base}])
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=workspace.config.base)
    context.set_default_timeout(20_000)
    watch = Watch(context, workspace.config.base)
    page = context.new_page()
    page.goto(workspace.config.base + "/queue")
    try:
        yield page, watch
    finally:
        context.close()
