"""Mine frames from texts in memory, as the stage does from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.text.frames import FrameRules, settle, share
from pipeline.text.labels import Frames, Labels, assign
from pipeline.text.sketches import sketch


@dataclass(frozen=True)
class Mined:
    """Frames and what each text was given."""

    frames: Frames
    labels: Labels

    @property
    def lasting(self) -> npt.NDArray[np.uint64]:
        """The lasting id of each text's frame, 0 where it has none."""
        return np.append(self.frames.ids, np.uint64(0))[self.labels.frame]

    @property
    def private(self) -> npt.NDArray[np.int64]:
        """The frame of each text, -1 where it has none or a popular one."""
        popular = np.append(self.frames.popular, False)
        return np.where(popular[self.labels.frame], -1, self.labels.frame)


def mine(texts: Sequence[str] | pa.Array, accounts: Sequence[str], rules: FrameRules | None = None) -> Mined:
    """Mine frames from all texts."""
    rules = rules or FrameRules(min_events=3)
    column = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    made = sketch(column, compiled=False)
    n_in_row = np.diff(made.offsets)
    rows = np.repeat(np.arange(len(n_in_row)), n_in_row)
    owner = np.unique(np.array(accounts), return_inverse=True)[1].astype(np.int64)
    places = np.arange(len(rows)) - np.repeat(made.offsets[:-1], n_in_row)
    frames = settle(
        share(rows, places, made.prints, n_in_row, owner, made.parted, made.languages, rules.min_events), rules
    )
    return Mined(frames, assign(made.prints, made.offsets, n_in_row, frames))
