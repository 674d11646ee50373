"""Sightings and intake beside the bare group-by of a compiled engine over the same files.

    python -m tests.benchmarks.bench_wide [--events 6000000] [--rounds 5] [--shape shared|rotating] [--json]

Rounds alternate in one process; the figures are medians of the ratios of each round, of wall and of processor time.
The timed functions are those that `ringtrace run` calls; `bare` is what the same aggregates cost at the least.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import connect
from pipeline.link_types import link_types
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.stages import intake, sightings
from pipeline.stages.sightings.count import put_together
from pipeline.stages.sightings.partial import DAY_US, HOUR_US, files, sightings_of_rows
from pipeline.storage.find import find_inputs
from pipeline.storage.tasks import DaskBench

START = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = 45


def write_log(folder: Path, n_events: int, shape: str) -> None:
    """A log of one link type and no text: accounts with 30 addresses each, or a new address for each request."""
    dice = np.random.default_rng(1)
    n_accounts = max(10, n_events // 288)
    accounts = pa.array([f"acct-{i:012x}" for i in dice.integers(0, 2**48, n_accounts)])
    n_pool = max(100, n_events // 10) if shape == "shared" else 2**31
    home = dice.integers(0, n_pool, (n_accounts, 30))
    (folder / "events").mkdir(parents=True)
    for day in range(DAYS):
        n = n_events // DAYS
        who = dice.integers(0, n_accounts, n)
        number = home[who, dice.integers(0, 30, n)] if shape == "shared" else dice.integers(0, n_pool, n)
        moment = np.datetime64("2026-05-01", "us") + np.timedelta64(day, "D") + np.sort(
            dice.integers(0, DAY_US, n)
        ).astype("timedelta64[us]")
        table = {
            "timestamp": pa.array(moment, pa.timestamp("us", "UTC")), "account_id": accounts.take(pa.array(who)),
            "ip": _quads(number), "template_id": pa.nulls(n, pa.string()),
        }  # fmt: skip
        pq.write_table(pa.table(table), folder / "events" / f"day-{day:02d}.parquet", compression="zstd")


def _quads(numbers: np.ndarray[Any, Any]) -> pa.Array:
    distinct, at = np.unique(numbers, return_inverse=True)
    texts = [f"{n >> 24 & 127 | 1}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in distinct.tolist()]
    return pa.array(texts).take(pa.array(at))


def bare(paths: list[str], threads: int) -> int:
    """The engine's own group-by with the same aggregates; number of rows."""
    moment = 'epoch_us("timestamp")'
    with duckdb.connect(config={"threads": threads}) as db:
        db.execute(
            f"create temp table seen as select account_id, ip, {moment} // {DAY_US} as day, count(*) as n_events, "
            f"bit_or(1::bigint << ({moment} // {HOUR_US} % 24)::integer) as active_hours, min({moment}) as first_us, "
            f"max({moment}) as last_us from {files(paths)} where ip is not null group by all"
        )
        return int(db.execute("select count(*) from seen").fetchall()[0][0])


def one_type(paths: list[str], bench: DaskBench) -> int:
    """Sightings of one link type as the stage counts them, part by part, and puts them together; number of rows."""
    kind = next(t for t in link_types() if t.table == "events")
    tasks = [(kind, p, f"{bench.scratch}/one-{i}.parquet", bench.scratch, bench.memory) for i, p in enumerate(paths)]
    days: list[int] = [day for found in bench.map(_one_part, tasks, what="one link type") for day in found]
    again = sorted({day for day in days if days.count(day) > 1})
    target = f"{bench.scratch}/one.parquet"
    with connect(bench.scratch, bench.memory) as db:
        query = put_together(f"(from {files([t[2] for t in tasks])})", again)
        db.execute(f"copy ({query}) to '{target}' (format parquet, compression snappy)")
    return int(pq.read_metadata(target).num_rows)


