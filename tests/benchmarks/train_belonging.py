"""Learn who belongs to a ring: `python -m tests.benchmarks.train_belonging [--worlds N] [--cache DIR]`.

A finished model judges worlds that it never saw; each account that could belong to a reported ring is compared with the
ring, and trees learn which do. They are added to the model's file. Worlds for reporting are never read here.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.forest import Forest
from pipeline.belonging import FEATURES, SIGNS, compared, platform_of
from pipeline.graph_tables import all_types, graph_tables
from pipeline.schemas import TABLES
from pipeline.scoring_model import SHIPPED
from pipeline.settings import Settings
from pipeline.stages import behaviour, communities, scores
from tests.benchmarks.grow import grow
from tests.benchmarks.train_context import shown
from tests.benchmarks.train_model import prepare
from tests.benchmarks.training_worlds import belonging_worlds
from tests.support.frames import PlainBench, frame

Floats = npt.NDArray[np.float64]

_KEPT = ("incidence_bits", "entities", "account_traits", "conversations")
_LEAST_SCORE = 0.2  # rings that score lower are hardly ever rings
_MEANT = 0.1  # share of a group that a ring must make to be what the group is
_RING = 20.0  # a ring of more accounts than this counts for no more than one of so many
_GROWING = {
    "max_iter": 250,
    "learning_rate": 0.06,
    "max_leaf_nodes": 16,
    "min_samples_leaf": 60,
    "l2_regularization": 3.0,
}


def judge(kept: Path) -> None:
    """Search and judge a prepared world with the shipped model; rings and their members are kept beside its tables."""
    if (kept / "judged").exists():
        return
    table, settings = _tables(kept), Settings()
    graph = (table["incidence_bits"], table["entities"])
    found = communities.make(*graph, table["account_traits"], settings=settings)
    with tempfile.TemporaryDirectory() as scratch:
        measured = behaviour.make(
            found.communities, found.candidate_groups, *graph, found.affinities, table["account_traits"],
            _hours(kept), table["conversations"], settings=settings, bench=PlainBench(scratch, memory=2 << 30),
        ).behaviour  # fmt: skip
    made = scores.make(
        found.communities, found.candidate_groups, measured, frame("null_scores"), frame("null_members"),
        table["incidence_bits"], frame("clean_decisions"), settings=settings,
    )  # fmt: skip
    made.candidates.to_parquet(kept / "candidates.parquet")
    made.candidate_cores.to_parquet(kept / "candidate_cores.parquet")
    (kept / "judged").touch()


def rows(kept: Path) -> pd.DataFrame:
    """One row an account and a ring it could belong to: features, `belongs`, `weight`, `guilty`, account, candidate.

    An account belongs where it is of a ring that makes a tenth of the group or more. To a group of which half are
    innocent nobody belongs.
    """
    judge(kept)
    table, settings = _tables(kept), Settings()
    tables = graph_tables(
        table["incidence_bits"], table["entities"], all_types(settings), table["account_traits"]
    )
    platform = platform_of(tables, table["account_traits"], table["conversations"])
    truth = pd.read_parquet(kept / "truth.parquet").set_index("account_id")["ring_id"].reindex(tables.accounts)
    rings = pd.read_parquet(kept / "candidates.parquet")
    members = pd.read_parquet(kept / "candidate_cores.parquet")
    asked = rings[(rings["score"] >= _LEAST_SCORE) & (rings["kind"] == "coordinated")]
    frames = []
    for ring in asked.itertuples():
        mine = members.loc[members["candidate"] == ring.candidate, "account_id"]
        number = np.sort(pd.Index(tables.accounts).get_indexer(pd.Index(mine)))
        accounts, x = compared(platform, number.astype(np.int64), float(ring.score_bits))
        names = truth.iloc[number].dropna().value_counts()
        meant = names.index[names >= _MEANT * number.size] if names.sum() * 2 > number.size else names.index[:0]
        of = truth.iloc[accounts].to_numpy(object)
        frames.append(
            x.astype(np.float32).assign(
                belongs=np.isin(of, meant), guilty=pd.notna(of), account=accounts,
                candidate=ring.candidate, score=ring.score, weight=min(1.0, _RING / number.size),
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def fit(told: list[pd.DataFrame]) -> Forest:
    """Trees over the features, with the sign of each as a bound."""
    every = pd.concat(told, ignore_index=True)
    x, y, weight = (every[c].to_numpy(float) for c in (list(FEATURES), "belongs", "weight"))
    return grow(x, y, weight, signs=[SIGNS[name] for name in FEATURES], **_GROWING)


def as_part(forest: Forest, worlds: int) -> dict[str, Any]:
    """What the model's file holds of it."""
    return {"features": list(FEATURES), "forest": forest.to_dict(), "worlds": worlds, "growing": _GROWING}


def _tables(kept: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(kept / f"{name}.parquet") for name in _KEPT if not TABLES[name].wide}


def _hours(kept: Path) -> list[str]:
    return sorted(str(p) for p in (kept / "account_hours").glob("*.parquet"))


def main() -> None:
    """Prepare worlds, judge them, fit, add to the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--cache", type=Path, default=Path(".cache/belonging"))
    parser.add_argument("--to", type=Path, default=Path("pipeline") / SHIPPED)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes are the parallel part
    worlds = list(belonging_worlds(given.worlds))
    with ProcessPoolExecutor(given.processes) as pool:
        kept = list(shown(pool.map(prepare, worlds, [given.cache] * len(worlds)), len(worlds), "worlds"))
        told = list(shown(pool.map(rows, kept), len(kept), "rings"))
    model = json.loads(given.to.read_text()) | {"belonging": as_part(fit([t for t in told if len(t)]), len(worlds))}
    given.to.write_text(json.dumps(model, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
