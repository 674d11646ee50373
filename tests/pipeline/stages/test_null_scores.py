"""What chance is taken to make: rewired graphs of a platform with a circle in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.settings import NullSettings, Settings
from pipeline.stages import null_scores
from pipeline.stages._entity_classes import CIRCLE
from tests.support.frames import PlainBench, frame

NAMES = [f"a{i:03d}" for i in range(120)]


def by_chance(tmp_path: Path, edges: list[tuple[str, str]], kind: str) -> pd.DataFrame:
    """Groups of rewired graphs where accounts share templates of one class."""
    shared = pd.Series([e for _, e in edges]).value_counts()
    entities = frame("entities", [
        {"entity_type": "template", "entity": e, "class": kind, "family": "text", "n_accounts": int(n), "bits": 5.0,
         "counts": 1.0}
        for e, n in shared.sort_index().items()
    ])  # fmt: skip
    incidence = frame("incidence_bits", [
        {"account_id": a, "entity_type": "template", "entity": e, "bits": 5.0, "n_events": 9, "n_days": 3}
        for a, e in edges
    ])  # fmt: skip
    traits = frame("account_traits", [{"account_id": a, "n_events": 50} for a in NAMES])
    hours = tmp_path / "hours.parquet"
    frame("account_hours").to_parquet(hours, index=False)
    made = null_scores.make(
        incidence, entities, traits, [str(hours)], frame("conversations"),
        settings=Settings(null=NullSettings(rewirings=2)), bench=PlainBench(str(tmp_path)),
    )  # fmt: skip
    return made.null_scores


@pytest.mark.parametrize(("kind", "some"), [("private template", True), (CIRCLE, False)])
def test_chance_shuffles_what_is_shared_but_for_the_templates_of_a_circle(
    tmp_path: Path, kind: str, some: bool
) -> None:
    dice = np.random.default_rng(4)
    edges = [(a, f"t{t:02d}") for a in NAMES for t in dice.permutation(30)[:3]]
    assert bool(len(by_chance(tmp_path, edges, kind))) == some
