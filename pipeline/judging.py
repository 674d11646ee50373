"""Which of many overlapping groups stand: one rule for the real graph, for rewired ones and for training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphs.additive import bits_to_probability
from graphs.selection import Chosen, choose
from graphs.ties import Groups

Floats = npt.NDArray[np.float64]

_MIN_SIZE = 3
_WHOLE_COUNTS = 2.0
_SIZE_COUNTS = 0.5
_MIN_LEFT = 0.7  # what overlaps with a worthier group stands with the rest, if this share of it is left


def worth(whole: Floats, bits: Floats, size: npt.NDArray[np.int64]) -> Floats:
    """What a group is worth keeping: how much of one ring it is expected to be, how likely it is one, and its size.

    A part of a ring scores as high as the ring; only by being less whole does it give way. Wholeness counts by its
    square, for what is expected of a group of thousands is never quite nothing, and its size must not make up for it.
    """
    likely = np.clip(bits_to_probability(bits), 1e-6, 1.0)
    return np.asarray(
        np.clip(whole, 1e-6, 1.0) ** _WHOLE_COUNTS * likely * size.astype(float) ** _SIZE_COUNTS, dtype=np.float64
    )


def choose_groups(groups: Groups, whole: Floats, bits: Floats) -> Chosen:
    """The groups that stand, by how whole each is expected to be and its log odds on its own: one value a group."""
    return choose(groups, worth(whole, bits, groups.sizes), min_size=_MIN_SIZE, min_left=_MIN_LEFT)
