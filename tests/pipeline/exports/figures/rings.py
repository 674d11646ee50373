"""Tables of one ring of any size, and of runs with any number of rings, for figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.exports.figures.sheet import Frame
from pipeline.link_types import BUILT_IN, LinkType

SINCE, UNTIL = pd.Timestamp("2026-04-22", tz="UTC"), pd.Timestamp("2026-06-06", tz="UTC")
TYPES = (*BUILT_IN, LinkType("device_id", "events", "device_id", "device"))
PARTS = (
    ("start", "start", None, None, -9.0),
    ("shared_cards", "payment", 3.0, 0.2, 6.2),
    ("shared_template", "text", 0.92, 0.3, 4.1),
    ("same_hours", "time", 0.71, 0.12, 2.4),
    ("old_accounts", "age", 34.0, 410.0, -1.3),
)


def frame(days: int = 45) -> Frame:
    """What the figures of a document share."""
    return Frame("2026-06-06-0123abcd", SINCE, SINCE + pd.Timedelta(days, "D"), types=TYPES)


class Ring:
    """One made-up ring: `row` of rings and its rows of the other tables."""

    def __init__(self, size: int, *, things: int = 9, seed: int = 0, days: int = 45) -> None:
        dice = np.random.default_rng(seed)
        self.accounts = [f"acct-{i:06d}" for i in range(size)]
        membership = np.where(dice.random(size) < 0.9, 0.9, 0.3)
        first = SINCE + pd.to_timedelta(dice.integers(0, max(days // 2, 1), size), "D") + pd.Timedelta(5, "h")
        last = SINCE + pd.to_timedelta(dice.integers(days // 2, days, size), "D") + pd.Timedelta(9, "h")
        self.members = pd.DataFrame(
            {
                "ring_id": "R-1042",
                "account_id": self.accounts,
                "membership": membership,
                "n_events": 40,
                "first_seen": first,
                "last_seen": last,
                "created_at": first,
                "status": "active",
                "payer_days": 10.0,
            }
        )
        kinds = [TYPES[i % len(TYPES)].name for i in range(things)]
        have = dice.random((size, things)) < dice.uniform(0.15, 0.9, things)
        have[: min(2, size)] = True
        self.evidence = pd.DataFrame(
            {
                "ring_id": "R-1042",
                "entity_type": kinds,
                "entity": [f"value-{i}" for i in range(things)],
                "class": "private",
                "n_accounts_in_ring": have.sum(axis=0),
                "n_accounts_total": have.sum(axis=0) + np.arange(things) % 3,
                "bits": 12.0 - np.arange(things),
                "bits_counted": 12.0 - np.arange(things),
                "first_seen": SINCE,
                "last_seen": UNTIL,
            }
        )
        self.evidence["bits"] = self.evidence["bits"].clip(lower=0.6)
        who, what = np.nonzero(have)
        self.incidence = pd.DataFrame(
            {
                "account_id": [self.accounts[i] for i in who],
                "entity_type": [kinds[j] for j in what],
                "entity": [f"value-{j}" for j in what],
                "bits": 12.0 - what,
                "n_events": 3,
                "ring_id": "R-1042",
            }
        )
        places = dice.uniform(-1, 1, (size + things, 2))
        self.layout = pd.DataFrame(
            {
                "ring_id": "R-1042",
                "vertex_type": ["account"] * size + kinds,
                "vertex": self.accounts + [f"value-{j}" for j in range(things)],
                "x": places[:, 0],
                "y": places[:, 1],
            }
        )
        self.groups = self._groups(have[:, :12], kinds, membership)
        hours = pd.date_range(SINCE + pd.Timedelta(8, "h"), periods=days, freq="D")
        active = np.maximum(1, (size * dice.uniform(0.3, 0.9, days)).astype(int))
        self.hours = pd.DataFrame({"ring_id": "R-1042", "hour": hours, "n_accounts": active, "n_events": active * 7})
        self.parts = pd.DataFrame(
            [("R-1042", n, f, v, "share", r, b) for n, f, v, r, b in PARTS],
            columns=["ring_id", "part", "family", "value", "unit", "reference", "bits"],
        )
        self.row = pd.Series(
            {
                "ring_id": "R-1042",
                "parent_ring_id": None,
                "size": size,
                "n_events": int(self.hours.n_events.sum()),
                "first_seen": first.min() if size else SINCE,
                "last_seen": last.max() if size else UNTIL,
                "score": 0.84,
                "score_bits": 2.4,
                "flagged": True,
                "kind": "coordinated",
                "q_value": 0.01,
                "stability": 0.9,
                "operator": None,
                "operator_probability": 0.3,
                "operator_id": "UNATTRIBUTED-7F3A",
                "confidence": "moderate",
            }
        )

    def _groups(self, have: np.ndarray, kinds: list[str], membership: np.ndarray) -> pd.DataFrame:
        names = [f"{k}:value-{j}" for j, k in enumerate(kinds[: have.shape[1]])]
        sets = pd.Series([tuple(n for n, h in zip(names, row, strict=True) if h) for row in have])
        counted = (
            pd.DataFrame({"entities": sets, "core": membership >= 0.5}).groupby("entities").core.agg(["size", "sum"])
        )
        counted = counted.reset_index().sort_values(["size", "entities"], ascending=[False, True], ignore_index=True)
        top, rest = counted.head(12), counted.iloc[12:]
        rows = [(list(e), int(n), int(c)) for e, n, c in top.itertuples(index=False)]
        if len(rest):
            rows.append(([], int(rest["size"].sum()), int(rest["sum"].sum())))
        return pd.DataFrame(
            [("R-1042", i + 1, *r) for i, r in enumerate(rows)],
            columns=["ring_id", "rank", "entities", "n_accounts", "n_core"],
        )


def many(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`rings` and `ring_hours` of n rings, half of them flagged, four to an operator."""
    dice = np.random.default_rng(seed)
    score = dice.uniform(0.05, 0.99, n)
    start = SINCE + pd.to_timedelta(dice.integers(0, 20, n), "D")
    rings = pd.DataFrame(
        {
            "ring_id": [f"R-{i:04d}" for i in range(n)],
            "size": dice.integers(3, 900, n),
            "n_events": dice.integers(10, 10**6, n),
            "first_seen": start,
            "last_seen": start + pd.Timedelta(20, "D"),
            "score": score,
            "score_bits": np.log2(score / (1 - score)),
            "flagged": score >= 0.7,
            "kind": np.where(score >= 0.5, "coordinated", "organization"),
            "operator": None,
            "operator_id": [f"UNATTRIBUTED-{i // 4:04X}" for i in range(n)],
            "operator_probability": 0.2,
            "parent_ring_id": None,
        }
    )
    hours = pd.DataFrame(
        {
            "ring_id": np.repeat(rings.ring_id.to_numpy(), 5),
            "hour": start.repeat(5) + pd.to_timedelta(np.tile(np.arange(5), n), "D"),
            "n_accounts": 3,
            "n_events": dice.integers(1, 10**5, 5 * n),
        }
    )
    hours["hour"] = pd.to_datetime(hours["hour"], utc=True)
    return rings, hours
