"""Public prompts: what anybody can copy from a list proves nothing about who uses it.

The list holds no words: of each prompt a name and the upper halves of its fingerprints, eight hexadecimal digits each.
`python -m tests.benchmarks.public_list` makes one. Prompts that are popular but on no list are settled later, by who
uses them.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import counted
from pipeline.text.hashing import U64
from pipeline.text.tokens import I64, Flags

LIST = Path(__file__).with_name("public_prompts.csv")
DIGITS = 8  # of a fingerprint in the list
LEAST = 6  # fingerprints that a frame and a listed prompt must share, and
SHARE = 0.6  # this share of the frame's


@cache
def listed(path: Path = LIST) -> tuple[npt.NDArray[np.uint32], I64, tuple[str, ...]]:
    """Return the fingerprints of all listed prompts, sorted, the number of the prompt of each, and their names."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(row["name"], row["prints"]) for row in csv.DictReader(lines)]
    values = np.array(
        [int(text[i : i + DIGITS], 16) for _, text in rows for i in range(0, len(text), DIGITS)], np.uint32
    )
    owner = np.repeat(np.arange(len(rows)), [len(text) // DIGITS for _, text in rows])
    order = np.lexsort((owner, values))
    return values[order], owner[order], tuple(name for name, _ in rows)


def public_frames(values: U64, frame: I64, n_frames: int, path: Path = LIST) -> Flags:
    """Return which frames are listed prompts, given fingerprints and the frame of each."""
    known, owner, names = listed(path)
    upper = (values >> np.uint64(32)).astype(np.uint32)
    low, high = np.searchsorted(known, upper, "left"), np.searchsorted(known, upper, "right")
    entry = np.repeat(np.arange(len(values)), high - low)
    place = np.arange(len(entry)) - np.repeat(np.cumsum(high - low) - (high - low), high - low) + low[entry]
    key, times = counted(frame[entry] * max(1, len(names)) + owner[place])
    most = np.zeros(n_frames, np.int64)
    np.maximum.at(most, key // max(1, len(names)), times)
    return np.asarray(most >= np.maximum(LEAST, SHARE * np.bincount(frame, minlength=n_frames)))
