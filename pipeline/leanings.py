"""What is left of a score wherever a log comes from: a share of it, and a line for each measure that leans one way.

Trees learn what gave rings away in the worlds they were grown on, and much of that is the habit of whoever made the
worlds. Which way a measure leans is said here by reason, as the reports on real campaigns have it, and not learned; how
far it leans is fitted on worlds of several makers that have not seen each other's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.additive import AdditiveModel

Floats = npt.NDArray[np.float64]

# More of it is what one operator's accounts do: closely tied, and tied to nobody else; many addresses, new accounts,
# one client, the same hours, no nights; conversations handed on, reasoning asked for.
_FOR = (
    "network_bits", "payment_bits", "text_bits", "tie_bits", "affinity_best", "affinity_bound", "affinity_mean",
    "two_families", "payment_closed", "network_closed", "text_closed", "addresses_an_account", "templates_an_account",
    "reasoning", "handoffs", "one_client", "flat_day", "no_rhythm", "synchrony", "creation_burst", "young", "suspended",
)  # fmt: skip
# More of it is what strangers do who have something in common: each is another, with a place, a past and others around.
_AGAINST = (
    "payment_open", "network_open", "text_open", "site", "organisation", "payer_days", "template_rate", "cards_spread",
    "paid_spread", "addresses_spread", "frame_share_spread", "top_template_spread", "templated_spread",
    "volume_spread", "answer_spread", "question_spread", "days_spread", "age_spread",
)  # fmt: skip

LEANINGS: dict[str, int] = {**dict.fromkeys(_FOR, +1), **dict.fromkeys(_AGAINST, -1)}


@dataclass(frozen=True, eq=False)
class Leanings:
    """`share` of the score so far stays, of `most` bits at most; `model` adds a line for each of the measures numbered
    `columns`."""

    share: float
    most: float
    columns: tuple[int, ...]
    model: AdditiveModel

    @property
    def start(self) -> float:
        """Bits that every group gets."""
        return self.model.bias

    def beyond(self, bits: Floats) -> Floats:
        """What is taken from scores so far because they say more than is believed, in bits: nothing, or less."""
        return np.asarray(self.share * (np.minimum(bits, self.most) - bits), dtype=np.float64)

    def parts(self, x: Floats) -> Floats:
        """Bits by row and measure, of the shape of `x`; a measure that is not known or does not lean adds nothing."""
        parts = np.zeros(x.shape)
        parts[:, self.columns] = np.round(self.model.parts(x[:, self.columns]), 9)
        return parts

    def total(self, bits: Floats, x: Floats) -> Floats:
        """Score of rows of measures that scored `bits` so far."""
        left = self.share * bits + self.beyond(bits)
        return np.asarray(left + self.start + self.parts(x).sum(axis=1), dtype=np.float64)

    def to_dict(self, measures: Sequence[str]) -> dict[str, Any]:
        """Plain numbers for a model file; `from_dict` gives back the same."""
        return {
            "share": self.share, "most": self.most, "measures": [measures[i] for i in self.columns],
            "model": self.model.to_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, given: Mapping[str, Any] | None, measures: Sequence[str]) -> Leanings:
        """Read what `to_dict` wrote; without it every score stays as it is."""
        if given is None:
            return cls(1.0, np.inf, (), AdditiveModel(0.0, ()))
        columns = tuple(measures.index(name) for name in given["measures"])
        return cls(float(given["share"]), float(given["most"]), columns, AdditiveModel.from_dict(given["model"]))
