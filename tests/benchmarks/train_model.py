"""Train the scoring model on synthetic worlds: `python -m tests.benchmarks.train_model [--worlds N] [--cache DIR]`.

Three disjoint sets of worlds, of other seeds and other generator settings: the shapes are fitted on the first, the
calibration on the second; the third is for reporting only and is never read here. Each world is cached as a graph, so
that the script goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import Platt, fit_additive, fit_platt
from graphs.forest import Forest
from graphs.ties import Groups
from pipeline.judging import choose_groups
from pipeline.measures.catalogue import MEASURES, NAMES
from pipeline.plan import STAGES
from pipeline.run import Request, carry_out, one_stage
from pipeline.schemas import TABLES
from pipeline.scoring_model import SHIPPED, read_model
from pipeline.settings import ExportsSettings, Settings
from pipeline.stages import behaviour, communities
from pipeline.worlds import WORLDS, World, build
from tests.benchmarks.grow import grow

Floats = npt.NDArray[np.float64]

KIND_OF = {
    "company": "organization", "remote_company": "organization", "agency": "organization", "campus": "organization",
    "startup": "organization", "evaluation_team": "organization", "ci_bot": "organization",
    "reseller": "reseller_pool", "hobby_pool": "reseller_pool", "residential": "shared_network",
    "mobile": "shared_network", "coworking": "shared_network", "vpn_user": "shared_network",
    "household": "shared_network", "family_card": "shared_network",
}  # fmt: skip


_INNOCENT_MASS = 3.0  # weight of all innocent groups against that of all guilty ones
_GROWING = {
    "max_iter": 150,
    "learning_rate": 0.06,
    "max_leaf_nodes": 12,
    "min_samples_leaf": 25,
    "l2_regularization": 1.0,
}


def training_worlds(n: int, prompts: bool) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds to fit on: variants of `mixed` and `confounders`, seed, and the tables left out of the input."""
    draw = np.random.default_rng(2026)
    for i in range(n):
        low = float(draw.uniform(0.0, 0.6))
        base = WORLDS["confounders"] if i % 4 == 3 else WORLDS["mixed"]
        yield (
            replace(
                base,
                n_accounts=int(draw.integers(3_000, 7_000)),
                prevalence=float(draw.uniform(0.03, 0.10)),
                evasion=(low, min(1.0, low + float(draw.uniform(0.2, 0.5)))),
                settings_shift=float(draw.uniform(-0.35, 0.1)),
                volume=float(draw.uniform(0.3, 0.7)),
                ring_volume=float(draw.uniform(0.5, 1.5)),
                ring_size=(5.0, float(draw.choice([40, 120, 400]))),
                days=int(draw.integers(18, 36)),
                prompts=prompts and i % 5 != 2,
                start=f"2025-{int(draw.integers(1, 12)):02d}-0{int(draw.integers(1, 9))}",
            ),
            1_000 + i,
            (("payments",), ("accounts",), ("ip_ranges",), ("payments", "accounts"))[i % 4] if i % 5 == 4 else (),
        )


