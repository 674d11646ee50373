"""Which fingerprints of a sample several of its prompts may share, told by a table of counts that fits the caches.

Fingerprints are counted by their upper bits. Those of one prompt alone, by far the most, fall out; a few strangers
that fall together stay in and are dropped when the rest is counted one by one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import counted
from pipeline.text.hashing import U64
from pipeline.text.sketches import worth_compiling
from pipeline.text.tokens import I64

MOST = 255  # a count goes no higher

Counts = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Piece:
    """Fingerprints, those of row i at prints[offsets[i]:offsets[i + 1]], and which rows are meant."""

    offsets: I64
    prints: U64
    rows: I64


def no_counts(n_prints: int) -> Counts:
    """Return a table with room for so many fingerprints, in which nothing is counted yet."""
    return np.zeros(1 << min(27, max(16, n_prints.bit_length() + 1)), np.uint8)


def _shift(counts: Counts) -> np.uint64:
    """Return by how many bits a fingerprint is shifted to its place in a table."""
    return np.uint64(65 - len(counts).bit_length())


def count(piece: Piece, counts: Counts, *, compiled: bool | None = None) -> None:
    """Add the fingerprints of a piece to `counts`."""
    if worth_compiling(len(piece.rows)) if compiled is None else compiled:
        from pipeline.text.compiled_counting import count_bins

        count_bins(piece.prints, piece.offsets, piece.rows, _shift(counts), counts)
        return
    bins, times = counted(_bins(piece, counts)[0])
    counts[bins] = np.minimum(counts[bins] + times, MOST)


def n_likely(piece: Piece, counts: Counts, least: int, *, compiled: bool | None = None) -> I64:
    """Return for each row of a piece how many of its fingerprints may be in `least` prompts."""
    least = min(least, MOST)
    if worth_compiling(len(piece.rows)) if compiled is None else compiled:
        from pipeline.text.compiled_counting import count_likely

        found = np.zeros(len(piece.rows), np.int64)
        count_likely(piece.prints, piece.offsets, piece.rows, _shift(counts), counts, np.uint8(least), found)
        return found
    bins, lengths = _bins(piece, counts)
    owner = np.repeat(np.arange(len(piece.rows)), lengths)
    return np.bincount(owner[counts[bins] >= least], minlength=len(piece.rows))


def likely(
    piece: Piece, counts: Counts, least: int, size: int, *, compiled: bool | None = None
) -> tuple[I64, I64, U64]:
    """Return (number of the row within the piece, place within the row, fingerprint) of what may be shared.

    `size` is how many there are, the sum of `n_likely`.
    """
    least = min(least, MOST)
    if worth_compiling(len(piece.rows)) if compiled is None else compiled:
        from pipeline.text.compiled_counting import read_likely

        found = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.uint64)
        read_likely(piece.prints, piece.offsets, piece.rows, _shift(counts), counts, np.uint8(least), *found)
        return found
    index, lengths = index_of(piece)
    values = piece.prints[index]
    kept = np.flatnonzero(counts[values >> _shift(counts)] >= least)
    owner = np.repeat(np.arange(len(piece.rows)), lengths)[kept]
    return owner, (index - piece.offsets[piece.rows].repeat(lengths))[kept], values[kept]


def index_of(piece: Piece) -> tuple[I64, I64]:
    """Return the places of the fingerprints of a piece, row after row, and how many each row has."""
    lengths = piece.offsets[piece.rows + 1] - piece.offsets[piece.rows]
    heads = np.cumsum(lengths) - lengths
    return np.repeat(piece.offsets[piece.rows] - heads, lengths) + np.arange(int(lengths.sum())), lengths


def _bins(piece: Piece, counts: Counts) -> tuple[Any, I64]:
    index, lengths = index_of(piece)
    return piece.prints[index] >> _shift(counts), lengths
