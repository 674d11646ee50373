"""What a run says of a group beside what it does itself: how likely the others are, and those that overlap with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs import neighbours as overlapping
from graphs.additive import bits_to_probability
from graphs.forest import Forest
from graphs.ties import Groups

Floats = npt.NDArray[np.float64]

WHOLE, ELSEWHERE = "whole", "elsewhere"
OVERLAP: tuple[str, ...] = overlapping.NAMES
CONTEXT: tuple[str, ...] = (WHOLE, ELSEWHERE, *OVERLAP)


@dataclass(frozen=True)
class Usual:
    """Among the groups that stand a share `share` was coordinated in training; a run's own share counts against
    `groups` groups with that share, so that a small run says little."""

    share: float
    groups: float

    def elsewhere(self, probability: Floats) -> Floats:
        """Share of coordinated groups that is expected among all others: one value a group that stands."""
        others = probability.sum() - probability + self.groups * self.share
        return np.asarray(np.round(others / (probability.size - 1 + self.groups), 9), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Placed:
    """Parts of the score of each group that stands, in bits: by measure, and from its place in the run."""

    start: float
    measures: Floats
    whole: Floats
    elsewhere: Floats
    overlap: Floats
    share_elsewhere: Floats

    def total(self) -> Floats:
        """All parts added up."""
        return np.asarray(
            self.start + self.measures.sum(axis=1) + self.whole + self.elsewhere + self.overlap, dtype=np.float64
        )


@dataclass(frozen=True, eq=False)
class Context:
    """Trees over a group's measures and its context, which correct the score that it has on its own, in bits."""

    usual: Usual
    forest: Forest

    def place(self, groups: Groups, stands: npt.NDArray[np.int64], x: Floats, bits: Floats, whole: Floats) -> Placed:
        """Parts for the groups numbered `stands`. `x`, `bits` and `whole` hold every group: measures, log odds on its
        own, expected overlap with one ring."""
        around = context_of(groups, stands, bits, whole, self.usual)
        n = x.shape[1]
        parts = np.round(self.forest.parts(np.column_stack((x[stands], around))), 9)
        return Placed(
            start=self.forest.bias, measures=parts[:, :n], whole=parts[:, n], elsewhere=parts[:, n + 1],
            overlap=np.round(parts[:, n + 2 :].sum(axis=1), 9), share_elsewhere=around[:, 1],
        )  # fmt: skip


def context_of(
    groups: Groups, stands: npt.NDArray[np.int64], bits: Floats, whole: Floats, usual: Usual
) -> Floats:
    """The columns `CONTEXT` for the groups numbered `stands`; the other arguments as in `Context.place`."""
    elsewhere = usual.elsewhere(np.asarray(bits_to_probability(bits[stands]), dtype=np.float64))
    return np.column_stack((whole[stands], elsewhere, overlapping.neighbours(groups, stands, bits)))
