"""Train what judges groups in the light of others: how whole among those that overlap, how likely in their run.

Everything starts from scores of models that never saw the world, and what is calibrated comes from such models again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.forest import Forest
from graphs.logistic import fit_logistic
from graphs.ties import Groups
from pipeline.context import CONTEXT, Usual, among, context_of, settled
from pipeline.judging import choose_groups
from pipeline.measures.catalogue import MEASURES, NAMES
from tests.benchmarks.grow import grow_from, grow_values

Floats = npt.NDArray[np.float64]
T = TypeVar("T")

FOLDS = 4
PARTS_OF_RINGS = 3.0  # weight of a group that holds some of a ring against one that holds none
GROWING: dict[str, dict[str, Any]] = {
    "among": {
        "max_iter": 200, "learning_rate": 0.08, "max_leaf_nodes": 16, "min_samples_leaf": 40, "l2_regularization": 1.0,
    },
    "context": {
        "max_iter": 300, "learning_rate": 0.05, "max_leaf_nodes": 12, "min_samples_leaf": 40, "l2_regularization": 3.0,
    },
}  # fmt: skip
_PLATFORM = 8_000  # accounts from which on a world is as large as a platform
_PLATFORMS = 3.0  # weight of a group of such a world against that of a smaller one
_OTHER_GROUPS = 10.0  # groups with the share of all worlds against which the others of one world count
_CONTEXT_SIGNS = {"elsewhere": +1, "whole": +1, "members_best": +1, "members_mean": +1}


def groups_of(table: pd.DataFrame) -> Groups:
    """The candidate groups of one world."""
    names = {a: i for i, a in enumerate(sorted({a for m in table["members"] for a in m}))}
    group = np.repeat(np.arange(len(table)), table["size"].to_numpy())
    return Groups.from_arrays(group, np.array([names[a] for m in table["members"] for a in m]), len(table))


def chosen_of(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Groups of one world that stand by `expected` and size alone, as long as no log odds are known."""
    return choose_groups(groups_of(table), table["expected"].to_numpy(float), np.zeros(len(table))).group


@dataclass(frozen=True, eq=False)
class Standing:
    """The groups of a world that stand: measures, context, log odds on their own (bits), and whether coordinated.

    `platform` says that the world has the size of a whole platform.
    """

    x: Floats
    around: Floats
    bits: Floats
    answer: Floats
    platform: bool


def calibrate(tables: list[pd.DataFrame]) -> tuple[dict[str, float], float]:
    """Slope and offset in bits of what a group is on its own, and the weight of being whole, over groups that stand.

    `bits` and `expected` come from models that never saw the world.
    """
    stand = pd.concat([t.iloc[chosen_of(t)] for t in tables], ignore_index=True)
    columns = np.column_stack((stand["bits"].to_numpy(float), _odds(stand["expected"]))) * np.log(2.0)
    answer = coordinated(stand)
    offset, slope, of_whole = fit_logistic(
        columns, answer, np.ones(answer.size), l2=1e-3, sign=np.array([1, 1]), start=np.array([0.0, 1.0, 0.0])
    )
    return {"slope": float(slope), "offset": float(offset / np.log(2.0))}, float(of_whole)


def coordinated(table: pd.DataFrame) -> Floats:
    """Whether each group is one: 1 or 0."""
    return (table["guilty"].to_numpy(float) >= 0.8).astype(float)


def _odds(whole: pd.Series) -> Floats:
    """Log odds of being whole, in bits, as the model takes them."""
    share = np.clip(np.round(whole.to_numpy(float), 9), 0.01, 0.99)
    return np.asarray(np.log2(share / (1.0 - share)), dtype=np.float64)


