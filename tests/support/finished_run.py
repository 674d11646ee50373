"""Finished runs of any size that keep the contract, made from nothing but a seed.

Whoever reads runs (workspace, exports, explain) is tested against these, without running the line itself.
`write_run` writes twelve rich rings by default; `rings=10_000, big=True` makes one million members.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schemas import OUTPUTS, arrow_schema
from tests.support.finished_ring import history, judgement, plan_rings
from tests.support.hostile import PAYLOADS

DAYS = 45
SINCE = pd.Timestamp("2026-04-22", tz="UTC")
TYPES = ("ip", "payment", "template", "device_id")
PICTURE = 1500  # accounts of a ring that the picture holds at the most
_SCHEMAS = {t.name: t for t in OUTPUTS}


@dataclass(frozen=True)
class World:
    """What is asked for. `grown` is the run of the next day: some rings grew, one is new, one is gone."""

    rings: int = 12
    seed: int = 0
    hostile: bool = False
    big: bool = False
    grown: bool = False

    @property
    def since(self) -> pd.Timestamp:
        """Begin of the window."""
        return SINCE + pd.Timedelta(days=int(self.grown))

    @property
    def until(self) -> pd.Timestamp:
        """End of the window."""
        return self.since + pd.Timedelta(days=DAYS)

    @property
    def run_id(self) -> str:
        """Name of the run: end of the window and a digest of what was asked for."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return f"{self.until:%Y-%m-%d}-{digest}"


