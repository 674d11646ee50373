"""Pictures of every page, light and dark, at 1440 and 1024 pixels: `python -m tests.browser.screenshots DIR`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.chromium import chromium, visiting
from tests.browser.pages import busy, opened_by_forms
from tests.support.finished_run import write_run
from tests.support.workspace import config_for, listening


def take(target: Path, names: list[str]) -> list[str]:
    """Write the pictures; returns what went wrong in the pages."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        write_run(Path(place) / "output")
        write_run(Path(place) / "output", grown=True)
        config = config_for(Path(place) / "output", f"sqlite:///{place}/store.sqlite", check_rate=0.3)
        with listening(config) as workspace, chromium() as browser:
            addresses = busy(workspace)
            for width in (1440, 1024):
                for dark in (False, True):
                    with visiting(browser, workspace, person="A. Moreau", dark=dark, width=width) as (page, watch):
                        for name, address in addresses.items():
                            if names and name not in names:
                                continue
                            page.goto(workspace.config.base + address)
                            shoot(page, target / f"{name}-{width}-{'dark' if dark else 'light'}.png")
                        if not names or "forms" in names:
                            for name in opened_by_forms(page, workspace):
                                shoot(page, target / f"{name}-{width}-{'dark' if dark else 'light'}.png")
                        faults += watch.faults
    return faults


def shoot(page: Page, file: Path) -> None:
    """One picture, once what scripts draw stands."""
    page.wait_for_timeout(400)
    if page.locator("#picture.live").count():
        page.locator("#picture[data-ready]").wait_for(state="attached")
    page.screenshot(path=file)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", help="pages, `forms` for those that only a form opens; all where none")
    given = parser.parse_args()
    given.target.mkdir(parents=True, exist_ok=True)
    faults = take(given.target, given.names)
    print("\n".join(faults) or f"pictures in {given.target}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
