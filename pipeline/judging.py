"""Which of many overlapping groups stand: one rule for the real graph, for rewired ones and for training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.selection import Chosen, choose
from graphs.ties import Groups

Floats = npt.NDArray[np.float64]

_MIN_SIZE = 3
_MIN_LEFT = 0.7  # what overlaps with a worthier group stands with the rest, if this share of it is left


def worth(score: Floats, found: pd.DataFrame) -> Floats:
    """What a group is worth keeping whole: sure and large first, steady before fleeting. Needs size and stability."""
    sure = np.clip(score, 1e-9, 1 - 1e-9)
    bits = np.log2(sure / (1.0 - sure))
    size = found["size"].to_numpy(float)
    steady = 0.5 + 0.5 * found["stability"].to_numpy(float)
    guilty = np.clip(bits, 0.0, 10.0) * size**0.7
    return np.asarray(np.where(bits > 0, guilty, sure * 0.01 * size**0.3) * steady, dtype=np.float64)


def choose_groups(groups: Groups, score: Floats, found: pd.DataFrame) -> Chosen:
    """The groups that stand, by their calibrated score; `found` has one row a group, in order."""
    return choose(groups, worth(score, found), min_size=_MIN_SIZE, min_left=_MIN_LEFT)
