"""What is left of a score wherever a log comes from: a share of what trees say, and a line for each measure that leans.

Trees learn what gave rings away in the worlds they were grown on, and much of that is the habit of whoever made the
worlds. Which way a measure leans is said here by reason, as the reports on real campaigns have it, and not learned; how
far it leans is fitted on worlds of several makers that have not seen each other's. And how far trees are believed is
asked of the run itself: of the other groups that they call rings, how many do the leanings uphold?

Size is asked beside them: of hundreds of accounts hardly two can be told to belong together, and trees grown on rings
of dozens speak against such a group whatever it does; so they refuse it less. That it is large speaks for nothing:
crowds of strangers are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.additive import AdditiveModel, bits_to_probability, probability_to_bits

Floats = npt.NDArray[np.float64]

# More of it is what one operator's accounts do: closely tied, and tied to nobody else; many addresses, new accounts,
# one client, the same hours, no nights; conversations handed on, reasoning asked for.
_FOR = (
    "network_bits", "payment_bits", "text_bits", "tie_bits", "affinity_best", "affinity_bound", "affinity_mean",
    "two_families", "payment_closed", "network_closed", "text_closed", "addresses_an_account", "templates_an_account",
    "reasoning", "handoffs", "one_client", "flat_day", "no_rhythm", "same_clock", "presence", "synchrony",
    "creation_burst", "young", "suspended",
)  # fmt: skip
# More of it is what a customer has who hides nothing, one place and one card for all; or what strangers do who have
# something in common: each is another, with a place, a past and others around.
_AGAINST = (
    "top_card", "accounts_a_card", "network_reach",
    "payment_open", "network_open", "text_open", "site", "organisation", "payer_days", "template_rate", "cards_spread",
    "paid_spread", "addresses_spread", "frame_share_spread", "top_template_spread", "templated_spread",
    "volume_spread", "answer_spread", "question_spread", "days_spread", "age_spread",
)  # fmt: skip

SIZE = "group_size"
_USUAL_SIZE, _MOST_DOUBLINGS = 5.0, 4.0  # log2 of accounts that rings have (32), and how far beyond size counts (512)

LEANINGS: dict[str, int] = {**dict.fromkeys(_FOR, +1), **dict.fromkeys(_AGAINST, -1)}


@dataclass(frozen=True)
class Trust:
    """How far trees are believed in a run, in bits of what other groups uphold (log odds of their share).

    `lines` counts what the leanings say, `trees` and `trees_upheld` what the trees say, the latter times the bits
    upheld; `upheld` counts these bits by themselves, `start` is for all. A run's own share counts against `groups`
    groups of which a share `usual` is upheld. Where trees speak against a ring, that counts `refused` times besides,
    a fifth less for each doubling of a group beyond 32 accounts, four at most.
    """

    lines: float = 1.0
    trees: float = 0.0
    trees_upheld: float = 0.0
    upheld: float = 0.0
    start: float = 0.0
    groups: float = 10.0
    usual: float = 0.4
    refused: float = 0.0


@dataclass(frozen=True, eq=False)
class Parts:
    """What a score is made of, one value a group: `trees` is the share that each part of what trees say keeps, the
    others are bits: `start`, lines by measure, `beyond` (taken back from the trees), `upheld` by other groups."""

    trees: Floats
    start: Floats
    lines: Floats
    beyond: Floats
    upheld: Floats

    def total(self, bits: Floats) -> Floats:
        """Scores of groups of which the trees say `bits`."""
        added = self.trees * bits + self.start + self.lines.sum(axis=1) + self.beyond + self.upheld
        return np.asarray(added, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Leanings:
    """`model` has a line for each of the measures numbered `columns`, and beside it counts a `share` of what trees say,
    of `most` bits at most; `trust` puts both together. `size` numbers the measure that has the log2 of a group's
    accounts (none: sizes are not asked)."""

    share: float
    most: float
    columns: tuple[int, ...]
    model: AdditiveModel
    trust: Trust
    size: int | None = None

    def first(self, bits: Floats, x: Floats) -> Floats:
        """Log odds of groups by leanings, in bits, before the run is asked: `bits` of trees, `x` rows of measures."""
        lines = self.model.score_bits(x[:, self.columns])
        return np.asarray(np.round(self.share * np.minimum(bits, self.most) + lines, 9), dtype=np.float64)

    def upheld(self, bits: Floats, first: Floats) -> Floats:
        """Of the other groups that trees call rings, the share that `first` upholds: one value a group of a run."""
        called = bits > 0
        probability = np.where(called, bits_to_probability(first), 0.0)
        others = probability.sum() - probability + self.trust.groups * self.trust.usual
        return np.asarray(np.round(others / (called.sum() - called + self.trust.groups), 9), dtype=np.float64)

    def upheld_by(self, bits: Floats, first: Floats) -> float:
        """The same share over all groups of a run, for one that is none of them."""
        called = bits > 0
        probability = bits_to_probability(first[called]).sum() + self.trust.groups * self.trust.usual
        return float(np.round(probability / (called.sum() + self.trust.groups), 9))

    def parts(self, bits: Floats, x: Floats, upheld: Floats) -> Parts:
        """What the scores of groups are made of: `bits` of trees, measures, what other groups uphold (a share)."""
        trust, odds = self.trust, _odds(upheld)
        lines, trees = np.zeros(x.shape), self._kept(odds)
        lines[:, self.columns] = np.round(trust.lines * self.model.parts(x[:, self.columns]), 9)
        return Parts(
            trees=trees, start=np.full(bits.size, trust.lines * self.model.bias + trust.start), lines=lines,
            beyond=np.round(trees * (np.minimum(bits, self.most) - bits) + self._refused(bits, self._large(x)), 9),
            upheld=np.round(trust.upheld * odds, 9),
        )  # fmt: skip

    def total_of(self, bits: Floats, first: Floats, upheld: Floats, accounts: Floats) -> Floats:
        """Scores of groups of which the size and what the leanings say at first are known, and not the measures."""
        trust, odds = self.trust, _odds(upheld)
        large = np.zeros(bits.size) if self.size is None else _doublings(np.log2(accounts))
        beside = self._kept(odds) - trust.lines * self.share  # which `first` has already
        added = trust.lines * first + beside * np.minimum(bits, self.most) + trust.upheld * odds
        return np.asarray(added + self._refused(bits, large) + trust.start, dtype=np.float64)

    def _kept(self, odds: Floats) -> Floats:
        """Share that each part of what trees say keeps."""
        trust = self.trust
        return np.maximum(trust.lines * self.share + trust.trees + trust.trees_upheld * odds, 0.0)

    def _large(self, x: Floats) -> Floats:
        return np.zeros(len(x)) if self.size is None else _doublings(x[:, self.size])

    def _refused(self, bits: Floats, large: Floats) -> Floats:
        """Bits taken because trees speak against a ring."""
        return self.trust.refused * (1.0 - large / (_MOST_DOUBLINGS + 1.0)) * np.minimum(bits, 0.0)

    def total(self, bits: Floats, x: Floats) -> Floats:
        """Scores of all groups of a run."""
        return self.parts(bits, x, self.upheld(bits, self.first(bits, x))).total(bits)

    def to_dict(self, measures: Sequence[str]) -> dict[str, Any]:
        """Plain numbers for a model file; `from_dict` gives back the same."""
        return {
            "share": self.share, "most": self.most, "measures": [measures[i] for i in self.columns],
            "model": self.model.to_dict(), "trust": asdict(self.trust),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, given: Mapping[str, Any] | None, measures: Sequence[str]) -> Leanings:
        """Read what `to_dict` wrote; without it every score stays as it is."""
        if given is None:
            return cls(1.0, np.inf, (), AdditiveModel(0.0, ()), Trust())
        columns = tuple(measures.index(name) for name in given["measures"])
        model = AdditiveModel.from_dict(given["model"])
        size = measures.index(SIZE) if SIZE in measures else None
        return cls(float(given["share"]), float(given["most"]), columns, model, Trust(**given["trust"]), size)


def _doublings(size: Floats) -> Floats:
    """How often groups are twice as large as rings are, from their log2 of accounts: none up to 32, four at most."""
    return np.asarray(np.clip(np.nan_to_num(size) - _USUAL_SIZE, 0.0, _MOST_DOUBLINGS), dtype=np.float64)


def _odds(share: Floats) -> Floats:
    """Log odds in bits of shares that may be none or all."""
    return probability_to_bits(np.clip(share, 0.001, 0.999))
