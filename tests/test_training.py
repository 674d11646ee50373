"""What the training of the scoring model rests on, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphs.forest import Forest
from pipeline.context import CONTEXT, OVERLAP, Usual
from pipeline.measures import MEASURES, NAMES
from tests.benchmarks.grow import grow, grow_from
from tests.benchmarks.train_context import fit_context, fit_line, look, moved, standing

GROWING = {"max_iter": 60, "learning_rate": 0.2, "max_leaf_nodes": 4, "min_samples_leaf": 30}


def _drawn(bits: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(bits.size) < 1 / (1 + 2.0**-bits)).astype(float)


def test_trees_that_start_from_log_odds_correct_what_is_wrong_with_them() -> None:
    """Given odds lack four bits where x is above one half; the trees find these and leave the rest alone."""
    dice = np.random.default_rng(1)
    x, start = dice.random((20_000, 1)), dice.normal(-2.0, 1.5, 20_000)
    lacking = np.where(x[:, 0] > 0.5, 4.0, 0.0)
    forest = grow_from(x, _drawn(start + lacking, 2), start, np.ones(20_000), signs=[1], **GROWING)
    found = forest.score_bits(np.array([[0.1], [0.4], [0.6], [0.9]]))
    assert found.tolist() == pytest.approx([0.0, 0.0, 4.0, 4.0], abs=0.4)


def test_trees_that_start_from_log_odds_keep_their_signs() -> None:
    dice = np.random.default_rng(3)
    x = dice.random((5_000, 1))
    answer = _drawn(3.0 - 6.0 * x[:, 0], 4)  # falls with x, which the sign forbids
    forest = grow_from(x, answer, np.zeros(5_000), np.ones(5_000), signs=[1], **GROWING)
    assert np.ptp(forest.score_bits(np.linspace(0, 1, 50)[:, None])) == pytest.approx(0.0, abs=1e-9)


def test_a_moved_forest_scores_on_a_line() -> None:
    dice = np.random.default_rng(5)
    x = dice.random((2_000, 3))
    forest = grow(x, (x[:, 0] > 0.5).astype(float), np.ones(2_000), signs=[0, 0, 0], **GROWING)
    line = {"slope": 0.7, "offset": -1.5}
    assert moved(forest, line).score_bits(x).tolist() == pytest.approx((0.7 * forest.score_bits(x) - 1.5).tolist())


def _world(n: int, seed: int) -> pd.DataFrame:
    """Groups of five accounts that do not overlap; every third is coordinated, which only `handoffs` shows."""
    dice = np.random.default_rng(seed)
    guilty = (np.arange(n) % 3 == 0).astype(float)
    table = pd.DataFrame(dict.fromkeys(NAMES, np.nan), index=range(n)).assign(
        handoffs=np.where(guilty == 1, 0.9, 0.1) + dice.normal(0, 0.05, n), group_size=np.log2(5.0)
    )
    return table.assign(
        size=5, guilty=guilty, bits=0.0, expected=0.5, accounts=10_000,
        members=[[f"a{5 * i + k}" for k in range(5)] for i in range(n)],
    )  # fmt: skip


def test_the_context_sees_measures_and_the_other_groups() -> None:
    worlds = [
        standing(_world(240, seed), np.full(240, 0.5), Usual(1 / 3, 10.0), {"slope": 1.0, "offset": -1.0}, 0.0)
        for seed in range(4)
    ]
    one = worlds[0]
    assert one.x.shape == (240, len(NAMES)) and one.around.shape == (240, len(CONTEXT))
    assert one.bits.tolist() == [-1.0] * 240  # log odds of one third
    assert one.around[:, CONTEXT.index("elsewhere")].tolist() == pytest.approx([1 / 3] * 240)
    lonely = one.around[:, [CONTEXT.index(name) for name in OVERLAP if name.startswith("around")]]
    assert np.isnan(lonely).all()
    forest = fit_context(worlds)
    score = one.bits + forest.score_bits(np.column_stack((one.x, one.around)))
    assert score[one.answer == 1].min() > 3.0 and score[one.answer == 0].max() < -3.0
    line = fit_line(worlds, [forest])
    assert line["slope"] > 0.5


def test_the_line_is_that_of_whole_platforms() -> None:
    """In small worlds scores say the reverse of the truth; the line does not heed them."""
    usual, line = Usual(1 / 3, 10.0), {"slope": 1.0, "offset": 0.0}
    platform, small = _world(240, 1), _world(240, 2).assign(accounts=4_000)
    platform["bits"], small["bits"] = 6.0 * platform["guilty"] - 3.0, 3.0 - 6.0 * small["guilty"]
    dice = np.random.default_rng(6)
    for table in (platform, small):
        table["bits"] += dice.normal(0, 3.0, 240)
    worlds = [standing(t, np.full(240, 0.5), usual, line, 0.0) for t in (platform, small)]
    says_nothing = Forest(len(NAMES) + len(CONTEXT), 0.0, ())
    assert [w.platform for w in worlds] == [True, False]
    assert fit_line(worlds, [says_nothing]) == fit_line(worlds[:1], [says_nothing])
    assert fit_line(worlds[1:], [says_nothing])["slope"] < 0.1 < fit_line(worlds, [says_nothing])["slope"]


def test_groups_of_platforms_count_three_times_in_the_context() -> None:
    """A measure without a sign says one thing on a platform and the reverse in as large a small world."""
    free = next(m.name for m in MEASURES if m.sign == 0)
    usual, line = Usual(1 / 2, 10.0), {"slope": 1.0, "offset": 0.0}
    platform, small = (_world(600, seed).assign(handoffs=0.5) for seed in (1, 2))
    platform[free], small[free] = platform["guilty"], 1.0 - small["guilty"]
    small["accounts"] = 4_000
    worlds = [standing(t, np.full(600, 0.5), usual, line, 0.0) for t in (platform, small)]
    columns = np.column_stack((worlds[0].x, worlds[0].around))
    score = fit_context(worlds).score_bits(columns)
    assert score[worlds[0].answer == 1].min() == pytest.approx(np.log2(3 * 200 / 400), abs=0.2)
    assert score[worlds[0].answer == 0].max() == pytest.approx(np.log2(200 / (3 * 400)), abs=0.2)


def test_a_mixture_counts_for_less_than_its_overlap() -> None:
    table = _world(3, 1).assign(guilty=[1.0, 0.6, 0.3], whole=0.5, weight=1.0)
    seen = look(table, {"slope": 1.0, "offset": 0.0}, 0.0)
    assert seen.asked.tolist() == [0, 1, 2]
    assert seen.whole.tolist() == pytest.approx([0.5, 0.25, 0.0])
