"""Budgets of the workspace in a real browser: `python -m tests.benchmarks.workspace`.

With 10,000 rings and a million members: the first page within 1.5 s and 1 MB. A picture of 1,500 accounts can be used
2 s after its page. Prints one line a figure and ends with 1 where a budget is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.browser.chromium import chromium, visiting
from tests.support.finished_run import write_run
from tests.support.workspace import config_for, listening


def measure(rings: int = 10_000) -> dict[str, float]:
    """Seconds and megabytes."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        write_run(Path(place) / "output", rings=rings, big=rings >= 10_000)
        config = config_for(Path(place) / "output", f"sqlite:///{place}/store.sqlite")
        with listening(config) as workspace, chromium() as browser:
            begun = time.perf_counter()
            workspace.client().get("/queue")
            found["opening, once (s)"] = time.perf_counter() - begun
            with visiting(browser, workspace) as (page, watch):
                sizes: list[int] = []
                page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0))))
                for name, address in (
                    ("queue", "/queue"),
                    ("ring of 25,104", "/ring/R-0001"),
                    ("ring", "/ring/R-0002"),
                ):
                    sizes.clear()
                    page.goto(config.base + address, wait_until="load")
                    timing: dict[str, Any] = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
                    found[f"{name}: ready (s)"] = timing["loadEventEnd"] / 1000
                    found[f"{name}: size (MB)"] = sum(sizes) / 1e6
                page.goto(f"{config.base}/ring/R-0003?show=picture")
                page.locator("#picture[data-ready]").wait_for(state="attached")
                ready = float(page.locator("#picture").get_attribute("data-ready") or 0)
                loaded: float = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
                found["picture of 1,500: after its page (s)"] = max(0.0, (ready - loaded) / 1000)
                found["faults"] = len(watch.faults)
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rings", type=int, nargs="?", default=10_000)
    found = measure(parser.parse_args().rings)
    for name, value in found.items():
        print(f"{name}: {value:.2f}")
    kept = (
        found["queue: ready (s)"] <= 1.5
        and found["queue: size (MB)"] <= 1
        and found["picture of 1,500: after its page (s)"] <= 2
        and found["faults"] == 0
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
