"""A scoring model made by hand, whose answers a test can foresee."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from graphs import AdditiveModel, Shape
from pipeline.context import AMONG, CONTEXT


def hand_made(
    place: Path,
    *,
    coordinated: str,
    whole: str,
    slope: float = 1.0,
    offset: float = 0.0,
    elsewhere: float = 0.0,
    leaning: float | None = None,
) -> str:
    """Write a model of two measures to a file and give its path.

    A group scores +6 bits where `coordinated` is above one half, else -6; it is expected to be whole (0.9) where
    `whole` is above one half, else a part (0.2). Pairs have no affinity. Where more than half of the run's other
    groups are expected to be coordinated, `elsewhere` bits are added, else taken. With `leaning`, half of the score
    so far stays, of two bits at most, `coordinated` adds that many bits at 1 and takes as many at 0, and half the log
    odds of what other groups uphold are added.
    """
    measures = [coordinated, whole]
    n, column = len(measures) + len(CONTEXT), len(measures) + CONTEXT.index("elsewhere")
    even = Shape(0, np.array([0.0, 1.0]), np.zeros(2))
    model: dict[str, Any] = {
        "measures": measures, "coordinated": _step(0, -6.0, 6.0), "calibration": {"slope": slope, "offset": offset},
        "whole": {"forest": _step(1, 0.2, 0.9), "weight": 1.0},
        "among": _step(len(measures) + AMONG.index("whole"), 0.2, 0.9, n_features=len(measures) + len(AMONG)),
        "context": {
            "usual": {"share": 0.5, "groups": 10.0}, "forest": _step(column, -elsewhere, elsewhere, n_features=n)
        },
        "rivals": {"unclear": AdditiveModel(0.0, (even, even)).to_dict()},
        "affinity": {"features": ["network_bits"], "forest": {"n_features": 1, "bias": -20.0, "trees": []}},
    }  # fmt: skip
    if leaning is not None:
        line = Shape(1, np.array([0.0, 1.0]), np.array([-leaning, leaning]))
        lines = AdditiveModel(0.25, (line,)).to_dict()
        trust = {"upheld": 0.5, "refused": 0.25}
        told = {"share": 0.5, "most": 2.0, "measures": [coordinated], "model": lines, "trust": trust}
        model["leanings"] = told
    place.write_text(json.dumps(model))
    return str(place)


def _step(feature: int, low: float, high: float, n_features: int = 2) -> dict[str, Any]:
    """One tree: `low` for values up to one half and unknown ones, else `high`."""
    tree = {
        "feature": [feature, -1, -1], "threshold": [0.5, 0.0, 0.0], "missing_left": [True, False, False],
        "left": [1, 0, 0], "right": [2, 0, 0], "value": [(low + high) / 2, low, high],
    }  # fmt: skip
    return {"n_features": n_features, "bias": (low + high) / 2, "trees": [tree]}
