"""The sample once more, by combined fingerprints, for what no frame was found in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.stages._template_sketches import (
    SHARED_PRINTS,
    Part,
    Survey,
    batches_of,
    joined,
    read_sketch,
    shared_of,
    within,
)
from pipeline.text.combined import combine, longer_of, open_to
from pipeline.text.counting import Piece, count, index_of, likely, n_likely, no_counts
from pipeline.text.frames import Shared
from pipeline.text.labels import Frames, assign
from pipeline.workbench import Workbench


def combined_sample(surveyed: Survey, frames: Frames, bench: Workbench, min_events: int) -> Shared:
    """Return the combined fingerprints that prompts without a frame of their own share.

    Many more prompts are looked at than for `frames`: what stands around them or is common is left out by now.
    """
    jobs = [(part, rows, frames) for part, rows in surveyed.work]
    pieces = bench.map(_combined, jobs, what="combine fingerprints")
    counts = no_counts(sum(len(piece.prints) for piece in pieces))
    for piece in pieces:
        count(piece, counts)
    n_shared = joined([n_likely(piece, counts, min_events) for piece in pieces], np.int64)
    kept, _ = within(SHARED_PRINTS, n_shared, surveyed.account, np.arange(len(n_shared)), surveyed.turn)
    drawn = surveyed.some(kept)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(piece.rows) for piece in pieces])])
    cuts = np.searchsorted(kept, starts)
    read = []
    for piece, start, (low, high) in zip(pieces, starts.tolist(), pairwise(cuts.tolist()), strict=False):
        some = Piece(piece.offsets, piece.prints, kept[low:high] - start)
        read.append(likely(some, counts, min_events, int(n_shared[kept[low:high]].sum())))
    n_in_row = joined([np.diff(piece.offsets) for piece in pieces], np.int64)
    return shared_of(drawn, n_in_row[kept], read, cuts, min_events)


def _combined(work: tuple[Part, Any, Frames]) -> Piece:
    """Combine the fingerprints of some rows of a part; rows that have a frame of their own get none."""
    part, rows, frames = work
    longer = longer_of(np.asarray(read_sketch(part, ["language"])["language"]))
    lengths, values = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    first = 0
    for offsets, prints in batches_of(part, "prints"):
        last = first + len(offsets) - 1
        low, high = np.searchsorted(rows, (first, last))
        index, n_in_row = index_of(Piece(offsets, prints, rows[low:high] - first))
        inside = np.concatenate([np.zeros(1, np.int64), np.cumsum(n_in_row)])
        labels = assign(prints[index], inside, n_in_row, frames)
        made = combine(prints[index], inside, open_to(labels, frames), longer[rows[low:high]], frames)
        lengths.append(np.diff(made.offsets))
        values.append(made.values)
        first = last
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths))])
    return Piece(offsets, np.concatenate(values), np.arange(len(rows)))
