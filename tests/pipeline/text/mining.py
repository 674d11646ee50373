"""Mine frames from texts in memory, as the stage does from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.combined import assign_both, combine, combined_rules, longer_of, open_to
from pipeline.text.frames import FrameRules, settle, share
from pipeline.text.labels import Frames, Labels, assign
from pipeline.text.sketches import sketch


@dataclass(frozen=True)
class Mined:
    """Frames, those of combined fingerprints, and what each text was given."""

    frames: Frames
    combined: Frames
    labels: Labels

    @property
    def lasting(self) -> npt.NDArray[np.uint64]:
        """The lasting id of each text's frame, 0 where it has none."""
        return np.concatenate([self.frames.ids, self.combined.ids, np.zeros(1, np.uint64)])[self.labels.frame]

    @property
    def private(self) -> npt.NDArray[np.int64]:
        """The frame of each text, -1 where it has none or a popular one."""
        popular = np.concatenate([self.frames.popular, self.combined.popular, np.zeros(1, np.bool_)])
        return np.where(popular[self.labels.frame], -1, self.labels.frame)


def mine(texts: Sequence[str] | pa.Array, accounts: Sequence[str], rules: FrameRules | None = None) -> Mined:
    """Mine frames from all texts."""
    rules = rules or FrameRules(min_events=3)
    column = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    made = sketch(column, compiled=False)
    owner = np.unique(np.array(accounts), return_inverse=True)[1].astype(np.int64)
    longer, n_in_row = longer_of(made.languages), np.diff(made.offsets)

    def settled(offsets: npt.NDArray[np.int64], values: npt.NDArray[np.uint64], asked: FrameRules) -> Frames:
        n = np.diff(offsets)
        rows = np.repeat(np.arange(len(n)), n)
        places = np.arange(len(rows)) - np.repeat(offsets[:-1], n)
        return settle(share(rows, places, values, n, owner, made.parted, made.languages, asked.min_events), asked)

    frames = settled(made.offsets, made.prints, rules)
    without = open_to(assign(made.prints, made.offsets, n_in_row, frames), frames)
    again = combine(made.prints, made.offsets, without, longer, frames)
    combined = settled(again.offsets, again.values, combined_rules(rules))
    return Mined(frames, combined, assign_both(made.prints, made.offsets, n_in_row, longer, frames, combined))
