"""What a made-up finished run says about its rings: sizes and kinds, the parts of a score, rivals, history."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.support.hostile import PAYLOADS

# size, kind, operator group (-1 none), index of the pool it lies in (-1 none), score
_RICH: tuple[tuple[int, str, int, int, float], ...] = (
    (453, "coordinated", 0, -1, 0.93),
    (64, "coordinated", 0, -1, 0.81),
    (1500, "coordinated", 1, -1, 0.97),
    (41, "organization", -1, -1, 0.22),
    (27, "coordinated", 1, -1, 0.88),
    (12, "coordinated", 2, -1, 0.74),
    (230, "reseller_pool", -1, -1, 0.31),
    (18, "coordinated", 2, 6, 0.79),
    (33, "shared_network", -1, -1, 0.11),
    (9, "unclear", -1, -1, 0.46),
    (5, "coordinated", -1, -1, 0.58),
    (3, "coordinated", -1, -1, 0.71),
)
_OPERATORS = ("Alder", "", "Birch", "", "", "Cedar", "", "")
_EXPLAINED = ("coordinated", "reseller_pool", "organization", "shared_network", "unclear")
BIG_RING = 25_104


def plan_rings(rings: int, *, big: bool, grown: bool, noise: Callable[..., np.ndarray]) -> pd.DataFrame:
    """One row a ring: ring (index), ring_id, size, kind, operator_group, pool, score."""
    number = np.arange(rings)
    draw, second = noise(number), noise(number + 10**7)
    rows = []
    for r in range(rings):
        size, kind, group, pool, score = _RICH[r % len(_RICH)]
        if r >= len(_RICH):
            mean = 95 if big else 25
            size = min(2000, 3 + int(-np.log1p(-draw[r]) * mean))
            group = r // 5 if group >= 0 else -1
            pool = r - 1 if pool >= 0 else -1
            score = float(np.clip(score + (second[r] - 0.5) * 0.2, 0.05, 0.995))
        if big and r == 0:
            size = BIG_RING
        if grown and r % 3 == 0:
            size += 1 + size // 10
        rows.append((r, f"R-{r + 1:04d}", size, kind, group, pool, score))
    plan = pd.DataFrame(rows, columns=["ring", "ring_id", "size", "kind", "operator_group", "pool", "score"])
    pool_kind = plan.kind.reindex(plan.pool.clip(lower=0)).to_numpy()
    plan["pool"] = np.where(plan.pool.ge(0) & (pool_kind == "reseller_pool"), plan.pool, -1)
    plan["newborn"] = grown & plan.ring.eq(rings - 1)
    plan["grown"] = grown & plan.ring.mod(3).eq(0) & ~plan.newborn
    return plan


def judgement(plan: pd.DataFrame, *, hostile: bool) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """score_parts, explanations, attribution, and the judged columns of rings."""
    odds = np.log2(plan.score / (1 - plan.score))
    parts = _parts(plan, odds.to_numpy())
    bits = parts.groupby("ring_id").bits.sum()
    attribution = _attribution(plan, hostile)
    best = attribution[attribution["rank"].eq(1)].set_index("ring_id")
    named = attribution[~attribution.operator.isin(["unknown", "shared_vendor", "false_flag"])]
    likely = named.groupby("ring_id").probability.max()
    rings = plan[["ring_id", "score", "kind"]].copy()
    rings["score_bits"] = bits.reindex(plan.ring_id).to_numpy()
    rings["parent_ring_id"] = [f"R-{p + 1:04d}" if p >= 0 else None for p in plan.pool]
    coordinated = plan.kind.eq("coordinated").to_numpy()
    rings["q_value"] = np.where(coordinated, 0.01, 0.2)
    rings["stability"] = (0.7 + 0.29 * plan.score).round(3)
    rings["suppressed_by"] = None
    rings["flagged"] = coordinated & plan.score.ge(0.7).to_numpy()
    top, sure = best.operator.reindex(plan.ring_id).to_numpy(), best.probability.reindex(plan.ring_id).to_numpy()
    name = np.where(
        (sure >= 0.8) & np.array([t not in ("unknown", "shared_vendor", "false_flag") for t in top]), top, None
    )
    rings["operator"] = name
    rings["operator_probability"] = likely.reindex(plan.ring_id).to_numpy()
    rings["operator_id"] = [
        (n or f"UNATTRIBUTED-{(0x7F3A + 7 * (g if g >= 0 else 500 + r)) & 0xFFFF:04X}") if c else None
        for n, g, r, c in zip(name, plan.operator_group, plan.ring, coordinated, strict=True)
    ]
    rings["confidence"] = np.where(plan["size"] > 100, "high", np.where(plan["size"] > 10, "moderate", "low"))
    rings["reason"] = [_reason(int(s), k) for s, k in zip(plan["size"], plan.kind, strict=True)]
    return parts, _explanations(plan), attribution, rings


def _parts(plan: pd.DataFrame, target: np.ndarray) -> pd.DataFrame:
    fixed = (
        ("start", "start", None, None, None, -9.0),
        ("shared cards", "payment", 3.0, "entities", 0.2, 6.2),
        ("shared template", "text", 0.92, "share", 0.3, 4.1),
        ("same hours", "time", 0.71, "share", 0.12, 2.4),
        ("old accounts", "age", 34.0, "days", 410.0, -1.3),
        ("same client", "client", None, "share", None, 0.0),
    )
    rows = []
    for ring_id, aim in zip(plan.ring_id, target, strict=True):
        rows += [(ring_id, *part) for part in fixed]
        rest = float(aim) - sum(part[5] for part in fixed)
        rows.append((ring_id, "shared addresses", "network", 8.0, "entities", 2.0, rest))
    return pd.DataFrame(rows, columns=["ring_id", "part", "family", "value", "unit", "reference", "bits"])


def _explanations(plan: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for ring_id, kind, score in zip(plan.ring_id, plan.kind, plan.score, strict=True):
        rest = 1 - score
        for other in _EXPLAINED:
            if other == "coordinated":
                share = score
            elif kind == "coordinated":
                share = rest / 4
            else:
                share = rest * (0.7 if other == kind else 0.1)
            rows.append((ring_id, other, share))
    return pd.DataFrame(rows, columns=["ring_id", "kind", "probability"])


def _attribution(plan: pd.DataFrame, hostile: bool) -> pd.DataFrame:
    rows = []
    for ring_id, group in zip(plan.ring_id, plan.operator_group, strict=True):
        name = _OPERATORS[group % len(_OPERATORS)] if group >= 0 else ""
        if name and hostile:
            name = f"{name} {PAYLOADS[group % len(PAYLOADS)]}"
        guesses = (
            [(name, 0.86, 7.1), ("unknown", 0.08, 0.0), ("false_flag", 0.04, -1.0), ("shared_vendor", 0.02, -2.0)]
            if name
            else [
                ("unknown", 0.55, 0.0),
                ("Alder", 0.35, 2.3),
                ("false_flag", 0.06, -1.0),
                ("shared_vendor", 0.04, -2.0),
            ]
        )
        rows += [(ring_id, *guess, rank + 1) for rank, guess in enumerate(guesses)]
    return pd.DataFrame(rows, columns=["ring_id", "operator", "probability", "bits", "rank"])


def _reason(size: int, kind: str) -> str:
    said = {
        "coordinated": f"{size:,} accounts share rare cards and a private template "
        "and start and stop within the same hours.",
        "reseller_pool": f"{size:,} accounts of mixed customers pay through one card and use it at all hours.",
        "organization": f"{size:,} accounts work from two offices in office hours and share one payer.",
        "shared_network": f"{size:,} accounts come from one carrier network and share nothing else.",
        "unclear": f"{size:,} accounts share one address and one template; nothing else was seen.",
    }
    return said[kind]


def history(plan: pd.DataFrame, run_id: str, previous: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ring_history and ring_registry: everything is born in a first run; the next one tells what grew."""
    if previous is None:
        told = pd.DataFrame({"ring_id": plan.ring_id, "previous_ring_id": None, "change": "born", "jaccard": None})
    else:
        change = np.where(plan.newborn, "born", np.where(plan.grown, "grew", "continued"))
        overlap = np.where(plan.newborn, None, np.where(plan.grown, 0.9, 1.0))
        told = pd.DataFrame(
            {
                "ring_id": plan.ring_id,
                "previous_ring_id": plan.ring_id.where(~plan.newborn, None),
                "change": change,
                "jaccard": overlap,
            }
        )
        gone = pd.DataFrame([{"ring_id": "R-9999", "previous_ring_id": "R-9999", "change": "gone", "jaccard": 0.0}])
        told = pd.concat([told, gone], ignore_index=True)
    told["jaccard"] = told.jaccard.astype("float64")
    first = np.where(plan.newborn | (previous is None), run_id, previous)
    registry = pd.DataFrame({"ring_id": plan.ring_id, "first_run": first, "last_run": run_id, "state": "active"})
    if previous is not None:
        row = {"ring_id": "R-9999", "first_run": previous, "last_run": previous, "state": "gone"}
        registry = pd.concat([registry, pd.DataFrame([row])], ignore_index=True)
    return told, registry.assign(pinned_name=None, accounts=None, entities=None)
