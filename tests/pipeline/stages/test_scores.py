"""Groups are judged by a model of two questions whose answers are known: how coordinated, and how whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
