"""Groups are judged by a model of two questions whose answers are known: how coordinated, and how whole."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.scoring_model import read_model
from pipeline.settings import ScoresSettings, Settings
from pipeline.stages import scores
from tests.support.frames import frame
from tests.support.models import hand_made

MEASURES = ["handoffs", "text_closed"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Hand-offs are what coordinated groups do; a whole ring shares its templates with no outsider."""
    place = tmp_path_factory.mktemp("model") / "model.json"
    return hand_made(place, coordinated="handoffs", whole="text_closed")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same model, which lets the other groups of a run have a say."""
    place = tmp_path_factory.mktemp("model") / "model.json"
    return hand_made(place, coordinated="handoffs", whole="text_closed", elsewhere=0.5)


def _judged(
    model: str, groups: list[tuple[range, float, float]], chance: pd.DataFrame | None = None,
    chance_members: pd.DataFrame | None = None,
) -> scores.Scores:
    """Groups as (accounts, hand-offs, closed), and what stands in rewired graphs."""
    names = [f"a{i:02d}" for i in range(40)]
    communities = pd.DataFrame(
        [(g, names[a], 0.9) for g, (accounts, _, _) in enumerate(groups) for a in accounts],
        columns=["community", "account_id", "support"],
    )
    found = pd.DataFrame(
        {"community": range(len(groups)), "size": [len(g[0]) for g in groups], "stability": 0.5, "link_bits": 5.0,
         "source": "star"}
    )  # fmt: skip
    behaviour = pd.DataFrame(
        [(g, m, "text", v, "share", 0.1) for g, (_, *values) in enumerate(groups)
         for m, v in zip(MEASURES, values, strict=True)],
        columns=["community", "measure", "family", "value", "unit", "reference"],
    )  # fmt: skip
    return scores.make(
        communities, found, behaviour, frame("null_scores") if chance is None else chance,
        frame("null_members") if chance_members is None else chance_members, frame("incidence_bits"),
        frame("clean_decisions"), settings=Settings(scores=ScoresSettings(model=model)),
    )  # fmt: skip


def test_the_whole_ring_stands_and_its_part_gives_way(model: str) -> None:
    """Both score by what they do; the part shares its templates with the rest of the ring, which lies outside it."""
    made = _judged(model, [(range(6), 0.9, 0.1), (range(14), 0.9, 0.9), (range(20, 30), 0.0, 0.1)])
    assert made.candidates["candidate"].tolist() == [0]
    assert made.candidate_cores["account_id"].tolist() == [f"a{i:02d}" for i in range(14)]
    assert made.candidates["kind"].tolist() == ["coordinated"]


def test_parts_add_up_to_the_score(model: str) -> None:
    made = _judged(model, [(range(14), 0.9, 0.9), (range(20, 30), 0.9, 0.1)])
    parts = made.candidate_parts.pivot(index="candidate", columns="part", values="bits")
    whole = np.log2([0.9 / 0.1, 0.2 / 0.8])
    assert parts["whole"].tolist() == pytest.approx(whole.tolist())
    assert parts["handoffs"].tolist() == pytest.approx([6.0, 6.0])
    assert made.candidates["score_bits"].tolist() == pytest.approx((6.0 + whole).tolist())
    assert made.candidates["score"].tolist() == pytest.approx((1 / (1 + 2.0 ** -(6.0 + whole))).tolist())
    assert parts.sum(axis=1).tolist() == pytest.approx(made.candidates["score_bits"].tolist())


def test_a_group_counts_for_more_where_others_are_coordinated(listening: str) -> None:
    """Its own part of the score is the same on both platforms; the other groups add bits there and take them here."""
    ring = (range(14), 0.9, 0.1)
    parts = {}
    for name, value in (("guilty", 0.9), ("innocent", 0.1)):
        made = _judged(listening, [ring, *((range(n, n + 5), value, 0.9) for n in (20, 25, 30))])
        parts[name] = made.candidate_parts.query("candidate == 0").set_index("part")
        bits = float(made.candidates["score_bits"][0])
        assert bits == pytest.approx(parts[name]["bits"].sum())
        assert made.candidates["score"][0] == pytest.approx(1 / (1 + 2.0**-bits))
    guilty, innocent = parts["guilty"].loc["elsewhere"], parts["innocent"].loc["elsewhere"]
    high = 1 / (1 + 2.0 ** -(6.0 + np.log2(9.0)))  # of each of the other three; ten groups of one half weigh against
    assert guilty["value"] == pytest.approx((3 * high + 5.0) / 13.0)
    assert (guilty["bits"], innocent["bits"]) == (0.5, -0.5)
    assert parts["guilty"]["bits"].drop("elsewhere").equals(parts["innocent"]["bits"].drop("elsewhere"))


def test_what_leans_counts_and_trees_are_believed_up_to_a_bound(tmp_path: Path) -> None:
    """Half of each part stays; of the nine bits that they make together two are believed; the measure leans by 0.8."""
    leaning = hand_made(tmp_path / "model.json", coordinated="handoffs", whole="text_closed", leaning=1.0)
    made = _judged(leaning, [(range(14), 0.9, 0.9)])
    parts = made.candidate_parts.set_index("part")["bits"]
    so_far = 6.0 + np.log2(9.0)
    assert parts["handoffs"] == pytest.approx(0.5 * 6.0 + 0.8)
    assert parts["whole"] == pytest.approx(0.5 * np.log2(9.0))
    assert parts["start"] == pytest.approx(0.25)
    assert parts["beyond"] == pytest.approx(0.5 * (2.0 - so_far))
    assert made.candidate_parts.set_index("part")["value"]["beyond"] == pytest.approx(so_far)
    assert parts["upheld"] == pytest.approx(0.5 * np.log2(0.4 / 0.6))  # nobody else is there: as is usual
    assert made.candidates["score_bits"].item() == pytest.approx(0.5 * 2.0 + 0.25 + 0.8 + parts["upheld"])
    assert parts.sum() == pytest.approx(made.candidates["score_bits"].item())


def test_parts_of_a_likely_ring_are_no_chance_however_high_they_score(model: str) -> None:
    """Three of its accounts come together in each rewired graph; of a group that is not likely they count."""
    chance = pd.DataFrame({"rewiring": range(7), "community": 0, "size": 3, "link_bits": 5.0})
    chance = chance.assign(trees_bits=30.0, first_bits=30.0 + np.linspace(0.001, 0.01, 7))
    members = pd.DataFrame([(n, 0, f"a{i:02d}") for n in range(7) for i in range(3)],
                           columns=["rewiring", "community", "account_id"])  # fmt: skip
    likely, doubtful = (
        _judged(model, [(range(6), handed, 0.9)], chance, members).candidates for handed in (0.9, 0.3)
    )
    assert likely["score"].tolist()[0] > 0.5 and likely["q_value"].tolist()[0] < 1.0
    assert doubtful["score"].tolist()[0] < 0.5 and doubtful["q_value"].tolist() == [1.0]


def test_rewired_groups_are_judged_as_if_they_stood_in_the_run(tmp_path: Path) -> None:
    """Four rings uphold each other; rewired groups of which trees and leanings say the same score the same there,
    though in a graph of their own nothing would uphold them."""
    leaning = hand_made(tmp_path / "model.json", coordinated="handoffs", whole="text_closed", leaning=1.0)
    rings = [(range(n, n + 6), 0.9, 0.9) for n in (0, 6, 12, 18)]
    first = 0.5 * 2.0 + 0.25 + 0.8 + np.linspace(0.001, 0.01, 7)
    chance = pd.DataFrame({"rewiring": range(7), "community": 0, "size": 6, "link_bits": 5.0})
    made = _judged(leaning, rings, chance.assign(trees_bits=6.0 + np.log2(9.0), first_bits=first))
    assert made.candidates["q_value"].tolist() == pytest.approx([8 / 7 / 4] * 4)  # one a graph and one, for four rings


def test_large_rewired_groups_are_refused_less_as_groups_of_the_run_are() -> None:
    leanings = read_model().leanings
    chance = pd.DataFrame({"size": [6, 32, 512], "trees_bits": -10.0, "first_bits": -1.0})
    run: Any = SimpleNamespace(upheld=np.array([0.2, 0.5]))
    small, usual, large = scores._as_in_this_run(chance, leanings, run).tolist()
    assert small == usual
    assert large - usual == pytest.approx(0.8 * 10.0 * leanings.trust.refused)


@pytest.mark.parametrize(("offset", "kind"), [(-6.0, "coordinated"), (-9.0, "unclear")])
def test_in_doubt_an_innocent_explanation_is_the_best(tmp_path: Path, offset: float, kind: str) -> None:
    """One rival takes all that the score leaves: 0.9 stands against 0.1, and 0.53 against 0.47 is not enough."""
    doubtful = hand_made(tmp_path / "model.json", coordinated="handoffs", whole="text_closed", offset=offset)
    made = _judged(doubtful, [(range(14), 0.9, 0.9)])
    assert made.candidates["score"].item() == pytest.approx(1 / (1 + 2.0 ** -(6.0 + np.log2(9.0) + offset)))
    assert made.candidates["score"].item() > 0.5
    assert made.candidates["kind"].tolist() == [kind]


def test_a_group_has_no_say_about_itself(listening: str) -> None:
    made = _judged(listening, [(range(14), 0.9, 0.9)])
    alone = made.candidate_parts.set_index("part").loc["elsewhere"]
    assert (alone["value"], alone["bits"]) == (0.5, -0.5)  # not more than half


@pytest.mark.parametrize(("bests", "lowest", "highest"), [
    ([1.0, 1.5, 2.0, 0.5, 1.2, 1.8, 0.9], 0.0, 0.01),  # far above what chance makes, though counting stops at 1 / 7
    ([1.0, 1.5], 0.5, 0.5),  # too few to tell their law from: counting alone
    ([9.0, 4.0, 12.0, 8.0, 3.0, 11.0, 6.0], 0.2, 0.43),  # chance does as well
])  # fmt: skip
def test_a_single_ring_is_weighed_against_the_best_of_chance(
    model: str, bests: list[float], lowest: float, highest: float
) -> None:
    chance = pd.DataFrame({"rewiring": range(len(bests)), "community": 0, "size": 5, "link_bits": 5.0})
    made = _judged(model, [(range(14), 0.9, 0.9)], chance.assign(trees_bits=bests, first_bits=bests))
    assert lowest <= made.candidates["q_value"].item() <= highest
