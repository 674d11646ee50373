"""What a run says of a group beside what it does itself: how likely the others are, and those that overlap with it.

It is asked twice: how whole a group is, before overlaps are settled, and how likely it is, after.
"""

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
AMONG: tuple[str, ...] = (WHOLE, "alone", *OVERLAP)

_LEAST_WHOLE = 0.03  # what is expected to be less of any ring is not looked at again


def whole_among(groups: Groups, x: Floats, bits: Floats, whole: Floats, forest: Forest) -> Floats:
    """Expected overlap of each group with one ring, corrected by the groups that overlap with it: a mixture has none.

    `x`, `bits` and `whole` hold every group: measures, log odds on its own, overlap expected from its measures alone.
    `forest` asks for the measures and the columns `AMONG`.
    """
    return settled(whole, *among(groups, x, bits, whole), forest)


def settled(whole: Floats, asked: npt.NDArray[np.int64], columns: Floats, forest: Forest) -> Floats:
    """`whole` with what the forest says of the rows `asked` in its place."""
    out = whole.astype(np.float64)
    out[asked] = np.clip(np.round(forest.total_bits(columns), 9), 0.01, 0.99)
    return out


def among(groups: Groups, x: Floats, bits: Floats, whole: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Numbers of the groups that are looked at again, and for each its measures and the columns `AMONG`."""
    asked = np.flatnonzero(whole > _LEAST_WHOLE)
    around = overlapping.neighbours(groups, asked, bits)
    return asked, np.column_stack((x[asked], whole[asked], bits[asked], around))


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
