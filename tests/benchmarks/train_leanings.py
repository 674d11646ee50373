"""Fit what is left of a score wherever a log comes from: `python -m tests.benchmarks.train_leanings [--renew]`.

A finished model judged worlds of several makers: ours as in training, ours full of strangers who send the same
prompts (`followers`) and with large operators (`large`), and those of people who had seen neither our generator nor
our code, but the contract and what is known of the field. The groups that stood there are kept in `makers.csv`:
maker, world, size, guilty share, bits of the trees, measures that lean. Makers weigh the same, and the calibration
comes from fits that left the maker out altogether; so does the table in `docs/benchmarks/makers.md`. `--renew` judges
worlds of ours anew; others' are not ours to make.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score

from graphs import fit_additive
from graphs.additive import AdditiveModel, Shape, bits_to_probability, probability_to_bits
from graphs.forest import Forest
from graphs.logistic import fit_logistic
from pipeline.context import Usual, context_of, whole_among
from pipeline.judging import choose_groups
from pipeline.leanings import LEANINGS, SIZE, Leanings, Trust
from pipeline.measures.catalogue import NAMES
from pipeline.scoring_model import SHIPPED
from pipeline.settings import ScoresSettings
from tests.benchmarks.train_context import groups_of, shown
from tests.benchmarks.train_model import Given, describe, prepare
from tests.benchmarks.training_worlds import belonging_worlds, campaign_worlds, follower_worlds, operator_worlds

Floats = npt.NDArray[np.float64]

KEPT = Path(__file__).with_name("makers.csv")
MAKERS = (
    "ours", "followers", "large", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth",
)  # fmt: skip

_ABOUT = """Groups that stood in worlds of seventeen makers, judged by the shipped trees, which never saw these worlds:
three kinds of our own generator, as in training, full of strangers who send the same prompts (`followers`) and with
operators of up to a quarter of the platform (`large`), and worlds of fourteen people who had seen neither our
generator nor our code. Average precision says how well a
score tells rings from the rest, whatever the threshold: by the trees alone ("before"), with leanings that the
maker had no part in ("left out"), and as shipped, where it had. The last columns count accounts of groups
above the threshold of {threshold}, before false discovery rates and membership are asked; recall is of the
accounts in groups that are four fifths of a ring
([decision 25](../decisions/0025-which-way-a-measure-leans.md))."""
_BY_THRESHOLD = """What another threshold would do, by leanings that the maker had no part in: shares of accounts, the
mean over makers (precision: over those of whom anybody is accused)."""
_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_LEAST, _MOST = -3.5, 4.0  # bits: below, a group is no ring and teaches nothing; above, no more is believed
_L2, _L2_TRUST = 10.0, 3.0
_REFUSED = 0.4  # times that bits against a ring count besides; rings of hundreds may stand there, and resellers do
_KNOTS = (0.05, 0.5, 0.95)  # quantiles that a line runs through; outside it is level


def standing(table: pd.DataFrame, model: dict[str, Any]) -> pd.DataFrame:
    """The groups of a world that stand, as the model judges them: size, guilty share, bits so far, measures."""
    forest, expects, among, context = (
        Forest.from_dict(given)
        for given in (model["coordinated"], model["whole"]["forest"], model["among"], model["context"]["forest"])
    )
    x, groups = table[list(NAMES)].to_numpy(float), groups_of(table)
    expected = np.clip(np.round(expects.total_bits(x), 9), 0.01, 0.99)
    bits = forest.score_bits(x) + float(model["whole"]["weight"]) * np.log2(expected / (1.0 - expected))
    whole = whole_among(groups, x, bits, expected, among)
    stands = choose_groups(groups, whole, bits).group
    around = context_of(groups, stands, bits, whole, Usual(**model["context"]["usual"]))
    score = bits[stands] + context.score_bits(np.column_stack((x[stands], around)))
    return table.iloc[stands][["size", "guilty", *NAMES]].assign(bits=score).reset_index(drop=True)


def asked(groups: pd.DataFrame) -> pd.DataFrame:
    """The rows that teach: groups of which it is known whether they are a ring."""
    return groups[_known(groups)].reset_index(drop=True)


def _known(groups: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return np.asarray((groups["guilty"] >= 0.8) | (groups["guilty"] < 0.5), dtype=np.bool_)


def fit(groups: pd.DataFrame) -> Leanings:
    """Lines with the signs of the leanings beside the trees, and the trust in trees; makers weigh the same.

    `groups`: columns `maker`, `world`, `guilty`, `bits` and the measures that lean.
    """
    known = asked(groups)
    x, ring = known[list(LEANINGS)].to_numpy(float), (known["guilty"] >= 0.8).to_numpy(float)
    knots = [np.unique(np.quantile(column[np.isfinite(column)], _KNOTS)) for column in x.T]
    leaning = [j for j, at in enumerate(knots) if at.size >= 2]  # what is the same everywhere says nothing
    names = [name for j, name in enumerate(LEANINGS) if j in leaning]
    made = fit_additive(
        np.column_stack((_believed(known), x[:, leaning])), ring, signs=[1, *(LEANINGS[n] for n in names)],
        knots=[np.array([_LEAST, _MOST]), *(knots[j] for j in leaning)], l2=_L2, sample_weight=_weight(known),
    )  # fmt: skip
    low, high = made.shapes[0].bits.tolist()
    share = (high - low) / (_MOST - _LEAST)
    lines = tuple(Shape(s.sign, s.knots, s.bits) for s in made.shapes[1:])
    model = AdditiveModel(made.bias + low - share * _LEAST, lines)
    first = Leanings(share, _MOST, tuple(NAMES.index(n) for n in names), model, Trust(), NAMES.index(SIZE))
    return replace(first, trust=_trust(groups, first))


def _trust(groups: pd.DataFrame, leanings: Leanings) -> Trust:
    """How much each counts: leanings, trees, what other groups of the run uphold, and trees times that."""
    first, upheld = np.zeros(len(groups)), np.zeros(len(groups))
    for rows in groups.groupby(["maker", "world"]).indices.values():
        world = groups.iloc[rows]
        bits = world["bits"].to_numpy(float)
        first[rows] = leanings.first(bits, _measures(world))
        upheld[rows] = probability_to_bits(leanings.upheld(bits, first[rows]))
    believed = _believed(groups)
    told = _known(groups)
    columns = np.column_stack((first, believed, upheld, believed * upheld))[told] * np.log(2.0)
    known, spread = groups[told], columns.std(axis=0)
    found = fit_logistic(
        columns / spread, (known["guilty"] >= 0.8).to_numpy(float), _weight(known), l2=_L2_TRUST,
        sign=np.ones(4, dtype=np.int64), start=np.zeros(5),
    )  # fmt: skip
    by_lines, by_trees, by_upheld, by_both = (found[1:] / spread).tolist()
    return Trust(
        lines=by_lines, trees=by_trees, upheld=by_upheld, trees_upheld=by_both, start=float(found[0] / np.log(2.0)),
        refused=_REFUSED,
    )  # fmt: skip


def _believed(groups: pd.DataFrame) -> Floats:
    return np.asarray(np.minimum(groups["bits"].to_numpy(float), _MOST), dtype=np.float64)


def _weight(groups: pd.DataFrame) -> Floats:
    """Makers weigh the same, however many groups they have."""
    size = groups["maker"].map(groups["maker"].value_counts()).to_numpy(float)
    return np.asarray(len(groups) / (size * groups["maker"].nunique()), dtype=np.float64)


def _measures(groups: pd.DataFrame) -> Floats:
    told = groups.assign(**{SIZE: np.log2(groups["size"].to_numpy(float))})
    return told.reindex(columns=list(NAMES)).to_numpy(float)  # those that do not lean are not kept


def scored(groups: pd.DataFrame, leanings: Leanings) -> Floats:
    """Bits of groups with leanings, world by world."""
    out = np.zeros(len(groups))
    for rows in groups.groupby(["maker", "world"]).indices.values():
        world = groups.iloc[rows]
        out[rows] = leanings.total(world["bits"].to_numpy(float), _measures(world))
    return out


def left_out(groups: pd.DataFrame) -> Floats:
    """Bits of each group by leanings that its maker had no part in."""
    out = np.zeros(len(groups))
    for maker in sorted(groups["maker"].unique()):
        of_it = (groups["maker"] == maker).to_numpy()
        out[of_it] = scored(groups[of_it], fit(groups[~of_it]))
    return out


def line(groups: pd.DataFrame, bits: Floats) -> dict[str, float]:
    """Slope and offset that turn bits into a calibrated probability; makers weigh the same."""
    told = _known(groups)
    known = groups[told]
    offset, slope = fit_logistic(
        bits[told][:, None] * np.log(2.0), (known["guilty"] >= 0.8).to_numpy(float), _weight(known), l2=1e-3,
        sign=np.array([1]), start=np.array([0.0, 1.0]),
    )  # fmt: skip
    return {"slope": float(slope), "offset": float(offset / np.log(2.0))}


def page(groups: pd.DataFrame, apart: Floats, leanings: Leanings, by: dict[str, float]) -> str:
    """What each maker's groups show, before leanings, by leanings that it had no part in, and as shipped."""
    known, threshold = _known(groups), ScoresSettings().threshold
    apart, shipped, groups = apart[known], scored(groups, leanings)[known], groups[known]
    ring, size = (groups["guilty"] >= 0.8).to_numpy(), groups["size"].to_numpy(float)
    lines = [
        "# Worlds of several makers", "",
        "<!-- made by `python -m tests.benchmarks.train_leanings`; do not edit -->", "",
        *(_ABOUT.format(threshold=threshold)).splitlines(), "",
        "| maker | groups | of rings | before | left out | shipped | left out: right of accused | recall "
        "| shipped: right of accused | recall |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    of_each = [(groups["maker"] == maker).to_numpy() for maker in MAKERS]
    for maker, here in zip(MAKERS, of_each, strict=True):
        by_bits = (groups["bits"].to_numpy(float), apart, shipped)
        precision = [average_precision_score(ring[here], bits[here]) for bits in by_bits]
        told = [f"{maker}", f"{here.sum()}", f"{(here & ring).sum()}", *(f"{p:.2f}" for p in precision)]
        for bits in (apart, shipped):
            accused = here & (bits_to_probability(by["slope"] * bits + by["offset"]) >= threshold)
            right = size[accused & ring].sum()
            told += [f"{right:,.0f} of {size[accused].sum():,.0f}", f"{right / size[here & ring].sum():.2f}"]
        lines.append(f"| {' | '.join(told)} |")
    lines += ["", *_BY_THRESHOLD.splitlines(), "", "| threshold | precision | recall |", "|---|---|---|"]
    for at in _THRESHOLDS:
        accused = bits_to_probability(by["slope"] * apart + by["offset"]) >= at
        recall = np.mean([size[m & accused & ring].sum() / size[m & ring].sum() for m in of_each])
        right = [size[m & accused & ring].sum() / size[m & accused].sum() for m in of_each if (m & accused).any()]
        lines.append(f"| {at} | {np.mean(right):.2f} | {recall:.2f} |")
    return "\n".join(lines) + "\n"


def _renewed(name: str, worlds: list[Given], given: argparse.Namespace, model: dict[str, Any]) -> pd.DataFrame:
    with ProcessPoolExecutor(given.processes) as pool:
        kept = list(shown(pool.map(prepare, worlds, [given.cache] * len(worlds)), len(worlds), f"worlds, {name}"))
        tables = shown(pool.map(describe, kept, [given.to.resolve()] * len(kept)), len(kept), f"groups, {name}")
        found = [standing(t, model).assign(maker=name, world=number) for number, t in enumerate(tables)]
        every = pd.concat(found, ignore_index=True)
        return every[every["bits"] > _LEAST]


def read_groups() -> pd.DataFrame:
    """The groups that are kept of each maker's worlds."""
    return pd.read_csv(KEPT)


def main() -> None:
    """Fit, add to the model, tell; judge worlds before that, where asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--renew", action="store_true", help="judge worlds of ours anew, which takes hours")
    parser.add_argument("--worlds", type=int, default=36, help="of strangers; as many as in training, a quarter more")
    parser.add_argument("--cache", type=Path, default=Path(".cache/leanings"))
    parser.add_argument("--to", type=Path, default=Path("pipeline") / SHIPPED, help="the model, finished but for this")
    parser.add_argument("--page", type=Path, default=Path("docs/benchmarks/makers.md"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    model = json.loads(given.to.read_text())
    groups = read_groups()
    if given.renew:
        given.cache.mkdir(parents=True, exist_ok=True)
        n = given.worlds
        ours = _renewed("ours", [*belonging_worlds(n + 6), *campaign_worlds(n // 4 + 1)], given, model)
        followers = _renewed("followers", list(follower_worlds(n)), given, model)
        large = _renewed("large", list(operator_worlds(n // 2 + 2)), given, model)
        others = groups[~groups["maker"].isin(["ours", "followers", "large"])]
        groups = pd.concat([ours, followers, large, others], ignore_index=True)[list(groups.columns)]
        groups.to_csv(KEPT, index=False, float_format="%.5g")
        groups = read_groups()
    apart, leanings = left_out(groups), fit(groups)
    model["leanings"], model["calibration"] = leanings.to_dict(NAMES), line(groups, apart)
    given.to.write_text(json.dumps(model, sort_keys=True) + "\n")
    given.page.write_text(page(groups, apart, leanings, model["calibration"]))


if __name__ == "__main__":
    main()
