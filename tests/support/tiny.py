"""The tiny world: two rings, a carrier NAT, a campus, a household and some lone people, in a few thousand requests.

Everything is drawn from one seed, and the truth is known. Small enough for a run of the whole line in a test.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

START = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = 12
FRAMES = (
    "Work through the following {topic} exercise step by step and show every stage of your reasoning: {filler}",
    "You are grading answers about {topic}. Compare the replies below and explain which is better. {filler}",
)
TOPICS = ("algebra", "contract law", "chemistry", "network security", "medieval history", "statistics")
WORDS = (
    "river", "stone", "copper", "ladder", "window", "morning", "harvest", "engine", "silver", "paper", "garden",
    "bridge", "thunder", "winter", "market", "lantern", "candle", "forest", "mirror", "ocean", "pencil", "rocket",
    "saddle", "tunnel", "velvet", "whistle", "yellow", "zipper", "anchor", "basket",
)  # fmt: skip


@dataclass(frozen=True)
class Tiny:
    """The input tables as frames, and the truth."""

    events: pd.DataFrame
    payments: pd.DataFrame
    accounts: pd.DataFrame
    indicators: pd.DataFrame
    truth: pd.DataFrame


def tiny_world(seed: int = 0, *, rings: int = 2, ring_size: int = 8, lone: int = 60) -> Tiny:
    """Draw the tiny world."""
    dice = random.Random(seed)
    accounts: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    truth: list[dict[str, Any]] = []

    def account(ring: int | None, population: str) -> str:
        name = f"acct-{dice.getrandbits(48):012x}"
        created = START - timedelta(days=dice.randint(1, 20) if ring is not None else dice.randint(5, 900))
        accounts.append({"account_id": name, "created_at": created, "status": "active", "plan": "pro"})
        truth.append({
            "account_id": name, "ring_id": None if ring is None else f"ring-{ring}",
            "operator": None if ring is None else ("Alder", "Birch", "Cedar")[ring % 3], "population": population,
        })  # fmt: skip
        return name

    def prompt(frame: str | None) -> str:
        filler = " ".join(dice.choices(WORDS, k=dice.randint(12, 30)))
        if frame is None:
            return f"{filler} about {dice.choice(TOPICS)}"
        return frame.format(topic=dice.choice(TOPICS), filler=filler)

    def request(who: str, ip: str, text: str, *, hour: int | None = None) -> None:
        day = dice.randrange(DAYS)
        moment = START + timedelta(
            days=day, hours=dice.randrange(24) if hour is None else hour, seconds=dice.randrange(3600)
        )
        events.append({
            "request_id": f"req-{dice.getrandbits(60):015x}", "timestamp": moment, "account_id": who, "ip": ip,
            "prompt": text, "model": "large", "user_agent": f"client/{dice.randint(1, 3)}",
            "input_tokens": len(text) // 4, "output_tokens": dice.randint(20, 900),
            "device_id": f"dev-{who[-4:]}" if "ring" not in ip else "dev-shared",
        })  # fmt: skip

    def pay(who: str, card: str) -> None:
        payments.append({"account_id": who, "payment_fingerprint": card,
                         "timestamp": START + timedelta(days=dice.randrange(DAYS))})  # fmt: skip

    for ring in range(rings):
        addresses = [f"203.0.113.{10 * ring + i}" for i in range(4)]
        cards = [f"card-{dice.getrandbits(40):010x}" for _ in range(2)]
        for _ in range(ring_size):
            who = account(ring, "ring")
            pay(who, dice.choice(cards))
            for _ in range(40):
                request(who, dice.choice(addresses), prompt(FRAMES[ring % len(FRAMES)]))
    for crowd, size, addresses in (("carrier", 25, 2), ("campus", 15, 1), ("household", 3, 1)):
        shared = [f"198.51.{len(crowd)}.{i + 1}" for i in range(addresses)]
        card = f"card-{dice.getrandbits(40):010x}"
        for _ in range(size):
            who = account(None, crowd)
            pay(who, card if crowd == "household" else f"card-{dice.getrandbits(40):010x}")
            for _ in range(dice.randint(5, 20)):
                request(who, dice.choice(shared), prompt(None), hour=dice.randint(8, 22))
    for number in range(lone):
        who = account(None, "lone")
        pay(who, f"card-{dice.getrandbits(40):010x}")
        for _ in range(dice.randint(5, 20)):
            request(who, f"192.0.2.{number + 1}", prompt(None), hour=dice.randint(8, 22))
    indicators = [
        {"operator": "Alder", "entity_type": "cidr", "value": "203.0.113.0/29", "confidence": 0.9, "source": "peer"},
        {"operator": "Alder", "entity_type": "payment", "value": payments[0]["payment_fingerprint"],
         "confidence": 0.8, "source": "processor"},
    ]  # fmt: skip
    return Tiny(
        _frame(events, "timestamp"), _frame(payments, "timestamp"), _frame(accounts, "created_at"),
        pd.DataFrame(indicators), pd.DataFrame(truth).sort_values("account_id", ignore_index=True),
    )  # fmt: skip


def _frame(rows: list[dict[str, Any]], time: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    frame[time] = pd.to_datetime(frame[time], utc=True).dt.as_unit("us")
    return frame.sort_values([time, "account_id"], ignore_index=True)


def write_tiny(world: Tiny, to: Path, *, form: str = "parquet", files: int = 1, shuffle: int | None = None) -> Path:
    """Write the input tables as `form` (parquet, csv, jsonl), events in `files` files, rows shuffled where asked."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("events", "payments", "accounts", "indicators"):
        frame: pd.DataFrame = getattr(world, name)
        if shuffle is not None:
            frame = frame.sample(frac=1, random_state=shuffle).reset_index(drop=True)
        if name == "events" and files > 1:
            for number in range(files):
                _write(frame.iloc[number::files], to / "events" / f"part-{number}", form)
        else:
            _write(frame, to / name, form)
    world.truth.to_parquet(to / "truth.parquet", index=False)
    return to


def _write(frame: pd.DataFrame, stem: Path, form: str) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    path = stem.with_name(f"{stem.name}.{form}")
    if form == "parquet":
        frame.to_parquet(path, index=False)
    elif form == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True, date_format="iso", date_unit="us")
