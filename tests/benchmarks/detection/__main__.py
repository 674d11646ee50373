"""The detection bench: `python -m tests.benchmarks.detection [--quick] [--cache DIR] [--only ...] [--to DIR]`.

Every cell is kept, so the bench goes on where it stopped. `--only` takes methods (`ours`, `F2`, "without time") and
factors (`base`, `evasion`); `--plan` says what would be run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.benchmarks.detection.cells import Bench, Cell, tune
from tests.benchmarks.detection.methods import METHODS
from tests.benchmarks.detection.ours import ABLATIONS
from tests.benchmarks.detection.points import SCALES, Point, Scale, reported_points, tuning_points
from tests.benchmarks.detection.pooled import rows
from tests.benchmarks.detection.price import costs_of, price_list
from tests.benchmarks.detection.report import draw, flat, page
from tests.benchmarks.digest import PAGES

_LARGE = ("ours", "F2", "F15")  # asked for at every size
_ABLATED_SEEDS = 2  # seeds of the base point on which things are taken out


def main() -> None:
    """Tune, run the cells, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", choices=sorted(SCALES), default="full")
    parser.add_argument("--quick", action="store_true", help="the same as --scale quick: at most 15 minutes")
    parser.add_argument("--cache", type=Path, default=Path(".cache/detection"))
    parser.add_argument("--only", nargs="*", default=[], help="methods and factors; all where none is named")
    parser.add_argument("--seeds", type=int, default=0, help="at most so many seeds a level")
    parser.add_argument("--to", type=Path, default=PAGES, help="folder of the page; - writes none")
    parser.add_argument("--plan", action="store_true", help="say what would be run, and stop")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    scale = SCALES["quick" if given.quick else given.scale]
    wanted = plan(scale, given.only, given.seeds)
    if given.plan:
        for point, names in wanted:
            print(f"{point.factor}: {point.level}, seed {point.seed}: {', '.join(names)}")
        return
    bench = Bench(given.cache)
    knobs = tuned(bench, scale, {n for _, names in wanted for n in names if n in METHODS})
    cells = [cell for point, names in wanted for cell in run(bench, point, names, knobs)]
    if str(given.to) != "-":
        write(bench, cells, knobs, scale, given.to)


def plan(scale: Scale, only: list[str], seeds: int = 0) -> list[tuple[Point, list[str]]]:
    """Points in order, each with the methods that are asked for."""
    factors = [o for o in only if o in {p.factor for p in reported_points(scale)}]
    methods = [o for o in only if o not in factors]
    seen: dict[tuple[str, str], int] = defaultdict(int)
    found = []
    for point in reported_points(scale):
        key = (point.factor, point.level)
        seen[key] += 1
        if (factors and point.factor not in factors) or (seeds and seen[key] > seeds):
            continue
        names = [n for n in asked(point, seen[key]) if not methods or n in methods]
        if names:
            found.append((point, names))
    return found


def asked(point: Point, number: int) -> list[str]:
    """Methods for a point, the `number`-th of its level: ours, baselines that can, ablations at the base point."""
    n = point.world.n_accounts
    names = ["ours", *(m.name for m in METHODS.values() if n <= m.max_accounts)]
    if point.factor == "size" and n > 20_000:
        return [n for n in names if n in _LARGE]
    if point.factor == "base" and number <= _ABLATED_SEEDS:
        names += [a.name for a in ABLATIONS]
    return names


def tuned(bench: Bench, scale: Scale, names: set[str]) -> dict[str, dict[str, Any]]:
    """Knobs of every method, chosen on the tuning worlds."""
    points = tuning_points(scale)
    found = {}
    for name in [n for n in METHODS if n in names]:
        found[name] = tune(bench, points, name)
        _say(f"{name}: {found[name]}")
    return found


def run(bench: Bench, point: Point, names: list[str], knobs: dict[str, dict[str, Any]]) -> list[Cell]:
    """The cells of a point."""
    cells = []
    for name in names:
        begun = time.perf_counter()
        cell = bench.cell(point, name, knobs.get(name))
        a = cell["figures"]["accounts"]
        _say(
            f"{point.factor} {point.level} {point.seed} {name}: precision {_shown(a['precision'])} "
            f"recall {_shown(a['recall'])} ({time.perf_counter() - begun:.0f} s)"
        )
        cells.append(cell)
    bench.forget(point)
    return cells


def _shown(share: dict[str, Any]) -> str:
    return f"{share['hits']}/{share['of']}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def write(bench: Bench, cells: list[Cell], knobs: dict[str, dict[str, Any]], scale: Scale, to: Path) -> None:
    """The page, the flat table, the price list, the picture."""
    made = rows(cells)
    name = "detection" if scale.name != "quick" else "detection-quick"
    to.mkdir(parents=True, exist_ok=True)
    (to / f"{name}.md").write_text(page(cells, knobs, scale))
    flat(made).to_csv(to / f"{name}.csv", index=False)
    draw(made, to / f"{name}.svg")
    worlds: dict[str, list[Path]] = defaultdict(list)
    for point in reported_points(scale):
        folder = bench.cache / "worlds" / point.mark
        if point.factor == "evasion" and (folder / "done").exists():
            worlds[point.level].append(folder)
    if worlds:
        price_list(made, costs_of(worlds)).to_csv(to / f"{name}-price.csv", index=False)


if __name__ == "__main__":
    main()
