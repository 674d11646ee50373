"""Groups are judged by a model of two questions whose answers are known: how coordinated, and how whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from graphs import AdditiveModel, Shape
from pipeline.settings import ScoresSettings, Settings
from pipeline.stages import scores
from tests.support.frames import frame

MEASURES = ["handoffs", "text_closed"]


def _step(feature: int, low: float, high: float) -> dict[str, Any]:
    """One tree: `low` for values up to one half, else `high`."""
    return {
        "feature": [feature, -1, -1], "threshold": [0.5, 0.0, 0.0], "missing_left": [True, False, False],
        "left": [1, 0, 0], "right": [2, 0, 0], "value": [(low + high) / 2, low, high],
    }  # fmt: skip


def _forest(feature: int, low: float, high: float) -> dict[str, Any]:
    return {"n_features": 2, "bias": (low + high) / 2, "trees": [_step(feature, low, high)]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """+6 bits with hand-offs, -6 without; whole (0.9) where no outsider has its templates, else a part (0.2)."""
    flat = {"n_features": 2, "bias": 0.0, "trees": []}
    place = tmp_path_factory.mktemp("model") / "model.json"
    even = Shape(0, np.array([0.0, 1.0]), np.zeros(2))
    rivals = AdditiveModel(0.0, (even, even)).to_dict()
    given = {
        "measures": MEASURES, "coordinated": _forest(0, -6.0, 6.0), "calibration": {"slope": 1.0, "offset": 0.0},
        "whole": {"forest": _forest(1, 0.2, 0.9), "weight": 1.0}, "rivals": {"unclear": rivals},
        "affinity": {"features": [], "forest": flat | {"n_features": 0}},
    }  # fmt: skip
    place.write_text(json.dumps(given))
    return str(place)


def _judged(model: str, groups: list[tuple[range, float, float]]) -> scores.Scores:
    """Groups as (accounts, hand-offs, closed)."""
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
        communities, found, behaviour, frame("null_scores"), frame("incidence_bits"), frame("clean_decisions"),
        settings=Settings(scores=ScoresSettings(model=model)),
    )  # fmt: skip


def test_the_whole_ring_stands_and_its_part_gives_way(model: str) -> None:
    """Both score by what they do; the part shares its templates with the rest of the ring, which lies outside it."""
    made = _judged(model, [(range(6), 0.9, 0.1), (range(14), 0.9, 0.9), (range(20, 30), 0.0, 0.1)])
    assert made.candidates["candidate"].tolist() == [0]
    assert made.candidate_members["account_id"].tolist() == [f"a{i:02d}" for i in range(14)]
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
