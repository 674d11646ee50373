"""Teach a finished model further: `python -m tests.benchmarks.train_further [--cache DIR] [--to MODEL]`.

The shipped model was grown on worlds without strangers who send the same private prompts. Here its trees stay, and
further ones are grown from its scores on: on worlds full of such strangers, on worlds with operators of thousands of
accounts, and on worlds as before, so that what it knew is kept. What is told of the result comes from trees that never
saw the world; the calibration is fitted on such scores.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.additive import bits_to_probability
from graphs.forest import Forest
from graphs.ties import Groups
from pipeline.context import CONTEXT, Usual, context_of, whole_among
from pipeline.judging import choose_groups
from pipeline.measures.catalogue import MEASURES, NAMES
from pipeline.scoring_model import SHIPPED
from tests.benchmarks.grow import grow_from
from tests.benchmarks.train_context import CONTEXT_SIGNS, FOLDS, coordinated, groups_of, line_from, shown
from tests.benchmarks.train_model import answers, describe, prepare
from tests.benchmarks.training_worlds import belonging_worlds, campaign_worlds, follower_worlds

Floats = npt.NDArray[np.float64]

_INNOCENT_MASS = 3.0  # weight of all innocent groups against that of all guilty ones
_GROWING: dict[str, Any] = {
    "max_iter": 150, "learning_rate": 0.06, "max_leaf_nodes": 16, "min_samples_leaf": 40, "l2_regularization": 3.0,
}  # fmt: skip
_GROWING_CONTEXT: dict[str, Any] = {
    "max_iter": 120, "learning_rate": 0.05, "max_leaf_nodes": 10, "min_samples_leaf": 40, "l2_regularization": 5.0,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Known:
    """What the model as it was says of one world's groups: measures, its score on its own (bits), being whole in bits,
    how whole among the others, and which groups stand."""

    table: pd.DataFrame
    groups: Groups
    x: Floats
    own: Floats
    of_whole: Floats
    whole: Floats
    stands: npt.NDArray[np.int64]

    def alone(self, more: Forest | None) -> Floats:
        """Log odds of each group on its own, with further trees."""
        own = self.own if more is None else self.own + more.score_bits(self.x)
        return np.asarray(own + self.of_whole, dtype=np.float64)


def known(table: pd.DataFrame, model: dict[str, Any]) -> Known:
    """Judge the groups of a world as the model does up to which of them stand."""
    forest, expects, among = (
        Forest.from_dict(given) for given in (model["coordinated"], model["whole"]["forest"], model["among"])
    )
    x, groups = table[list(NAMES)].to_numpy(float), groups_of(table)
    expected = np.clip(np.round(expects.total_bits(x), 9), 0.01, 0.99)
    of_whole = float(model["whole"]["weight"]) * np.log2(expected / (1.0 - expected))
    own = forest.score_bits(x)
    whole = whole_among(groups, x, own + of_whole, expected, among)
    return Known(table, groups, x, own, of_whole, whole, choose_groups(groups, whole, own + of_whole).group)


def fit_own(worlds: Sequence[Known]) -> Forest:
    """Further trees over the measures, from the score of each group on its own."""
    table = pd.concat([w.table for w in worlds], ignore_index=True)
    x, start = np.concatenate([w.x for w in worlds]), np.concatenate([w.alone(None) for w in worlds])
    y, weight = answers(table)
    asked = weight > 0
    mass = np.where(y == 1, weight / weight[y == 1].sum(), _INNOCENT_MASS * weight / weight[(y == 0) & asked].sum())
    weight = mass * asked.sum() / mass[asked].sum()
    signs = [m.sign for m in MEASURES]
    return grow_from(x[asked], y[asked], start[asked], weight[asked], signs=signs, **_GROWING)


@dataclass(frozen=True, eq=False)
class Placed:
    """The groups of a world that stand, with further trees: columns of the context forest, bits so far, answers."""

    columns: Floats
    bits: Floats
    answer: Floats


def placed(world: Known, more: Forest, context: Forest, usual: Usual) -> Placed:
    """What the context is learned from."""
    bits = world.alone(more)
    stands = choose_groups(world.groups, world.whole, bits).group
    around = context_of(world.groups, stands, bits, world.whole, usual)
    columns = np.column_stack((world.x[stands], around))
    return Placed(columns, bits[stands] + context.score_bits(columns), coordinated(world.table.iloc[stands]))


def fit_context(worlds: Sequence[Placed]) -> Forest:
    """Further trees over measures and context, for the groups that stand."""
    columns, start, answer = (np.concatenate([getattr(w, n) for w in worlds]) for n in ("columns", "bits", "answer"))
    signs = [m.sign for m in MEASURES] + [CONTEXT_SIGNS.get(name, 0) for name in CONTEXT]
    return grow_from(columns, answer, start, np.ones(answer.size), signs=signs, **_GROWING_CONTEXT)


def together(first: Forest, more: Forest) -> Forest:
    """One forest that adds up what both say."""
    return Forest(first.n_features, first.bias + more.bias, (*first.trees, *more.trees))


def further(model: dict[str, Any], tables: list[pd.DataFrame], processes: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """The model with further trees and a calibration of its own, and what trees that never saw a world say of it."""
    context, usual = Forest.from_dict(model["context"]["forest"]), Usual(**model["context"]["usual"])
    with ProcessPoolExecutor(processes) as pool:
        worlds = list(shown(pool.map(known, tables, [model] * len(tables)), len(tables), "worlds judged"))
        *apart, own = shown(pool.map(fit_own, _folds(worlds)), FOLDS + 1, "fits of groups on their own")
        seen = [placed(w, apart[i % FOLDS], context, usual) for i, w in enumerate(worlds)]
        *contexts, among_others = shown(pool.map(fit_context, _folds(seen)), FOLDS + 1, "fits of the context")
    bits = [s.bits + contexts[i % FOLDS].score_bits(s.columns) for i, s in enumerate(seen)]
    line = line_from(np.concatenate(bits), np.concatenate([s.answer for s in seen]))
    made = model | {
        "coordinated": together(Forest.from_dict(model["coordinated"]), own).to_dict(),
        "context": model["context"] | {"forest": together(context, among_others).to_dict()},
        "calibration": line,
        "trained_on": model["trained_on"]
        | {"further": {"worlds": len(tables), "groups": _GROWING, "context": _GROWING_CONTEXT}},
    }
    told = [
        _told(w, i, apart[i % FOLDS], placed(w, apart[i % FOLDS], context, usual), b, line, model, context, usual)
        for i, (w, b) in enumerate(zip(worlds, bits, strict=True))
    ]
    return made, pd.concat(told, ignore_index=True)


def _told(
    world: Known, number: int, more: Forest, now: Placed, bits: Floats, line: dict[str, float],
    model: dict[str, Any], context: Forest, usual: Usual,
) -> pd.DataFrame:  # fmt: skip
    """One row a group that stands, before and with further trees."""
    rows = []
    before_bits = world.alone(None)
    around = context_of(world.groups, world.stands, before_bits, world.whole, usual)
    old = before_bits[world.stands] + context.score_bits(np.column_stack((world.x[world.stands], around)))
    stands = choose_groups(world.groups, world.whole, world.alone(more)).group
    for what, chosen, score, by in (("before", world.stands, old, model["calibration"]), ("now", stands, bits, line)):
        table = world.table.iloc[chosen]
        rows.append(
            pd.DataFrame(
                {"world": number, "what": what, "size": table["size"].to_numpy(), "guilty": table["guilty"].to_numpy(),
                 "ring": table["ring"].to_numpy(object), "population": table["population"].to_numpy(object),
                 "guilty_accounts": table["guilty_accounts"].to_numpy(),
                 "score": bits_to_probability(by["slope"] * score + by["offset"])}
            )
        )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _folds(worlds: list[Any]) -> list[list[Any]]:
    return [*([w for i, w in enumerate(worlds) if i % FOLDS != f] for f in range(FOLDS)), worlds]


def main() -> None:
    """Make the worlds, grow, write, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=36, help="of strangers; as many as before, a quarter more")
    parser.add_argument("--cache", type=Path, default=Path(".cache/further"))
    parser.add_argument("--model", type=Path, default=Path("pipeline") / SHIPPED)
    parser.add_argument("--to", type=Path, default=Path("pipeline") / SHIPPED)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    model = json.loads(given.model.read_text())
    n = given.worlds
    worlds = [*follower_worlds(n), *belonging_worlds(n + 6), *campaign_worlds(n // 4 + 1)]
    with ProcessPoolExecutor(given.processes) as pool:
        kept = list(shown(pool.map(prepare, worlds, [given.cache] * len(worlds)), len(worlds), "worlds"))
        tables = list(shown(pool.map(describe, kept, [given.model.resolve()] * len(kept)), len(kept), "groups"))
    made, told = further(model, tables, given.processes)
    given.to.write_text(json.dumps(made, sort_keys=True) + "\n")
    print(report(told))


def report(told: pd.DataFrame, threshold: float = 0.7) -> str:
    """Accounts in groups above the threshold, and how many of them are guilty, before and now."""
    lines = []
    for what, table in told.groupby("what", sort=True):
        above = table[table["score"] >= threshold]
        right = float((above["size"] * above["guilty"]).sum())
        wrong = above[above["guilty"] < 0.5].groupby("population")["size"].agg(["size", "sum"])
        lines.append(f"{what}: {right:.0f} of {above['size'].sum()} accounts in {len(above)} groups\n{wrong}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
