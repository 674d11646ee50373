"""Train the scoring model on synthetic worlds: `python -m tests.benchmarks.train_model [--worlds N] [--cache DIR]`.

Worlds of two kinds of settings are carried through the line up to the graph, each once. Whatever is learned from a
world is tried on others only: the affinity that shapes a world's groups comes from the other half of the worlds, and
the scores that the calibration is fitted on come from models that never saw the world. Worlds for reporting have other
seeds and settings and are never read here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import fit_additive
from graphs.forest import Forest
from pipeline.affinity import SIGNS, features_of, pairs_of
from pipeline.graph_tables import all_types, graph_tables
from pipeline.measures.catalogue import MEASURES, NAMES
from pipeline.plan import STAGES
from pipeline.run import Request, carry_out, one_stage
from pipeline.schemas import TABLES
from pipeline.scoring_model import SHIPPED
from pipeline.settings import ExportsSettings, ScoresSettings, Settings
from pipeline.stages import behaviour, communities
from pipeline.worlds import World, build
from tests.benchmarks.grow import grow, grow_values
from tests.benchmarks.train_context import FOLDS, GROWING, PARTS_OF_RINGS, judged, line_of, shown
from tests.benchmarks.training_worlds import (
    KIND_OF,
    calibration_worlds,
    crowded_worlds,
    fresh_worlds,
    full_worlds,
    platform_worlds,
    training_worlds,
    wide_worlds,
)
from tests.support.frames import PlainBench

Floats = npt.NDArray[np.float64]
Given = tuple[World, int, tuple[str, ...]]

_INNOCENT_MASS = 3.0  # weight of all innocent groups against that of all guilty ones
_OTHER_PAIRS = 0.15  # share of the pairs of no ring that are learned from; each then counts for those left out
_RING_PAIRS = 8.0  # a ring of more accounts than this counts for no more, though its pairs are as its square
_GROWING = {
    "max_iter": 300,
    "learning_rate": 0.06,
    "max_leaf_nodes": 24,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
}
_GROWING_PAIRS = {
    "max_iter": 200,
    "learning_rate": 0.1,
    "max_leaf_nodes": 16,
    "min_samples_leaf": 200,
    "l2_regularization": 5.0,
}
_GROWING_WHOLE = {
    "max_iter": 300,
    "learning_rate": 0.06,
    "max_leaf_nodes": 16,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
}
_KEPT = ("incidence_bits", "entities", "account_traits", "account_hours", "conversations")


def prepare(given: Given, cache: Path) -> Path:
    """Folder with what the line made of a world up to the graph, kept so that what follows can be tried again."""
    world, seed, without = given
    kept = cache / hashlib.sha256(f"{world}|{seed}|{without}".encode()).hexdigest()[:16]
    if not (kept / "done").exists():
        _prepare(world, seed, without, kept)
    return kept


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


def _tables(kept: Path) -> dict[str, pd.DataFrame]:
    return {n: pd.read_parquet(kept / f"{n}.parquet") for n in _KEPT if not TABLES[n].wide}


def pairs(kept: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], Floats]:
    """Features of the pairs of a world that are learned from, whether one ring has both, and their weights."""
    table = _tables(kept)
    settings = Settings()
    tables = graph_tables(table["incidence_bits"], table["entities"], all_types(settings))
    truth = pd.read_parquet(kept / "truth.parquet").set_index("account_id")["ring_id"].reindex(tables.accounts)
    ring = pd.factorize(truth)[0]
    found = pairs_of(tables, settings.communities)
    x = features_of(tables, table["account_traits"], found).to_numpy(np.float32)
    same = (ring[found.a] == ring[found.b]) & (ring[found.a] >= 0)
    taken = same | (np.random.default_rng(0).random(same.size) < _OTHER_PAIRS)
    size = np.bincount(ring[ring >= 0], minlength=1)[np.maximum(ring[found.a], 0)]
    weight = np.where(same, _RING_PAIRS / np.maximum(size, _RING_PAIRS), 1.0 / _OTHER_PAIRS)
    return x[taken], same[taken], weight[taken]


def fit_affinity(worlds: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], Floats]]) -> dict[str, Any]:
    """Trees over the features of pairs, with the sign of each as a bound."""
    x, y, weight = (np.concatenate([w[i] for w in worlds]) for i in range(3))
    forest = grow(x.astype(float), y.astype(float), weight, signs=list(SIGNS.values()), **_GROWING_PAIRS)
    return {"features": list(SIGNS), "forest": forest.to_dict()}


def describe(kept: Path, model: Path) -> pd.DataFrame:
    """Candidate groups of one world: measures, guilty share, the ring and population it mostly is, weight, members.

    `whole` is the Jaccard index with the ring that it overlaps most.
    """
    table = _tables(kept)
    settings = replace(Settings(), scores=ScoresSettings(model=str(model)))
    truth = pd.read_parquet(kept / "truth.parquet")
    graph = (table["incidence_bits"], table["entities"])
    found = communities.make(*graph, table["account_traits"], settings=settings)
    members, groups = found.communities, found.candidate_groups
    with tempfile.TemporaryDirectory() as scratch:
        measured = behaviour.make(
            members, groups, *graph, found.affinities, table["account_traits"],
            sorted(str(p) for p in (kept / "account_hours").glob("*.parquet")), table["conversations"],
            settings=settings, bench=PlainBench(scratch, memory=2 << 30),
        ).behaviour  # fmt: skip
    wide = measured.pivot(index="community", columns="measure", values="value").reindex(columns=list(NAMES))
    rows = members.merge(truth, on="account_id", how="left")
    rows["often"] = 1.0 / rows.groupby("account_id")["community"].transform("size")
    ring_size = truth.groupby("ring_id").size()
    shared = rows.groupby(["community", "ring_id"]).size().rename("shared").reset_index()
    together = shared["community"].map(groups.set_index("community")["size"])
    together += shared["ring_id"].map(ring_size).astype(float)  # also where there is no ring at all
    shared["whole"] = shared["shared"] / (together - shared["shared"])
    by = rows.groupby("community")
    out = groups.set_index("community").join(wide)
    out["guilty"] = by["ring_id"].apply(lambda s: s.notna().mean())
    out["whole"] = shared.groupby("community")["whole"].max().reindex(out.index).fillna(0.0)
    out["ring"] = by["ring_id"].agg(_top)
    out["population"] = by["population"].agg(_top)
    out["weight"] = by["often"].mean()
    out["members"] = by["account_id"].apply(list)
    out["accounts"] = len(truth)
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


def fit_groups(table: pd.DataFrame) -> Forest:
    """Trees over the measures, with the sign of each as a bound."""
    y, weight = answers(table)
    asked = weight > 0
    mass = np.where(y == 1, weight / weight[y == 1].sum(), _INNOCENT_MASS * weight / weight[(y == 0) & asked].sum())
    weight = mass * asked.sum() / mass[asked].sum()
    x = table[list(NAMES)].to_numpy(float)
    return grow(x[asked], y[asked], weight[asked], signs=[m.sign for m in MEASURES], **_GROWING)


def fit_whole(table: pd.DataFrame) -> Forest:
    """Trees that expect from the measures how whole a group is."""
    whole = table["whole"].to_numpy(float)
    weight = table["weight"].to_numpy(float) * np.where(whole > 0, PARTS_OF_RINGS, 1.0)
    return grow_values(table[list(NAMES)].to_numpy(float), whole, weight, **_GROWING_WHOLE)


def fit_rivals(table: pd.DataFrame) -> dict[str, Any]:
    """Shapes of the innocent explanations, which tell them apart among themselves."""
    innocent = table[table["guilty"] < 0.2]
    kind = innocent["population"].map(KIND_OF).fillna("unclear").to_numpy(object)
    return {
        name: fit_additive(
            innocent[list(NAMES)].to_numpy(float), (kind == name).astype(float), signs=[0] * len(NAMES), knots=4,
            l2=5.0, sample_weight=innocent["weight"].to_numpy(float),
        ).to_dict()
        for name in ("organization", "reseller_pool", "shared_network", "unclear")
    }  # fmt: skip


def train(
    worlds: list[Given], crowded: list[Given], cache: Path, processes: int
) -> tuple[dict[str, Any], list[pd.DataFrame]]:
    """The model, and the candidate groups of each world with the bits that a model gave which never saw it.

    `crowded` worlds teach what groups do, not which pairs belong together: a frame that hundreds share ties no pair.
    """
    with ProcessPoolExecutor(processes) as pool:
        every_world = [*worlds, *crowded]
        kept = list(shown(pool.map(prepare, every_world, [cache] * len(every_world)), len(every_world), "worlds"))
        told = list(shown(pool.map(pairs, kept[: len(worlds)]), len(worlds), "pairs"))
        affinity = fit_affinity(told)
        models = []
        for half in (0, 1):
            path = cache / f"affinity-{half}.json"
            path.write_text(json.dumps(_only_affinity(fit_affinity(told[1 - half :: 2]))))
            models.append(path)
        seen = pool.map(describe, kept, [models[i % 2] for i in range(len(kept))])
        tables = list(shown(seen, len(kept), "groups"))
        del told
        folds = [
            pd.concat([t for i, t in enumerate(tables) if i % FOLDS != f], ignore_index=True) for f in range(FOLDS)
        ]
        every = pd.concat(tables, ignore_index=True)
        *apart, forest = shown(pool.map(fit_groups, [*folds, every]), FOLDS + 1, "fits")
        *whole_apart, whole = shown(pool.map(fit_whole, [*folds, every]), FOLDS + 1, "fits of wholeness")
    for i, table in enumerate(tables):
        x = table[list(NAMES)].to_numpy(float)
        table["bits"] = apart[i % FOLDS].score_bits(x)
        table["expected"] = np.clip(whole_apart[i % FOLDS].total_bits(x), 0.01, 0.99)
    model = {
        "measures": list(NAMES), "rivals": fit_rivals(every), "affinity": affinity,
        **judged(tables, forest, whole, processes),
        "trained_on": {"worlds": len(every_world), "groups": _GROWING, "pairs": _GROWING_PAIRS, "whole": _GROWING_WHOLE,
            **GROWING},
    }  # fmt: skip
    return model, tables


def recalibrated(model: dict[str, Any], worlds: list[Given], cache: Path, processes: int) -> dict[str, Any]:
    """The model with a calibration fitted anew, on worlds that it was not trained on."""
    path = cache / "given.json"
    path.write_text(json.dumps(model))
    with ProcessPoolExecutor(processes) as pool:
        kept = list(shown(pool.map(prepare, worlds, [cache] * len(worlds)), len(worlds), "worlds"))
        tables = list(shown(pool.map(describe, kept, [path] * len(kept)), len(kept), "groups"))
    trained = model["trained_on"] | {"calibration_worlds": len(worlds)}
    return model | {"calibration": line_of(model, tables), "trained_on": trained}


def _only_affinity(affinity: dict[str, Any]) -> dict[str, Any]:
    """A model file that can search, and judges nothing."""
    nothing = {"n_features": 0, "bias": 0.0, "trees": []}
    return {"measures": [], "coordinated": nothing, "rivals": {}, "affinity": affinity,
        "calibration": {"slope": 1.0, "offset": 0.0}, "whole": {"forest": nothing, "weight": 0.0},
        "among": nothing, "context": {"usual": {"share": 0.5, "groups": 1.0}, "forest": nothing}}  # fmt: skip


def main() -> None:
    """Fit, calibrate, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--worlds",
        type=int,
        default=80,
        help="small worlds, and as many platforms; a fifth as many of full size and far out, a quarter where many are "
        "guilty, a third to calibrate",
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache/training"))
    parser.add_argument("--to", type=Path, default=Path("pipeline") / SHIPPED)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="file for the groups and their scores, to look at")
    parser.add_argument("--calibrate", type=Path, help="a model that is kept, and only calibrated anew on fresh worlds")
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes are the parallel part
    if given.calibrate:
        fresh = list(fresh_worlds(max(given.worlds // 7, 2)))
        model = recalibrated(json.loads(given.calibrate.read_text()), fresh, given.cache, given.processes)
        given.to.write_text(json.dumps(model, sort_keys=True) + "\n")
        return
    worlds = [
        *training_worlds(given.worlds, True),
        *full_worlds(max(given.worlds // 5, 2)),
        *wide_worlds(max(given.worlds // 5, 2)),
        *calibration_worlds(max(given.worlds // 3, 2), True),
        *platform_worlds(given.worlds),
    ]
    crowded = list(crowded_worlds(max(given.worlds // 4, 2)))
    model, tables = train(worlds, crowded, given.cache, given.processes)
    if given.keep:
        given.keep.write_bytes(pickle.dumps(tables))
    given.to.write_text(json.dumps(model, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