def calibration_worlds(n: int, prompts: bool) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds to calibrate on: other seeds, settings shifted the other way, prevalence as on real platforms or above."""
    draw = np.random.default_rng(4052)
    for i in range(n):
        low = float(draw.uniform(0.0, 0.7))
        yield (
            replace(
                WORLDS["mixed"],
                n_accounts=int(draw.integers(6_000, 10_000)),
                prevalence=float(draw.choice([0.01, 0.02, 0.04])),
                evasion=(low, min(1.0, low + 0.3)),
                settings_shift=float(draw.uniform(0.05, 0.25)),
                volume=float(draw.uniform(0.35, 0.6)),
                ring_size=(5.0, 200.0),
                prompts=prompts,
            ),
            5_000 + i,
            (),
        )


@dataclass(frozen=True)
class _Bench:
    """A workbench that works here and now."""

    scratch: str
    workers: int = 1
    memory: int = 2 << 30

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], *, what: str) -> list[Any]:
        return [function(item) for item in items]


_KEPT = ("incidence_bits", "entities", "account_traits", "account_hours", "conversations")


def candidates(world: World, seed: int, without: tuple[str, ...], cache: Path) -> pd.DataFrame:
    """Candidate groups of one world with measures and truth: one row a group.

    What the line made of the world up to the graph is kept, so that search and measures can be changed and tried again.
    """
    mark = hashlib.sha256(f"{world}|{seed}|{without}".encode()).hexdigest()[:16]
    kept = cache / mark
    if not (kept / "done").exists():
        _prepare(world, seed, without, kept)
    return describe(kept, Settings())


def _prepare(world: World, seed: int, without: tuple[str, ...], kept: Path) -> None:
    """Carry a world through the line up to the graph and keep what the search and the measures read."""
    _remove(kept)
    place, output = kept / "world", kept / "output"
    build(world, place, seed=seed)
    for table in without:
        (place / f"{table}.parquet").unlink(missing_ok=True)
    settings = Settings(exports=ExportsSettings(make=False))
    begun = carry_out(Request(str(place), output=str(output), settings=settings), only_begin=True)
    for stage in STAGES[: [s.name for s in STAGES].index("incidence") + 1]:
        one_stage(stage.name, begun.run_id, output=str(output))
    working = output / ".unfinished" / begun.run_id / "working"
    for name in _KEPT:
        shutil.move(working / (name if TABLES[name].wide else f"{name}.parquet"), kept)
    shutil.move(place / "truth.parquet", kept)
    _remove(place)
    _remove(output)
    (kept / "done").touch()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def describe(kept: Path, settings: Settings) -> pd.DataFrame:
    """One row a candidate group: measures, guilty share, the ring and population it mostly is, weight, members."""
    table = {n: pd.read_parquet(kept / f"{n}.parquet") for n in _KEPT if not TABLES[n].wide}
    truth = pd.read_parquet(kept / "truth.parquet")
    found = communities.make(table["incidence_bits"], table["entities"], settings=settings)
    members, groups = found.communities, found.candidate_groups
    with tempfile.TemporaryDirectory() as scratch:
        measured = behaviour.make(
            members, groups, table["incidence_bits"], table["entities"], table["account_traits"],
            sorted(str(p) for p in (kept / "account_hours").glob("*.parquet")), table["conversations"],
            settings=settings, bench=_Bench(scratch),
        ).behaviour  # fmt: skip
    wide = measured.pivot(index="community", columns="measure", values="value").reindex(columns=list(NAMES))
    rows = members.merge(truth, on="account_id", how="left")
    rows["often"] = 1.0 / rows.groupby("account_id")["community"].transform("size")
    by = rows.groupby("community")
    out = groups.set_index("community").join(wide)
    out["guilty"] = by["ring_id"].apply(lambda s: s.notna().mean())
    out["ring"] = by["ring_id"].agg(_top)
    out["population"] = by["population"].agg(_top)
    out["weight"] = by["often"].mean()
    out["members"] = by["account_id"].apply(list)
    out["guilty_accounts"] = int(truth["ring_id"].notna().sum())
    return out.reset_index()


def _top(values: pd.Series) -> str | None:
    counted = values.dropna().value_counts()
    return None if counted.empty else str(sorted(counted[counted == counted.max()].index)[0])


def answers(table: pd.DataFrame) -> tuple[Floats, Floats]:
    """Truth and weight of each group: guilty from 0.8 on, innocent below 0.6; what lies between is not asked."""
    guilty = table["guilty"].to_numpy(float)
    y = (guilty >= 0.8).astype(float)
    asked = (guilty >= 0.8) | (guilty < 0.6)
    return y, np.where(asked, table["weight"].to_numpy(float), 0.0)


def fit(table: pd.DataFrame, **growing: Any) -> dict[str, Any]:
    """Trees over the measures, with the sign of each as a bound, and shapes of the rival explanations."""
    x = table[list(NAMES)].to_numpy(float)
    y, weight = answers(table)
    asked = weight > 0
    mass = np.where(y == 1, weight / weight[y == 1].sum(), _INNOCENT_MASS * weight / weight[(y == 0) & asked].sum())
    weight = mass * asked.sum() / mass[asked].sum()
    forest = grow(x[asked], y[asked], weight[asked], signs=[m.sign for m in MEASURES], **{**_GROWING, **growing})
    innocent = (table["guilty"] < 0.2).to_numpy()
    kind = table["population"].map(KIND_OF).fillna("unclear").to_numpy(object)
    rivals = {
        name: fit_additive(
            x[innocent], (kind[innocent] == name).astype(float), signs=[0] * len(NAMES), knots=4, l2=5.0,
            sample_weight=table["weight"].to_numpy(float)[innocent],
        ).to_dict()
        for name in ("organization", "reseller_pool", "shared_network", "unclear")
    }  # fmt: skip
    return {"measures": list(NAMES), "coordinated": forest.to_dict(), "rivals": rivals}


def chosen_of(table: pd.DataFrame, probability: Floats) -> npt.NDArray[np.int64]:
    """Groups of one world that stand when chosen by these probabilities, as the scores stage chooses."""
    names = {a: i for i, a in enumerate(sorted({a for m in table["members"] for a in m}))}
    group = np.repeat(np.arange(len(table)), table["size"].to_numpy())
    account = np.array([names[a] for m in table["members"] for a in m], dtype=np.int64)
    return choose_groups(Groups.from_arrays(group, account, len(table)), probability, table).group


def calibrate(model: dict[str, Any], worlds: list[pd.DataFrame], *, rounds: int = 4) -> dict[str, float]:
    """Slope and offset on groups that stand, in worlds which the shapes never saw.

    Which groups stand depends on the calibration, so both are settled in turn.
    """
    forest = Forest.from_dict(model["coordinated"])
    bits = [forest.score_bits(table[list(NAMES)].to_numpy(float)) for table in worlds]
    truth = [(table["guilty"].to_numpy(float) >= 0.8).astype(float) for table in worlds]
    line = Platt(1.0, -2.0)
    for _ in range(rounds):
        stand = [chosen_of(table, line(b)) for table, b in zip(worlds, bits, strict=True)]
        line = fit_platt(
            np.concatenate([b[s] for b, s in zip(bits, stand, strict=True)]),
            np.concatenate([t[s] for t, s in zip(truth, stand, strict=True)]),
        )
    return {"slope": line.slope, "offset": line.offset}


def main() -> None:
    """Fit, calibrate, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=24)
    parser.add_argument("--cache", type=Path, default=Path(".cache/training"))
    parser.add_argument("--to", type=Path, default=Path("pipeline") / SHIPPED)
    parser.add_argument("--no-prompts", action="store_true", help="template ids in place of text: faster, and blinder")
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    train = [_said(candidates(*w, given.cache), w) for w in training_worlds(given.worlds, not given.no_prompts)]
    held = [
        _said(candidates(*w, given.cache), w)
        for w in calibration_worlds(max(given.worlds // 3, 2), not given.no_prompts)
    ]
    model = fit(pd.concat(train, ignore_index=True))
    model["calibration"] = calibrate(model, held)
    model["trained_on"] = {"worlds": given.worlds, **_GROWING}
    given.to.write_text(json.dumps(model, sort_keys=True) + "\n")
    print(f"wrote {given.to}, digest {read_model(str(given.to)).digest[:12]}")


def _said(table: pd.DataFrame, world: tuple[World, int, tuple[str, ...]]) -> pd.DataFrame:
    guilty = (table["guilty"] >= 0.8).sum()
    print(f"seed {world[1]}: {len(table)} groups, {guilty} guilty, without {world[2]}", flush=True)
    return table.assign(seed=world[1])


if __name__ == "__main__":
    main()
