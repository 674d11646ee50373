"""A small scene for the evidence: a pool with an inner ring, a ring of its own, and strangers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.link_types import LinkType
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.stages.evidence import Evidence, make
from tests.support.frames import PlainBench, frame

START = datetime(2026, 5, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=30))
FAMILY = {"ip": "network", "payment": "payment", "template": "text", "device_id": "device"}
DEVICE = LinkType("device_id", "events", "device_id", "device")
POOL, INNER, RING = 0, 1, 2
NAMES = {POOL: "R-POOL", INNER: "R-INNER", RING: "R-RING"}


@dataclass
class Request:
    """One request as the clean tables have it."""

    account: str
    at: datetime
    ip: str | None = None
    template: str | None = None
    device: str | None = None
    number: str | None = None


@dataclass
class Scene:
    """What goes in."""

    groups: dict[int, list[str]] = field(
        default_factory=lambda: {
            POOL: [f"p{i}" for i in range(8)],
            INNER: [f"p{i}" for i in range(4)],
            RING: [f"r{i}" for i in range(6)],
        }
    )
    requests: list[Request] = field(default_factory=list)
    cards: dict[str, str] = field(default_factory=dict)
    strangers: int = 40
    membership: dict[str, float] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=lambda: {INNER: POOL})
    scores: dict[int, float] = field(default_factory=lambda: {POOL: 0.1, INNER: 0.4, RING: 0.95})

    def evidence(self, folder: Path, parts: int = 2) -> Evidence:
        """Run the stage."""
        seen = self._seen()
        entities = _entities(seen)
        kept = entities.loc[entities["n_accounts"] >= 2, ["entity_type", "entity", "bits"]]
        incidence = (
            seen.groupby(["account_id", "entity_type", "entity"], sort=True)
            .agg(
                n_events=("n_events", "sum"),
                n_days=("day", "nunique"),
                first_seen=("first_seen", "min"),
                last_seen=("last_seen", "max"),
            )
            .reset_index()
            .merge(kept, on=["entity_type", "entity"])
        )
        accounts = sorted({a for g in self.groups.values() for a in g} | {f"s{i}" for i in range(self.strangers)})
        candidates = [
            {
                "candidate": c,
                "parent": self.parents.get(c),
                "score": self.scores[c],
                "q_value": 0.01,
                "stability": 0.9,
                "kind": "reseller_pool" if c in self.parents.values() else "coordinated",
            }
            for c in self.groups
        ]
        members = [
            {"candidate": c, "account_id": a, "membership": self.membership.get(a, 0.9)}
            for c, g in self.groups.items()
            for a in g
        ]
        return make(
            frame("ring_ids", [{"candidate": c, "ring_id": NAMES[c]} for c in self.groups]),
            frame("candidates", candidates),
            frame("candidate_members", members),
            frame(
                "candidate_parts",
                [{"candidate": c, "part": "start", "family": "start", "bits": -3.0} for c in self.groups],
            ),
            frame(
                "candidate_explanations", [{"candidate": c, "kind": "unclear", "probability": 1.0} for c in self.groups]
            ),
            incidence,
            entities,
            self._parts(folder, "sightings", seen.to_dict("records"), parts),
            self._parts(folder, "account_hours", self._hours(), parts),
            frame("account_traits", [self._traits(a) for a in accounts]),
            self._parts(folder, "clean_events", self._events(), parts, by_account=False),
            self._parts(folder, "template_events", self._template_events(), parts, by_account=False),
            settings=Settings(link_types=(DEVICE,)),
            period=PERIOD,
            bench=PlainBench(str(folder)),
        )

    def _seen(self) -> pd.DataFrame:
        rows: list[dict[str, Any]] = []
        for r in self.requests:
            for kind, value in (("ip", r.ip), ("template", r.template), ("device_id", r.device)):
                if value is not None:
                    rows.append(
                        {
                            "account_id": r.account,
                            "entity_type": kind,
                            "entity": value,
                            "day": r.at.date(),
                            "n_events": 1,
                            "active_hours": 1 << r.at.hour,
                            "first_seen": r.at,
                            "last_seen": r.at,
                        }
                    )
        for account, card in self.cards.items():
            rows.append(
                {
                    "account_id": account,
                    "entity_type": "payment",
                    "entity": card,
                    "day": START.date(),
                    "n_events": 0,
                    "active_hours": 0,
                    "first_seen": START,
                    "last_seen": START,
                }
            )
        table = frame("sightings", rows)
        keys = ["account_id", "entity_type", "entity", "day"]
        return (
            table.groupby(keys, sort=True)
            .agg(
                n_events=("n_events", "sum"),
                active_hours=("active_hours", "max"),
                first_seen=("first_seen", "min"),
                last_seen=("last_seen", "max"),
            )
            .reset_index()
        )

    def _hours(self) -> list[dict[str, Any]]:
        counts: dict[tuple[str, datetime], int] = {}
        for r in self.requests:
            key = (r.account, r.at.replace(minute=0, second=0, microsecond=0))
            counts[key] = counts.get(key, 0) + 1
        return [{"account_id": a, "hour": h, "n_events": n} for (a, h), n in sorted(counts.items())]

    def _traits(self, account: str) -> dict[str, Any]:
        mine = [r.at for r in self.requests if r.account == account]
        seen = {"first_seen": min(mine), "last_seen": max(mine)} if mine else {}
        paid = {"first_paid": START} if account in self.cards else {}
        return {"account_id": account, "n_events": len(mine), "status": "active", **seen, **paid}

    def _events(self) -> list[dict[str, Any]]:
        return [
            {
                "account_id": r.account,
                "timestamp": r.at,
                "ip": r.ip,
                "request_id": r.number,
                "device_id": r.device,
                "source": 0,
                "row": i,
            }
            for i, r in enumerate(self.requests)
        ]

    def _template_events(self) -> list[dict[str, Any]]:
        return [
            {"account_id": r.account, "timestamp": r.at, "template_id": r.template, "request_id": r.number}
            for r in self.requests
        ]

    def _parts(
        self, folder: Path, table: str, rows: list[dict[str, Any]], parts: int, by_account: bool = True
    ) -> list[str]:
        extra: dict[str, Any] = {"device_id": "string"} if table == "clean_events" else {}
        schema = arrow_schema(TABLES[table], extra)
        paths = []
        for number in range(parts):
            mine = [
                r for i, r in enumerate(rows) if (sum(r["account_id"].encode()) if by_account else i) % parts == number
            ]
            path = folder / f"{table}-{parts}-{number}.parquet"
            pq.write_table(
                pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in mine], schema=schema), path
            )
            paths.append(str(path))
        return paths


def _entities(seen: pd.DataFrame) -> pd.DataFrame:
    counts = seen.groupby(["entity_type", "entity"], sort=True)["account_id"].nunique().reset_index(name="n")
    return frame(
        "entities",
        [
            {
                "entity_type": k,
                "entity": e,
                "class": "office" if k == "ip" else "declared",
                "family": FAMILY[k],
                "n_accounts": int(n),
                "counts": 1.0,
                "bits": max(0.0, 9.0 - 1.2 * int(n) ** 0.5),
            }
            for k, e, n in counts.itertuples(index=False)
        ],
    )


def rich() -> Scene:
    """The scene that most tests use: shared addresses, cards, templates and devices, and strangers on one address."""
    scene = Scene()
    number = 0
    for day in range(3):
        for hour in (9, 9, 14):
            for group, ip, template in (
                (POOL, "198.51.100.1", None),
                (INNER, None, "tpl-i"),
                (RING, "198.51.100.2", "tpl-r"),
            ):
                for place, account in enumerate(scene.groups[group]):
                    at = START + timedelta(days=day, hours=hour, minutes=number % 60)
                    device = f"dev-{place // 3}" if group == RING else None
                    scene.requests.append(Request(account, at, ip, template, device, f"q{number:04d}"))
                    number += 1
    for i in range(20):
        scene.requests.append(Request(f"s{i}", START + timedelta(hours=i), "198.51.100.1", None, None, f"x{i}"))
    scene.cards = {"r0": "card-1", "r1": "card-1", "r2": "card-1", "p0": "card-2", "p5": "card-2", "s1": "card-3"}
    return scene
