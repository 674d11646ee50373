"""One cell: a method with its knobs on one world. Kept as JSON by a digest of all that it depends on, so that the
bench goes on where it stopped and a new model makes only our own cells anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.accused import MEMBERSHIP
from pipeline.evaluate import MAJORITY, against_truth, share
from pipeline.naming import named_hypotheses
from pipeline.run.measure import measured
from tests.benchmarks.detection.attributable import attributable
from tests.benchmarks.detection.ground import RULES, Ground, load, prepare
from tests.benchmarks.detection.methods import METHODS
from tests.benchmarks.detection.ours import OURS, VARIANTS, answer
from tests.benchmarks.detection.points import Point
from tests.benchmarks.digest import digest_of

Cell = dict[str, Any]

_SHARED = ("input", "templates", "entities", "incidence", "window", "link_types")  # what the ground depends on


class Bench:
    """Cells of one cache folder; the ground of the world last asked for is kept at hand."""

    def __init__(self, cache: Path) -> None:
        """`cache`: folder of worlds and cells."""
        self.cache = cache
        self._at: tuple[str, Ground] | None = None
        (cache / "cells").mkdir(parents=True, exist_ok=True)

    def cell(self, point: Point, name: str, knobs: Mapping[str, Any] | None = None) -> Cell:
        """Figures of a method (one of METHODS, or a variant of ours) at a point."""
        path = self.place(point, name, knobs or {})
        if path.exists():
            found: Cell = json.loads(path.read_text())
            return found
        made = self._make(point, name, knobs or {})
        path.write_text(json.dumps(plain(made), sort_keys=True, indent=1) + "\n")
        found = json.loads(path.read_text())
        return found

    def place(self, point: Point, name: str, knobs: Mapping[str, Any]) -> Path:
        """File of a cell."""
        depends = ("settings", "model") if name in VARIANTS else _SHARED
        values = [point.mark, name, sorted(knobs.items()), digest_of(depends, RULES)]
        mark = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:20]
        return self.cache / "cells" / f"{name.replace(' ', '-')}-{point.seed}-{mark}.json"

    def forget(self, point: Point) -> None:
        """Remove what was carried on of a point's world."""
        shutil.rmtree(self.cache / "scratch" / point.mark, ignore_errors=True)

    def _make(self, point: Point, name: str, knobs: Mapping[str, Any]) -> Cell:
        kept = prepare(point, self.cache)
        truth = pd.read_parquet(kept / "truth.parquet")
        if name in VARIANTS:
            done = answer(kept, VARIANTS[name], self.cache / "scratch" / point.mark)
            tables, seconds, peak = done.tables, done.seconds, done.peak_memory
        else:
            ground = self._ground(kept)
            with measured() as cost:
                found = METHODS[name](ground, knobs)
            tables, seconds, peak = found.tables(ground.names), cost.seconds, cost.peak_memory
        return {
            "method": name, "knobs": dict(knobs), "factor": point.factor, "level": point.level, "seed": point.seed,
            "shared_seconds": float((kept / "done").read_text()), "seconds": seconds, "peak_memory": peak,
            "figures": against_truth(tables, truth), "countries": by_country(tables, truth, kept),
            "innocent_rings": innocent_rings(tables, truth), **_claims(name, tables, truth),
        }  # fmt: skip

    def _ground(self, kept: Path) -> Ground:
        if self._at is None or self._at[0] != kept.name:
            self._at = (kept.name, load(kept))
        return self._at[1]


def _claims(name: str, tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> dict[str, Any]:
    """What our whole line claims with a probability, and whether it holds: rings, and operators' names."""
    if name != OURS.name:
        return {}
    rings = tables["rings"].merge(true_operators(tables["members"], truth), on="ring_id", how="left")
    named = named_hypotheses(tables["attribution"]).merge(rings[["ring_id", "true_operator"]], on="ring_id")
    flagged = rings[rings["flagged"].astype(bool) & rings["true_operator"].notna()]
    nameable = flagged[attributable(tables["touched"], flagged)]
    return {
        "attributable": share(int((nameable["operator"] == nameable["true_operator"]).sum()), len(nameable)),
        "ring_claims": _pairs(rings["score"], rings["true_operator"].notna()),
        "name_claims": _pairs(named["probability"], named["operator"] == named["true_operator"]),
    }


def _pairs(said: pd.Series, holds: pd.Series) -> list[list[Any]]:
    return [[round(float(p), 6), bool(h)] for p, h in zip(said, holds, strict=True)]


def true_operators(members: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Rings of which one operator runs half of the sure members or more: ring_id, true_operator."""
    sure = members[members["membership"] >= MEMBERSHIP].merge(truth[["account_id", "operator"]], on="account_id")
    sure = sure.assign(size=sure.groupby("ring_id")["account_id"].transform("size"))
    known = sure.dropna(subset=["operator"]).groupby(["ring_id", "operator"])
    counts = known["size"].agg(["size", "first"]).reset_index()
    counts = counts.sort_values(["ring_id", "size", "operator"], ascending=[True, False, True])
    best = counts.drop_duplicates("ring_id")
    best = best[best["size"] >= MAJORITY * best["first"]]
    return best.rename(columns={"operator": "true_operator"})[["ring_id", "true_operator"]]


def accused(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Accused accounts with their ring."""
    flagged = tables["rings"].loc[tables["rings"]["flagged"].astype(bool), ["ring_id"]]
    members = tables["members"].merge(flagged, on="ring_id")
    return members[members["membership"] >= MEMBERSHIP][["ring_id", "account_id"]]


def by_country(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame, kept: Path) -> list[dict[str, Any]]:
    """Innocent accounts of each country, and how many of them are accused."""
    accounts = pd.read_parquet(kept / "accounts.parquet", columns=["account_id", "country"])
    innocent = truth.loc[truth["ring_id"].isna(), ["account_id"]].merge(accounts, on="account_id")
    hit = innocent["account_id"].isin(accused(tables)["account_id"])
    counts = hit.groupby(innocent["country"]).agg(["sum", "size"])
    return [
        {"country": str(c), "wrong": share(int(a), int(n))}
        for c, a, n in zip(counts.index, counts["sum"], counts["size"], strict=True)
    ]


def innocent_rings(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> int:
    """Flagged rings most of whose accused accounts are innocent."""
    members = accused(tables).merge(truth[["account_id", "ring_id"]], on="account_id", suffixes=("", "_true"))
    guilty = members["ring_id_true"].notna().groupby(members["ring_id"]).mean()
    return int((guilty < 0.5).sum())


def plain(value: Any) -> Any:
    """Values that JSON knows: not-a-number becomes null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def tune(bench: Bench, points: list[Point], name: str) -> dict[str, Any]:
    """The knobs with the best mean F1 over accounts on the tuning worlds; ties go to what was tried first."""
    method = METHODS[name]
    best: tuple[float, dict[str, Any]] = (-1.0, {})
    for knobs in method.choices():
        values = [bench.cell(p, name, knobs)["figures"]["accounts"]["f1"] or 0.0 for p in points]
        mean = sum(values) / len(values)
        if mean > best[0] + 1e-12:
            best = (mean, knobs)
    return best[1]
