"""Synthetic worlds: request logs, payments and accounts of a platform with planted rings and everything that
resembles one.

`simulate("mixed", to=folder)` writes a named world; `build(replace(WORLDS["mixed"], prevalence=0.001), folder)` a
variant of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from pipeline.worlds.cast import Cast, account_ids, opaque
from pipeline.worlds.crowd import ALONE
from pipeline.worlds.dice import Dice
from pipeline.worlds.followers import FOLLOWERS
from pipeline.worlds.houses import TOGETHER
from pipeline.worlds.intelligence import allowlist, indicators, ip_ranges
from pipeline.worlds.money import payments
from pipeline.worlds.net import COUNTRIES
from pipeline.worlds.rings import plant
from pipeline.worlds.stage import POPULATION_NAMES, Stage
from pipeline.worlds.tactics import Underworld
from pipeline.worlds.traffic import Traffic
from pipeline.worlds.world import WORLDS, OperatorPlan, Summary, World
from pipeline.worlds.write import Files, Rows, batches

Progress = Callable[[str, int, int], None]
Format = Literal["parquet", "csv", "jsonl"]
_PLANS = ("free", "pay-as-you-go", "team")


def simulate(
    world: str,
    to: Path | str,
    *,
    scale: float = 1.0,
    seed: int = 0,
    format: Format = "parquet",
    progress: Progress | None = None,
) -> Summary:
    """Write a named world to a new or empty directory.

    `scale` multiplies accounts (and the requests of operators of given size); equal arguments give equal bytes.
    `progress` is called with (what, done, of). Raises KeyError for an unknown world, ValueError for a scale that is
    not positive, FileExistsError where the directory is not empty.
    """
    if world not in WORLDS:
        raise KeyError(f"no world called {world!r}; there are {', '.join(WORLDS)}")
    return build(WORLDS[world], to, scale=scale, seed=seed, format=format, progress=progress)


def build(
    world: World,
    to: Path | str,
    *,
    scale: float = 1.0,
    seed: int = 0,
    format: Format = "parquet",
    progress: Progress | None = None,
) -> Summary:
    """Write a world given by its knobs; as `simulate`."""
    if not scale > 0:
        raise ValueError(f"scale {scale}: expected a number above 0")
    world = _scaled(world, scale)
    files = Files(Path(to), format)
    dice = Dice("world", seed, shift=world.settings_shift)
    stage = Stage(world, dice.child("stage"))
    _populate(stage, dice)
    under = plant(stage, dice.child("rings"))
    cast = stage.cast
    new_row = cast.seal(dice.child("shuffle"), world.days)
    stage.networks.seal()
    stage.frames.seal()
    relays = [replace(relay, members=new_row[relay.members]) for relay in stage.relays]
    ids = account_ids(cast.n, dice.child("ids"))
    id_array = pa.array(ids, type=pa.string())
    start_us = int(np.datetime64(world.start, "us").astype(np.int64))
    for ring in under.rings:
        ring.members, ring.baited = np.sort(new_row[ring.members]), new_row[ring.baited].tolist()
    _write_tables(files, stage, cast, ids, under, start_us, dice)
    traffic = Traffic(stage, cast, relays, dice.child("traffic"))
    rows = Rows(stage, cast, id_array, start_us, seed)
    n_events = 0
    for day in range(world.days):
        requests = traffic.day(day)
        date = str(np.datetime64(world.start) + np.timedelta64(day, "D"))
        tables = batches(rows, requests, day, world.duplicates, dice.child("twice", day))
        files.day(date, tables)
        n_events += sum(t.num_rows for t in tables)
        if progress:
            progress("days", day + 1, world.days)
    counts = np.bincount(cast["population"], minlength=len(POPULATION_NAMES))
    summary = Summary(
        world.name,
        seed,
        n_events,
        cast.n,
        int((cast["ring"] >= 0).sum()),
        len(under.rings),
        len({r.operator for r in under.rings}),
        {name: int(counts[i]) for i, name in enumerate(POPULATION_NAMES) if counts[i]},
    )
    knobs = asdict(replace(world, shares={})) | {"shares": dict(world.shares)}
    files.note({"knobs": knobs, "seed": seed, "scale": scale, "summary": asdict(summary)})
    return summary


def _scaled(world: World, scale: float) -> World:
    plans = tuple(
        replace(p, accounts=max(5, round(p.accounts * scale)), requests=max(50, round(p.requests * scale)))
        for p in world.operators
    )
    return replace(
        world,
        n_accounts=max(1, round(world.n_accounts * scale)),
        resold_homes=max(50, round(world.resold_homes * scale)),
        operators=plans,
    )


def _populate(stage: Stage, dice: Dice) -> None:
    """Add the innocent: each population its share of the accounts that no ring has."""
    world = stage.world
    n = world.n_accounts - (0 if world.operators else round(world.n_accounts * world.prevalence))
    makers = {**ALONE, **TOGETHER, **FOLLOWERS}
    unknown = set(world.shares) - set(makers)
    if unknown:
        raise KeyError(f"no such populations: {sorted(unknown)}")
    total = sum(world.shares.values())
    edges = np.round(np.cumsum([world.shares.get(name, 0.0) / total for name in makers]) * n).astype(int)
    for (name, make), count in zip(makers.items(), np.diff(edges, prepend=0), strict=True):
        if count:
            make(stage, int(count), dice.child("population", name))


def _write_tables(
    files: Files, stage: Stage, cast: Cast, ids: list[str], under: Underworld, start_us: int, dice: Dice
) -> None:
    """Everything but the events."""
    world = stage.world
    id_array = pa.array(ids, type=pa.string())
    files.table("payments", payments(cast, id_array, world.days, start_us, dice.child("payments")))
    files.table("accounts", _accounts(stage, cast, id_array, start_us, dice.child("accounts")))
    files.table("ip_ranges", ip_ranges(stage, dice.child("ip ranges")))
    files.table("allowlist", allowlist(stage, cast, dice.child("allowlist")))
    files.table("indicators", indicators(stage, cast, ids, under, dice.child("indicators")))
    names = opaque(dice.child("ring ids").words(len(under.rings)), "ring-", 8)
    operators = [under.operators[ring.operator].name for ring in under.rings]
    ring = pa.array(cast["ring"], mask=cast["ring"] < 0)
    files.table(
        "truth",
        pa.table(
            {
                "account_id": id_array,
                "ring_id": pa.array(names, type=pa.string()).take(ring),
                "operator": pa.array(operators, type=pa.string()).take(ring),
                "population": pa.array(POPULATION_NAMES).take(pa.array(cast["population"].astype(np.int64))),
                "pool": pa.array(stage.pools, type=pa.string()).take(pa.array(cast["pool"], mask=cast["pool"] < 0)),
            }
        ),
    )
    if under.rings:
        what = ("exits", "cards", "schedule", "care", "paraphrase", "mixed", "n_exits", "bought")
        columns: dict[str, Any] = {name: [getattr(r, name) for r in under.rings] for name in what}
        baits = [bool(r.baited) for r in under.rings]
        size, cards = [len(r.members) for r in under.rings], [len(set(r.card_words)) for r in under.rings]
        files.table(
            "truth_rings",
            pa.table(
                {"ring_id": names, "operator": operators, "size": size, "shared_cards": cards, "bait": baits, **columns}
            ),
        )


def _accounts(stage: Stage, cast: Cast, ids: pa.Array, start_us: int, dice: Dice) -> pa.Table:
    gone = cast["dead"] < stage.world.days
    suspended = gone & (dice.rng.random(cast.n) < np.where(cast["ring"] >= 0, 0.75, 0.45))
    status = np.where(suspended, "suspended", np.where(gone, "closed", "active"))
    organization = cast["organization"]
    return pa.table(
        {
            "account_id": ids,
            "created_at": pa.array(
                start_us + (cast["born"] * 86400e6).astype(np.int64), type=pa.timestamp("us", tz="UTC")
            ),
            "status": pa.array(status.astype(object), type=pa.string()),
            "plan": pa.array(_PLANS).take(pa.array(cast["plan"].astype(np.int64))),
            "country": pa.array([c.code for c in COUNTRIES]).take(pa.array(cast["country"].astype(np.int64))),
            "email_domain": pa.array(stage.mails).take(pa.array(cast["mail"])),
            "organization": pa.array(stage.organizations, type=pa.string()).take(
                pa.array(organization, mask=organization < 0)
            ),
        }
    )


__all__ = ["WORLDS", "OperatorPlan", "Summary", "World", "build", "simulate"]
