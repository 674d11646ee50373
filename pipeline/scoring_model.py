"""The scoring model: trees over the measures, calibration, rival explanations; one file for every figure.

It is trained on synthetic worlds only (`tests/benchmarks/train_model.py`) and never on those it is reported on. Its
digest stands in each run's manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.additive import AdditiveModel
from graphs.forest import Forest
from graphs.ties import Groups
from pipeline.affinity import AffinityModel
from pipeline.belonging import BelongingModel
from pipeline.context import Context, Usual, whole_among
from pipeline.leanings import Leanings

Floats = npt.NDArray[np.float64]

SHIPPED = "scoring_model.json"


@dataclass(frozen=True, eq=False)
class ScoringModel:
    """`measures` name the columns; `coordinated` gives the score of a group on its own, a part a measure.

    `whole` expects from the same measures how much a group overlaps with one ring (Jaccard index); its log odds count
    `whole_weight` times and are a part of the score. Both together are log odds in bits. `among` corrects
    `whole` by the groups that overlap, which settles what stands, and `context` corrects the score of what stands by
    the rest of the run; `leanings` say what of it is left wherever a log comes from (without them, all of it).
    `rivals` weigh innocent kinds among themselves, `affinity` weighs pairs of accounts for the search, `belonging`
    says who belongs to a ring (a model may lack it). `slope` and `offset` calibrate the sum:
    probability = 1 / (1 + 2 ** -(slope * bits + offset)).
    """

    measures: tuple[str, ...]
    coordinated: Forest
    whole: Forest
    whole_weight: float
    among: Forest
    context: Context
    leanings: Leanings
    rivals: dict[str, AdditiveModel]
    slope: float
    offset: float
    affinity: AffinityModel
    belonging: BelongingModel | None
    digest: str

    def wholeness(self, x: npt.ArrayLike) -> Floats:
        """Expected Jaccard index of each group with one ring, between 0.01 and 0.99."""
        return np.asarray(np.clip(np.round(self.whole.total_bits(x), 9), 0.01, 0.99), dtype=np.float64)

    def whole_among(self, groups: Groups, x: Floats, bits: Floats, whole: Floats) -> Floats:
        """Expected Jaccard index of each group with one ring, when its overlaps are known; `bits` of it on its own.

        Groups of which many members belong to no ring count for less, to nothing.
        """
        return whole_among(groups, x, bits, whole, self.among)

    def whole_bits(self, whole: Floats) -> Floats:
        """The part of the score that comes from being whole, in bits."""
        return np.asarray(self.whole_weight * np.log2(whole / (1.0 - whole)), dtype=np.float64)

    def score_bits(self, x: npt.ArrayLike) -> Floats:
        """Score of groups on their own: trees over the measures, and being whole."""
        return np.asarray(self.coordinated.score_bits(x) + self.whole_bits(self.wholeness(x)), dtype=np.float64)

    def calibrated(self, bits: npt.ArrayLike) -> Floats:
        """Calibrated probability of scores in bits."""
        given = np.clip(self.slope * np.asarray(bits, dtype=float) + self.offset, -50.0, 50.0)
        return np.asarray(1.0 / (1.0 + np.exp2(-given)), dtype=np.float64)

    def explanations(self, x: npt.ArrayLike, score: Floats) -> dict[str, Floats]:
        """Probability of each kind: the score for `coordinated`, the rest shared out among the rivals."""
        weights = {kind: np.asarray(model.probability(x)) + 1e-6 for kind, model in sorted(self.rivals.items())}
        total = np.sum(list(weights.values()), axis=0)
        return {"coordinated": score, **{kind: (1.0 - score) * w / total for kind, w in weights.items()}}


def shipped_model() -> Path:
    """Where the shipped model lies."""
    return Path(str(resources.files("pipeline") / SHIPPED))


def read_model(path: str = "") -> ScoringModel:
    """The model of a file, or the shipped one. Raises ValueError where the file is no model."""
    return _model_of((Path(path) if path else shipped_model()).read_text())


@lru_cache(maxsize=2)
def _model_of(text: str) -> ScoringModel:
    """A model from what its file says; kept, since four stages of a run ask for the same one."""
    given: Mapping[str, Any] = json.loads(text)
    return ScoringModel(
        measures=tuple(given["measures"]),
        coordinated=Forest.from_dict(given["coordinated"]),
        whole=Forest.from_dict(given["whole"]["forest"]),
        whole_weight=float(given["whole"]["weight"]),
        among=Forest.from_dict(given["among"]),
        context=Context(
            Usual(**{name: float(value) for name, value in given["context"]["usual"].items()}),
            Forest.from_dict(given["context"]["forest"]),
        ),
        leanings=Leanings.from_dict(given.get("leanings"), given["measures"]),
        rivals={kind: AdditiveModel.from_dict(m) for kind, m in given["rivals"].items()},
        slope=float(given["calibration"]["slope"]),
        offset=float(given["calibration"]["offset"]),
        affinity=AffinityModel(tuple(given["affinity"]["features"]), Forest.from_dict(given["affinity"]["forest"])),
        belonging=(
            BelongingModel(tuple(told["features"]), Forest.from_dict(told["forest"]))
            if (told := given.get("belonging"))
            else None
        ),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
