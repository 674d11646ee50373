"""Forty-five mornings: single-day runs of an `onset` world against one run over the same window.

    python -m tests.benchmarks.daily --to FOLDER [--accounts 1500] [--days 45] [--first 1] [--ids] [--json FILE]

Says what a morning costs by stage against a run from scratch, whether both end in the same tables, how soon rings are
flagged after their tenth account became active, and how many keep one id for life. Writes `daily.csv`, one row a day,
and `rings.csv`, one row a day and true ring. With `--ids` the log tells template ids in place of prompts.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.period import instant
from pipeline.run import Request, carry_out
from pipeline.settings import CommunitiesSettings, ExportsSettings, RunSettings, Settings
from pipeline.storage import open_run
from pipeline.worlds import build
from pipeline.worlds.world import WORLDS

RULES = Settings(
    exports=ExportsSettings(make=False), run=RunSettings(workers=1, scheduler="sync"),
    communities=CommunitiesSettings(seeds=1),
)  # fmt: skip
EARLY = ("intake", "templates", "sightings")
KEPT = 0.5  # share of both a true ring's active accounts and the found ring's, from which they are the same
KEYS = {
    "rings": ["ring_id"], "members": ["ring_id", "account_id"], "evidence": ["ring_id", "entity_type", "entity"],
    "links": ["ring_id", "account_a", "account_b"], "attribution": ["ring_id", "operator"],
}  # fmt: skip


def run_day(source: Path, output: Path, until: date, previous: str | None = None) -> Path:
    """One run to the midnight that begins a day."""
    request = Request(str(source), str(output), RULES, until=instant(until.isoformat()), previous=previous)
    return Path(carry_out(request).place)


def seconds(run: Path) -> dict[str, float]:
    """Seconds of each stage."""
    return {name: stage["seconds"] for name, stage in open_run(run).manifest["stages"].items()}


def matched(run: Path, truth: Mapping[str, set[str]]) -> dict[str, tuple[str, bool]]:
    """True ring -> (id, flagged) of today's ring that holds most of its active accounts, if it holds half of them and
    is made of such accounts by half or more."""
    rings = pd.read_parquet(run / "rings.parquet").set_index("ring_id")
    members = pd.read_parquet(run / "members.parquet")
    held = members.groupby("ring_id")["account_id"].agg(set)
    found = {}
    for name, accounts in truth.items():
        if not accounts:
            continue
        best = max(sorted(held.index), key=lambda r: len(held[r] & accounts), default=None)
        if best is not None and len(held[best] & accounts) >= KEPT * max(len(accounts), len(held[best])):
            found[name] = (str(best), bool(rings.at[best, "flagged"]))
    return found


def same_tables(daily: Path, once: Path) -> dict[str, bool]:
    """Which tables are equal, ring ids and names of unknown operators taken one for one."""
    a, b = (pd.read_parquet(r / "members.parquet") for r in (daily, once))
    pairs = a.merge(b, on="account_id")[["ring_id_x", "ring_id_y"]].drop_duplicates()
    one_to_one = pairs["ring_id_x"].is_unique and pairs["ring_id_y"].is_unique
    names = dict(zip(pairs["ring_id_y"], pairs["ring_id_x"], strict=True))
    equal = {"ids one to one": bool(one_to_one)}
    equal["templates"] = (daily / "templates.parquet").read_bytes() == (once / "templates.parquet").read_bytes()
    frames = [pd.read_parquet(r / "incidence.parquet").drop(columns="ring_id") for r in (daily, once)]
    equal["incidence"] = frames[0].equals(frames[1])
    for table, keys in KEYS.items():
        x, y = (pd.read_parquet(r / f"{table}.parquet") for r in (daily, once))
        y = y.assign(ring_id=y["ring_id"].map(names))
        drop = [c for c in ("operator_id", "parent_ring_id", "reason") if c in x]
        x, y = (f.drop(columns=drop).sort_values(keys, ignore_index=True) for f in (x, y))
        equal[table] = x.equals(y)
    return equal


def main() -> None:
    """Make the world, run the mornings, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--accounts", type=int, default=1500)
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--first", type=int, default=1, help="first day that is run")
    parser.add_argument("--ids", action="store_true", help="template ids in place of prompts")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    world = replace(
        WORLDS["onset"], n_accounts=args.accounts, prevalence=0.08, ring_size=(12.0, 40.0), volume=0.5,
        largest_ring_share=0.3, prompts=not args.ids,
    )  # fmt: skip
    source = args.to / "world"
    if not source.exists():
        build(world, source, seed=args.seed)
    start = date.fromisoformat(world.start)
    truth = pd.read_parquet(source / "truth.parquet").dropna(subset=["ring_id"])
    firsts = _first_days(source)
    rows: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    run: Path | None = None
    for n in range(args.first, args.days + 1):
        until = start + timedelta(days=n)
        run = run_day(source, args.to / "daily", until)
        active = {
            str(ring): {a for a in mine if firsts.get(a, date.max) < until}
            for ring, mine in truth.groupby("ring_id")["account_id"]
        }
        for ring, (ring_id, flagged) in matched(run, active).items():
            seen.append({"day": n, "ring": ring, "active": len(active[ring]), "ring_id": ring_id, "flagged": flagged})
        rows.append(_row(n, run, set().union(*active.values()) if active else set()))
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(args.to / "daily.csv", index=False)
        pd.DataFrame(seen).to_csv(args.to / "rings.csv", index=False)
    assert run is not None
    once = run_day(source, args.to / "once", start + timedelta(days=args.days), "none")
    tenth = {
        str(ring): (sorted(firsts[a] for a in mine if a in firsts)[9] - start).days + 1
        for ring, mine in truth.groupby("ring_id")["account_id"] if sum(a in firsts for a in mine) >= 10
    }  # fmt: skip
    daily_s, once_s = seconds(run), seconds(once)
    found = {
        "events": int(open_run(once).manifest["stages"]["intake"]["counts"]["events"]["out"]),
        "seconds": {s: [daily_s[s], once_s[s]] for s in once_s},
        "early_share": sum(daily_s[s] for s in EARLY) / sum(once_s[s] for s in EARLY),
        "sum": [round(sum(x.values()), 1) for x in (daily_s, once_s)],
        "equal": same_tables(run, once), "true_rings": len(tenth), **lives(pd.DataFrame(seen), tenth),
    }  # fmt: skip
    draw(pd.DataFrame(rows), args.to / "daily.svg", world.ban_waves)
    text = json.dumps(found, indent=1, default=str)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