def write_run(
    directory: Path, *, rings: int = 12, seed: int = 0, hostile: bool = False, big: bool = False, grown: bool = False
) -> Path:
    """Write one finished run below `directory` and return its folder; same arguments, same bytes."""
    world = World(rings, seed, hostile, big, grown)
    run = directory / world.run_id
    run.mkdir(parents=True, exist_ok=True)
    tables = make_tables(world)
    for name, frame in tables.items():
        _write(run / f"{name}.parquet", name, frame)
    (run / "rejected").mkdir(exist_ok=True)
    rows = {name: {"rows": len(frame)} for name, frame in tables.items()}
    previous = World(rings, seed, hostile, big).run_id if grown else None
    manifest = {
        "run_id": world.run_id,
        "version": "0.1.0",
        "settings": {"scores": {"threshold": 0.7}},
        "seed": seed,
        "since": world.since.isoformat(),
        "until": world.until.isoformat(),
        "previous_run": previous,
        "inputs": {"events": hashlib.sha256(b"events").hexdigest()},
        "stages": {"rings": {"tables": rows}},
        "model": hashlib.sha256(b"model").hexdigest(),
    }
    (run / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return run


def _write(path: Path, name: str, frame: pd.DataFrame) -> None:
    described = _SCHEMAS[name]
    schema = arrow_schema(described, {c: "float64" for c in frame.columns if c.startswith("bits_") and name == "links"})
    frame = frame.sort_values(list(described.key), kind="stable", na_position="first")
    added = {name: pa.nulls(len(frame)).to_pandas() for name in schema.names if name not in frame}  # since: all null
    table = pa.Table.from_pandas(frame.assign(**added)[schema.names], schema=schema, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd", row_group_size=65_536)


def noise(world: World, salt: int, *keys: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) that depend on the seed, the salt and the keys alone (splitmix64)."""
    with np.errstate(over="ignore"):
        state = np.uint64(world.seed * 1_000_003 + salt * 7_919 + 17) * np.uint64(0x9E3779B97F4A7C15)
        for key in keys:
            state = (state ^ key.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def make_tables(world: World) -> dict[str, pd.DataFrame]:
    """All tables of the contract as frames, unsorted."""
    plan = plan_rings(world.rings + int(world.grown), big=world.big, grown=world.grown, noise=_of(world, 1))
    accounts = _accounts(world, plan)
    ties = _ties(world, plan, accounts)
    entities = _entities(world, ties)
    activity = _activity(world, plan, accounts)
    members = _members(world, plan, accounts, activity)
    evidence = _evidence(plan, ties, entities, members)
    rings = plan[["ring_id", "ring"]].merge(_spans(members), on="ring_id")
    parts, explanations, attribution, judged = judgement(plan, hostile=world.hostile)
    rings = rings.merge(judged, on="ring_id").drop(columns="ring")
    previous = World(world.rings, world.seed, world.hostile, world.big).run_id if world.grown else None
    ring_history, registry = history(plan, world.run_id, previous)
    incidence = _incidence(world, plan, accounts, ties, entities)
    in_ring = incidence[incidence.ring_id.notna()]
    hours = activity.groupby(["ring_id", "hour"], as_index=False).agg(
        n_accounts=("account_id", "size"), n_events=("n_events", "sum")
    )
    return {
        "rings": rings,
        "members": members,
        "evidence": evidence,
        "score_parts": parts,
        "explanations": explanations,
        "attribution": attribution,
        "incidence": incidence,
        "links": _links(in_ring),
        "activity": activity,
        "ring_hours": hours,
        "ring_groups": _groups(in_ring, evidence, members),
        "daily": _daily(world, rings, activity),
        "provenance": _provenance(world, in_ring, evidence),
        "layout": _layout(world, in_ring, evidence, members),
        "templates": _templates(world, incidence),
        "ring_history": ring_history,
        "ring_registry": registry,
    }


def _of(world: World, salt: int):  # type: ignore[no-untyped-def]
    return lambda *keys: noise(world, salt, *keys)


def _names(prefix: str, values: np.ndarray, width: int = 12) -> np.ndarray:
    return np.array([f"{prefix}{int(v * 16**width):0{width}x}" for v in values], dtype=object)


def _accounts(world: World, plan: pd.DataFrame) -> pd.DataFrame:
    """Members and the outsiders that share a thing with them: ring (index), place within it, account_id, core."""
    sizes, outside = plan["size"].to_numpy(), 1 + plan["size"].to_numpy() // 30
    ring = np.concatenate([np.repeat(plan.ring, sizes), np.repeat(plan.ring, outside)])
    place = np.concatenate([*(np.arange(n) for n in sizes), *(np.arange(n) + 1_000_000 for n in outside)])
    ids = _names("a-", noise(world, 2, ring, place))
    if world.hostile:
        few = np.flatnonzero((place < 6) | (place == 1_000_000))
        ids[few] = [f"{ids[k][:8]}{PAYLOADS[k % len(PAYLOADS)]}" for k in few]
    core = (noise(world, 3, ring, place) < 0.94) | (place < 3)
    return pd.DataFrame({"ring": ring, "place": place, "account_id": ids, "core": core, "inside": place < 1_000_000})


def _ties(world: World, plan: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Account (row number) and thing, a thing being (type, owner, number); owner a ring or, below 0, an operator."""
    a = accounts.merge(plan[["ring", "size", "kind", "operator_group"]], on="ring", how="left", validate="m:1")
    place, size, ring = a.place.to_numpy(), a["size"].to_numpy(), a.ring.to_numpy()
    coordinated, chance = a.kind.eq("coordinated").to_numpy(), noise(world, 4, ring, place)
    network_only = a.kind.eq("shared_network").to_numpy()
    inside, core = a.inside.to_numpy(), a.core.to_numpy()
    n_ip = np.where(coordinated, np.minimum(2 + size // 20, 214), 2)
    n_card = np.where(coordinated, np.minimum(1 + size // 150, 9), 1)
    n_template = 1 + ring % 2
    owner = np.where(coordinated & (a.operator_group.to_numpy() >= 0), -1 - a.operator_group.to_numpy(), ring)
    rows = [
        ("ip", ring, place % n_ip, inside | (place % 2 == 0)),
        ("ip", ring, (place // 7 + 1) % n_ip, inside & core),
        ("ip", owner, np.full(len(a), 900), inside & coordinated & (chance < 0.3)),
        ("payment", ring, place % n_card, inside & core & ~network_only),
        ("payment", owner, np.full(len(a), 901), inside & coordinated & (chance > 0.9)),
        ("template", ring, place % n_template, (~network_only) & (core | (chance < 0.5))),
        ("device_id", ring, place % (1 + size // 100), inside & (ring % 3 == 0) & (chance < 0.6)),
    ]
    ties = pd.concat(
        [
            pd.DataFrame({"row": np.flatnonzero(m), "entity_type": t, "owner": o[m], "number": n[m]})
            for t, o, n, m in rows
        ],
        ignore_index=True,
    ).drop_duplicates(ignore_index=True)
    ties["code"] = ties.groupby(["entity_type", "owner", "number"]).ngroup()
    return ties[ties.groupby("code").row.transform("size") >= 2].reset_index(drop=True)


def _entities(world: World, ties: pd.DataFrame) -> pd.DataFrame:
    """Each thing: its type, value, class, global bits and how many accounts have it."""
    things = (
        ties.groupby("code")
        .agg(
            entity_type=("entity_type", "first"),
            owner=("owner", "first"),
            number=("number", "first"),
            n_accounts_total=("row", "size"),
        )
        .reset_index()
    )
    kind = things.entity_type.map({t: i for i, t in enumerate(TYPES)}).to_numpy()
    draw = noise(world, 5, things.owner.to_numpy() + 10**6, things.number.to_numpy(), kind)
    low, high = np.array([2.0, 6.0, 4.0, 3.0])[kind], np.array([7.0, 12.0, 9.0, 8.0])[kind]
    things["bits"] = low + (high - low) * draw
    prefix = np.array(["", "fp_", "t_", "d_"])[kind]
    things["entity"] = [_value(p, d, k) for p, d, k in zip(prefix, draw, range(len(draw)), strict=True)]
    if world.hostile:
        free = (kind == 1) | (kind == 3)
        things.loc[free, "entity"] += [PAYLOADS[k % len(PAYLOADS)] for k in np.flatnonzero(free)]
    classes = np.array(["residential", "private card", "private template", "shared device"], dtype=object)
    things["class"] = classes[kind]
    things.loc[(kind == 0) & (draw > 0.8), "class"] = "hosting"
    things.loc[(kind == 0) & things.number.ge(900), "class"] = "vpn exit"
    return things


def _value(prefix: str, draw: float, code: int) -> str:
    if prefix:
        return f"{prefix}{int(draw * 2**36):09x}{code:05x}"
    if code % 9 == 8:
        return f"2001:db8:{code >> 16 & 0xFFFF:x}:{code & 0xFFFF:x}::{int(draw * 65535) + 1:x}"
    return f"{100 + (code >> 16) % 100}.{code >> 8 & 255}.{code & 255}.{1 + int(draw * 250)}"


def _activity(world: World, plan: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Hours of members: rings of one hand keep two hours of the day, offices keep office hours."""
    inside = accounts[accounts.inside]
    a = inside.merge(plan[["ring", "ring_id", "kind"]], on="ring", validate="m:1")
    repeats = 4 if world.big else 24
    ring, place = np.repeat(a.ring.to_numpy(), repeats), np.repeat(a.place.to_numpy(), repeats)
    turn = np.tile(np.arange(repeats), len(a))
    draw, coordinated = noise(world, 6, ring, place, turn), np.repeat(a.kind.eq("coordinated").to_numpy(), repeats)
    start = (ring * 5 + 2) % 22
    hour = np.where(coordinated, start + (draw < 0.4), 8 + (draw * 10).astype(int))
    day = (turn * 3 + (place % 3 if world.big else draw * 3)).astype(int) % DAYS
    day = np.where(~coordinated & (day % 7 >= 5), day - 2, day)
    stamp = world.since + pd.to_timedelta(day * 24 + hour, unit="h")
    frame = pd.DataFrame(
        {
            "ring_id": np.repeat(a.ring_id.to_numpy(), repeats),
            "account_id": np.repeat(a.account_id.to_numpy(), repeats),
            "hour": stamp,
            "n_events": 1 + (draw * 37 % 1 * 30).astype(int),
        }
    )
    return frame.groupby(["ring_id", "account_id", "hour"], as_index=False).n_events.sum()


def _members(world: World, plan: pd.DataFrame, accounts: pd.DataFrame, activity: pd.DataFrame) -> pd.DataFrame:
    seen = activity.groupby("account_id").agg(
        n_events=("n_events", "sum"), first_seen=("hour", "min"), last_seen=("hour", "max")
    )
    m = accounts[accounts.inside].merge(plan[["ring", "ring_id", "kind"]], on="ring", validate="m:1")
    m = m.join(seen, on="account_id")
    draw, ring, place = noise(world, 7, m.ring.to_numpy(), m.place.to_numpy()), m.ring.to_numpy(), m.place.to_numpy()
    m["membership"] = np.where(m.core, 0.8 + 0.19 * draw, 0.2 + 0.29 * draw).round(4)
    age = np.where(m.kind.eq("coordinated"), 20 + draw * 40, 100 + draw * 900)
    m["created_at"] = (world.since - pd.to_timedelta((age * 24).astype(int), unit="h")).where(draw < 0.97)
    m["status"] = np.where(draw < 0.9, "active", np.where(draw < 0.95, "suspended", "closed"))
    if world.hostile:
        m["status"] = [PAYLOADS[k % len(PAYLOADS)] for k in range(len(m))]
    payer = np.where((ring % 4 == 1) & (place == 2), 140.0, np.round(draw * 60, 1))
    m["payer_days"] = np.where(draw < 0.7, payer, np.nan)
    m.loc[(ring % 4 == 1) & (place == 2), "payer_days"] = 140.0
    m["payer_days"] = m.payer_days.where(m.payer_days.notna(), None)
    return m[
        [
            "ring_id",
            "account_id",
            "membership",
            "n_events",
            "first_seen",
            "last_seen",
            "created_at",
            "status",
            "payer_days",
        ]
    ]


def _spans(members: pd.DataFrame) -> pd.DataFrame:
    return members.groupby("ring_id", as_index=False).agg(
        size=("account_id", "size"),
        n_events=("n_events", "sum"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )


def _incidence(
    world: World, plan: pd.DataFrame, accounts: pd.DataFrame, ties: pd.DataFrame, entities: pd.DataFrame
) -> pd.DataFrame:
    ids = plan.set_index("ring").ring_id
    account = accounts.iloc[ties.row.to_numpy()]
    things = entities.set_index("code").loc[ties.code.to_numpy()]
    draw = noise(world, 8, ties.row.to_numpy(), ties.code.to_numpy())
    first = world.since + pd.to_timedelta((draw * 20).astype(int) * 24 + 3, unit="h")
    return pd.DataFrame(
        {
            "account_id": account.account_id.to_numpy(),
            "entity_type": ties.entity_type.to_numpy(),
            "entity": things.entity.to_numpy(),
            "bits": things.bits.round(4).to_numpy(),
            "n_events": 1 + (draw * 40).astype(int),
            "first_seen": first,
            "last_seen": first + pd.to_timedelta((draw * 24).astype(int), unit="D"),
            "ring_id": np.where(account.inside, ids.reindex(account.ring).to_numpy(), None),
        }
    )


def _evidence(plan: pd.DataFrame, ties: pd.DataFrame, entities: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Things of two or more members of a ring; innocent groups get evidence that speaks against."""
    in_ring = np.repeat(plan.ring.to_numpy(), plan["size"].to_numpy())
    held = ties[ties.row < len(members)].assign(ring=lambda t: in_ring[t.row.to_numpy()])
    counted = held.groupby(["ring", "code"], as_index=False).agg(n_accounts_in_ring=("row", "size"))
    counted = counted[counted.n_accounts_in_ring >= 2].merge(entities, on="code", validate="m:1")
    counted = counted.merge(plan[["ring", "ring_id", "kind"]], on="ring", validate="m:1")
    innocent = ~counted.kind.eq("coordinated")
    counted["bits"] = np.where(innocent & counted.entity_type.eq("ip"), -counted.bits / 3, counted.bits).round(4)
    counted.loc[innocent & counted.entity_type.eq("ip"), "class"] = "office"
    first = counted.sort_values(["ring", "entity_type", "bits"], ascending=[True, True, False])
    rank = first.groupby(["ring", "entity_type"]).cumcount().reindex(counted.index)
    counted["bits_counted"] = np.where(rank.eq(0), counted.bits, counted.bits / 8).round(4)
    span = members.groupby("ring_id").agg(first_seen=("first_seen", "min"), last_seen=("last_seen", "max"))
    return counted.join(span, on="ring_id")


def _links(in_ring: pd.DataFrame) -> pd.DataFrame:
    """Neighbours in id order among the holders of one thing: at most a few links an account."""
    held = in_ring.sort_values(["ring_id", "entity_type", "entity", "account_id"])
    following = held.shift(-1)
    near = (
        held.ring_id.eq(following.ring_id)
        & held.entity_type.eq(following.entity_type)
        & held.entity.eq(following.entity)
    )
    pairs = pd.DataFrame(
        {
            "ring_id": held.ring_id,
            "account_a": held.account_id,
            "account_b": following.account_id,
            "entity_type": held.entity_type,
            "bits": held.bits,
        }
    )[near]
    wide = pairs.pivot_table(
        index=["ring_id", "account_a", "account_b"], columns="entity_type", values="bits", aggfunc="max", fill_value=0.0
    )
    wide.columns = pd.Index([f"bits_{c}" for c in wide.columns])
    wide["bits"] = wide.sum(axis=1)
    return wide.reset_index()


def _groups(in_ring: pd.DataFrame, evidence: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    order = ["ring_id", "bits_counted", "bits", "entity_type", "entity"]
    strongest = evidence.sort_values(order, ascending=[True, False, False, True, True]).groupby("ring_id").head(12)
    strongest = strongest.assign(slot=strongest.groupby("ring_id").cumcount())[
        ["ring_id", "entity_type", "entity", "slot"]
    ]
    held = in_ring.merge(strongest, on=["ring_id", "entity_type", "entity"])
    mask = (2**held.slot).groupby(held.account_id).sum()
    m = members.assign(mask=members.account_id.map(mask).fillna(0).astype(int), core=members.membership >= 0.5)
    counted = m.groupby(["ring_id", "mask"], as_index=False).agg(n_accounts=("core", "size"), n_core=("core", "sum"))
    counted = counted.sort_values(["ring_id", "n_accounts", "mask"], ascending=[True, False, True])
    counted["rank"] = counted.groupby("ring_id").cumcount() + 1
    counted.loc[counted["rank"] > 12, ["rank", "mask"]] = [13, 0]
    counted = counted.groupby(["ring_id", "rank"], as_index=False).agg(
        mask=("mask", "first"), n_accounts=("n_accounts", "sum"), n_core=("n_core", "sum")
    )
    names = {r: (g.entity_type + ":" + g.entity).tolist() for r, g in strongest.groupby("ring_id")}
    counted["entities"] = [
        [name for slot, name in enumerate(names.get(r, [])) if k >> slot & 1]
        for r, k in zip(counted.ring_id, counted["mask"], strict=True)
    ]
    return counted


def _daily(world: World, rings: pd.DataFrame, activity: pd.DataFrame) -> pd.DataFrame:
    flagged = activity[activity.ring_id.isin(rings.loc[rings.flagged, "ring_id"])]
    days = (
        flagged.assign(day=flagged.hour.dt.date)
        .groupby("day", as_index=False)
        .agg(n_events=("n_events", "sum"), n_accounts=("account_id", "nunique"))
    )
    every = pd.date_range(world.since, periods=DAYS, freq="D").date
    wave = np.array([1.0 if d.weekday() < 5 else 0.6 for d in every])
    other = pd.DataFrame(
        {"day": every, "n_events": (2_000_000 * wave).astype(int), "n_accounts": (90_000 * wave).astype(int)}
    )
    return pd.concat([days.assign(group="flagged"), other.assign(group="other")], ignore_index=True)


def _provenance(world: World, in_ring: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    top = evidence.sort_values(["ring_id", "bits", "entity"], ascending=[True, False, True]).groupby("ring_id").head(6)
    held = in_ring.merge(top[["ring_id", "entity_type", "entity"]], on=["ring_id", "entity_type", "entity"])
    held = held.sort_values(["ring_id", "entity_type", "entity", "account_id"])
    held = held.groupby(["ring_id", "entity_type", "entity"]).head(40).reset_index(drop=True)
    held["day"] = held.first_seen.dt.date
    held["request_ids"] = [[f"req-{k:07x}-{j:02d}" for j in range(min(20, n))] for k, n in enumerate(held.n_events)]
    return held


def _layout(world: World, in_ring: pd.DataFrame, evidence: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Things on a spiral, accounts at the mean of their things with a little jitter."""
    things = (
        evidence.sort_values(["ring_id", "bits", "entity"], ascending=[True, False, True]).groupby("ring_id").head(250)
    )
    things = things[["ring_id", "entity_type", "entity"]].copy()
    step = things.groupby("ring_id").cumcount().to_numpy()
    most = things.groupby("ring_id").entity.transform("size").to_numpy()
    radius, angle = 0.25 + 0.65 * np.sqrt(step / most), step * 2.399963
    things["x"], things["y"] = radius * np.cos(angle), radius * np.sin(angle)
    surest = members.sort_values(["ring_id", "membership", "account_id"], ascending=[True, False, True])
    surest = surest.groupby("ring_id").head(PICTURE)[["ring_id", "account_id"]]
    held = in_ring[["ring_id", "account_id", "entity_type", "entity"]].merge(
        things, on=["ring_id", "entity_type", "entity"]
    )
    mean = held.groupby("account_id")[["x", "y"]].mean()
    placed = surest.join(mean, on="account_id").fillna({"x": 0.0, "y": 0.0})
    order = np.arange(len(placed))
    placed["x"] = (placed.x + 0.16 * (noise(world, 9, order) - 0.5)).clip(-1, 1)
    placed["y"] = (placed.y + 0.16 * (noise(world, 10, order) - 0.5)).clip(-1, 1)
    placed = placed.rename(columns={"account_id": "vertex"}).assign(vertex_type="account")
    return pd.concat(
        [things.rename(columns={"entity": "vertex", "entity_type": "vertex_type"}), placed], ignore_index=True
    )


def _templates(world: World, incidence: pd.DataFrame) -> pd.DataFrame:
    used = (
        incidence[incidence.entity_type.eq("template")]
        .groupby("entity", as_index=False)
        .agg(n_events=("n_events", "sum"), n_accounts=("account_id", "nunique"))
    )
    frames = (
        "You are a careful tutor. Solve <*> step by step, then rate each step from 1 to <*>.",
        "Write a product review of <*> in the voice of <*>, about <*> words, no repeats.",
        "Translate the following passage into <*> and keep every number: <*>",
        "Think aloud before you answer. Question: <*> Give all reasoning steps.",
    )
    text = [frames[k % len(frames)] for k in range(len(used))]
    if world.hostile:
        text = [
            f"Please {PAYLOADS[k % len(PAYLOADS)]} <*> and then {PAYLOADS[(k * 5 + 1) % len(PAYLOADS)]}"
            for k in range(len(used))
        ]
    used["text"] = [t if n >= 5 else None for t, n in zip(text, used.n_accounts, strict=True)]
    filler = used.n_events * 0.8
    return used.rename(columns={"entity": "template_id"}).assign(
        family_id=None, n_distinct_fillers=filler.astype(int), slot_entropy=np.log2(filler + 2), mean_slot_chars=41.5
    )