def _one_part(task: tuple[Any, str, str, str, int]) -> list[int]:
    kind, rows, path, scratch, memory = task
    with connect(scratch, memory) as db:
        db.execute(f"create view events as from {files([rows])}")
        db.execute(f"copy ({sightings_of_rows(kind, 'events')}) to '{path}' (format parquet, compression snappy)")
        return [int(d) for (d,) in db.execute(f"select distinct stamp from {files([path])}").fetchall()]


class Rounds:
    """Seconds of each step by round, of wall and of processor."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    def timed(self, name: str, function: Callable[[], Any]) -> Any:
        """Call and note what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        made = function()
        self.wall.setdefault(name, []).append(time.perf_counter() - wall)
        self.cpu.setdefault(name, []).append(time.process_time() - cpu)
        return made

    def table(self) -> list[dict[str, Any]]:
        """Medians of each step, and of its ratio to `bare` in the same round."""
        rows = []
        for name in self.wall:
            row: dict[str, Any] = {"step": name}
            for kind, seconds in (("wall", self.wall), ("cpu", self.cpu)):
                ratios = [a / b for a, b in zip(seconds[name], seconds["bare"], strict=True)]
                row |= {f"{kind}_seconds": round(statistics.median(seconds[name]), 2),
                        f"{kind}_ratio": round(statistics.median(ratios), 2)}  # fmt: skip
            rows.append(row)
        return rows


def measure(folder: Path, rounds: int, workers: int) -> list[dict[str, Any]]:
    """Alternating rounds over a log."""
    paths = sorted(str(p) for p in (folder / "events").glob("*.parquet"))
    inputs, settings = find_inputs(folder), Settings()
    period = Period(START, START + timedelta(days=DAYS))
    clock = Rounds()
    none = {n: arrow_schema(TABLES[n]).empty_table().to_pandas() for n in ("clean_payments", "clean_accounts")}
    for number in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            def bench(name: str, scratch: str = scratch) -> DaskBench:
                place = Path(scratch) / name
                place.mkdir()
                return DaskBench(str(place), workers, int(6e9 / workers))

            n_bare = clock.timed("bare", lambda: bare(paths, workers))
            n_one = clock.timed("sightings of one link type", lambda: one_type(paths, bench("one")))
            assert n_bare == n_one, f"round {number}: {n_bare} and {n_one} rows"
            clock.timed("survey", lambda: intake.survey(inputs, settings, bench("survey")))
            made = clock.timed(
                "intake", lambda: intake.make(inputs, settings=settings, period=period, bench=bench("intake"))
            )
            texts = [_textless(p) for p in made.clean_events]
            whole = partial(
                sightings.make, made.clean_events, none["clean_payments"], none["clean_accounts"], texts,
                settings=settings, period=period, bench=bench("sightings"),
            )  # fmt: skip
            clock.timed("sightings, whole stage", whole)
    return clock.table()


def _textless(part: str) -> str:
    """What the templates stage writes beside a part where there is no text."""
    rows = pq.read_table(part, columns=["account_id", "timestamp"])
    schema = arrow_schema(TABLES["template_events"])
    columns = {f.name: rows[f.name] if f.name in rows.column_names else pa.nulls(len(rows), f.type) for f in schema}
    pq.write_table(pa.table(columns, schema=schema), f"{part}.texts")
    return f"{part}.texts"


def main() -> None:
    """Write a log, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=6_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shape", choices=("shared", "rotating"), default="shared")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as folder:
        write_log(Path(folder) / "log", args.events, args.shape)
        rows = measure(Path(folder) / "log", args.rounds, args.workers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    if args.json:
        print(json.dumps({"events": args.events, "shape": args.shape, "peak_megabytes": peak, "steps": rows}))
        return
    print(f"{args.events:,} events, {args.shape}, {args.rounds} rounds, {args.workers} workers, peak {peak:,} MB")
    print("| step | wall s | wall / bare | cpu s | cpu / bare |\n|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['step']} | {r['wall_seconds']} | {r['wall_ratio']} | {r['cpu_seconds']} | {r['cpu_ratio']} |")


if __name__ == "__main__":
    main()