def alone(table: pd.DataFrame, line: dict[str, float], of_whole: float) -> Floats:
    """Log odds of each group on its own, in bits."""
    bits = line["slope"] * table["bits"].to_numpy(float) + line["offset"] + of_whole * _odds(table["expected"])
    return np.asarray(bits, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Looked:
    """The groups of a world whose wholeness is looked at again: numbers, columns, how whole they are, weights."""

    asked: npt.NDArray[np.int64]
    columns: Floats
    whole: Floats
    weight: Floats


def look(table: pd.DataFrame, line: dict[str, float], of_whole: float) -> Looked:
    """What wholeness among others is learned from, of one world."""
    bits, expected = alone(table, line, of_whole), table["expected"].to_numpy(float)
    asked, columns = among(groups_of(table), table[list(NAMES)].to_numpy(float), bits, expected)
    whole = table["whole"].to_numpy(float) * _counted(table)
    return Looked(asked, columns, whole[asked], table["weight"].to_numpy(float)[asked])


def _counted(table: pd.DataFrame) -> Floats:
    """How much of its overlap with a ring counts for each group: all of it in a coordinated group, none in a mixture.

    A mixture of a whole ring with as many others overlaps with the ring by half, more than a pure third of it does,
    but nobody can be accused from it.
    """
    return np.clip((table["guilty"].to_numpy(float) - 0.4) / 0.4, 0.0, 1.0)


def fit_among(worlds: list[Looked]) -> Forest:
    """Trees that expect how whole a group is from its measures and from the groups that overlap with it."""
    columns, whole, weight = (
        np.concatenate([getattr(w, what) for w in worlds]) for what in ("columns", "whole", "weight")
    )
    return grow_values(columns, whole, weight * np.where(whole > 0, PARTS_OF_RINGS, 1.0), **GROWING["among"])


def standing(table: pd.DataFrame, whole: Floats, usual: Usual, line: dict[str, float], of_whole: float) -> Standing:
    """What the context is learned from, of one world; `whole` says which groups stand."""
    groups, bits = groups_of(table), alone(table, line, of_whole)
    stands = choose_groups(groups, whole, bits).group
    x = table[list(NAMES)].to_numpy(float)[stands]
    around = context_of(groups, stands, bits, whole, usual)
    platform = bool(table["accounts"].iloc[0] >= _PLATFORM) if len(table) else False
    return Standing(x, around, bits[stands], coordinated(table.iloc[stands]), platform)


def fit_context(worlds: list[Standing]) -> Forest:
    """Trees that correct what groups are on their own by their measures and their context, in bits."""
    x = np.concatenate([np.column_stack((w.x, w.around)) for w in worlds])
    signs = [m.sign for m in MEASURES] + [_CONTEXT_SIGNS.get(name, 0) for name in CONTEXT]
    answer, start = (np.concatenate([getattr(w, what) for w in worlds]) for what in ("answer", "bits"))
    weight = np.concatenate([np.full(w.answer.size, _PLATFORMS if w.platform else 1.0) for w in worlds])
    return grow_from(x, answer, start, weight, signs=signs, **GROWING["context"])


def fit_line(worlds: list[Standing], forests: list[Forest]) -> dict[str, float]:
    """Slope and offset of the whole score, from trees that never saw a world: world i, forest i modulo their number.

    Only worlds of the size of a platform count, where there are any: in small ones with many guilty scores say less.
    """
    chosen = [i for i, w in enumerate(worlds) if w.platform] or list(range(len(worlds)))
    bits = [
        worlds[i].bits + forests[i % len(forests)].score_bits(np.column_stack((worlds[i].x, worlds[i].around)))
        for i in chosen
    ]
    answer = np.concatenate([worlds[i].answer for i in chosen])
    columns = np.concatenate(bits)[:, None] * np.log(2.0)
    offset, slope = fit_logistic(
        columns, answer, np.ones(answer.size), l2=1e-3, sign=np.array([1]), start=np.array([0.0, 1.0])
    )
    return {"slope": float(slope), "offset": float(offset / np.log(2.0))}


def judged(tables: list[pd.DataFrame], forest: Forest, whole_forest: Forest, processes: int) -> dict[str, Any]:
    """The parts of a model file that judge, from groups that models scored which never saw their world.

    `forest` and `whole_forest` come from all worlds. Their sum is moved onto the scale of log odds, so that the
    trees of the context start from it.
    """
    line, of_whole = calibrate(tables)
    looked = [look(t, line, of_whole) for t in tables]
    with ProcessPoolExecutor(processes) as pool:
        *apart, among_others = shown(pool.map(fit_among, _folds(looked)), FOLDS + 1, "fits of wholeness among others")
        whole = [
            settled(t["expected"].to_numpy(float), seen.asked, seen.columns, apart[i % FOLDS])
            for i, (t, seen) in enumerate(zip(tables, looked, strict=True))
        ]
        both = list(zip(tables, whole, strict=True))
        answers = [
            coordinated(t.iloc[choose_groups(groups_of(t), w, alone(t, line, of_whole)).group]) for t, w in both
        ]
        usual = Usual(float(np.mean(np.concatenate(answers))), _OTHER_GROUPS)
        worlds = [standing(t, w, usual, line, of_whole) for t, w in both]
        *contexts, context = shown(pool.map(fit_context, _folds(worlds)), FOLDS + 1, "fits of the context")
    return {
        "coordinated": moved(forest, line).to_dict(), "whole": {"forest": whole_forest.to_dict(), "weight": of_whole},
        "among": among_others.to_dict(), "context": {"usual": asdict(usual), "forest": context.to_dict()},
        "calibration": fit_line(worlds, contexts),
    }  # fmt: skip


def line_of(model: dict[str, Any], tables: list[pd.DataFrame]) -> dict[str, float]:
    """Slope and offset of a finished model, fitted anew on worlds that it never saw."""
    forest, whole_forest, among_others, context = (
        Forest.from_dict(given)
        for given in (model["coordinated"], model["whole"]["forest"], model["among"], model["context"]["forest"])
    )
    usual, of_whole = Usual(**model["context"]["usual"]), float(model["whole"]["weight"])
    worlds, as_it_is = [], {"slope": 1.0, "offset": 0.0}
    for table in tables:
        x = table[list(NAMES)].to_numpy(float)
        told = table.assign(bits=forest.score_bits(x), expected=np.clip(whole_forest.total_bits(x), 0.01, 0.99))
        seen = look(told, as_it_is, of_whole)
        whole = settled(told["expected"].to_numpy(float), seen.asked, seen.columns, among_others)
        worlds.append(standing(told, whole, usual, as_it_is, of_whole))
    return fit_line(worlds, [context])


def moved(forest: Forest, line: dict[str, float]) -> Forest:
    """The forest whose score is `slope` times that of another, and `offset` more."""
    trees = tuple(replace(tree, value=line["slope"] * tree.value) for tree in forest.trees)
    return Forest(forest.n_features, line["slope"] * forest.bias + line["offset"], trees)


def _folds(worlds: list[T]) -> list[list[T]]:
    """The worlds less each fold, and all of them."""
    return [*([w for i, w in enumerate(worlds) if i % FOLDS != f] for f in range(FOLDS)), worlds]


def shown(items: Iterable[T], n: int, what: str) -> Iterator[T]:
    """The items, with their number on standard error as they come."""
    for i, item in enumerate(items, 1):
        print(f"\r{what} {i} of {n}", end="" if i < n else "\n", file=sys.stderr, flush=True)
        yield item
