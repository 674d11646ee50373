"""The briefing page in a real browser: no serious fault for anybody, nothing fetched, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli import main
from tests.browser.chromium import Watch, chromium
from tests.browser.test_every_page import serious
from tests.support.finished_run import write_run

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_briefing_page_opens_offline_without_serious_faults(tmp_path: Path, scheme: str) -> None:
    run = write_run(tmp_path, rings=6, hostile=True)
    assert main(["brief", str(run), "--to", str(tmp_path / "out"), "--ring", "R-0005"]) == 0
    with chromium() as browser:
        context = browser.new_context(color_scheme=scheme, offline=True, viewport={"width": 1024, "height": 900})  # type: ignore[arg-type]
        watch = Watch(context, "file:")
        page = context.new_page()
        page.goto((tmp_path / "out" / "briefing.html").as_uri())
        assert serious(page) == []
        assert page.evaluate("[...document.images].every((i) => i.complete && i.naturalWidth > 100)")
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")
        assert not page.evaluate("window.__ran")
        assert watch.faults == []
        for details in page.query_selector_all("details"):
            details.evaluate("d => { d.open = true }")
        assert page.locator("details table").first.is_visible()
        context.close()