def lives(seen: pd.DataFrame, tenth: Mapping[str, int]) -> dict[str, Any]:
    """How the true rings fared: days from their tenth account to being found and flagged (None: never), the median
    over all of them, and how many of those found kept one id for life."""
    delays: dict[str, dict[str, int | None]] = {}
    for what, mine in (("found", seen), ("flagged", seen[seen["flagged"]] if len(seen) else seen)):
        first = mine.groupby("ring")["day"].min().to_dict() if len(mine) else {}
        delays[what] = {ring: int(first[ring]) - day if ring in first else None for ring, day in tenth.items()}
    ids = seen.groupby("ring")["ring_id"].agg(lambda r: list(dict.fromkeys(r))).to_dict() if len(seen) else {}
    never = float("inf")
    return {
        "delays": delays,
        "median_delay_days": {
            what: statistics.median(never if d is None else d for d in found.values()) if found else None
            for what, found in delays.items()
        },
        "one_id_for_life": sum(len(given) == 1 for given in ids.values()), "rings_named": len(ids), "ids": ids,
    }  # fmt: skip


def draw(table: pd.DataFrame, to: Path, bans: tuple[float, ...]) -> None:
    """The share of guilty accounts that are accused, by day; upright lines where all accounts were banned."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "daily"
    figure = Figure(figsize=(6.4, 2.8), layout="constrained")
    axes = figure.subplots()
    seen = table.dropna(subset=["recall"])
    axes.step(seen["day"], seen["recall"], where="post", color="#20558a")
    for day in bans:
        axes.axvline(day, color="#999999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="day of the world (dotted: bans)", ylabel="guilty accounts accused", ylim=(0, 1.02))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(to, metadata={"Date": None})


def _first_days(source: Path) -> dict[str, date]:
    """Day of each account's first request."""
    events = pd.concat(pd.read_parquet(p, columns=["account_id", "timestamp"])
                       for p in sorted((source / "events").rglob("*.parquet")))  # fmt: skip
    return {str(a): t.date() for a, t in events.groupby("account_id")["timestamp"].min().items()}


def _row(n: int, run: Path, guilty: set[str]) -> dict[str, Any]:
    rings = pd.read_parquet(run / "rings.parquet")
    members = pd.read_parquet(run / "members.parquet")
    flagged = set(rings.loc[rings["flagged"], "ring_id"])
    accused = set(members.loc[members["ring_id"].isin(flagged) & (members["membership"] >= 0.5), "account_id"])
    took = seconds(run)
    return {
        "day": n, "guilty": len(guilty), "accused": len(accused), "true": len(accused & guilty),
        "recall": round(len(accused & guilty) / len(guilty), 3) if guilty else None, "flagged_rings": len(flagged),
        **{s: took[s] for s in EARLY}, "all": round(sum(took.values()), 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
