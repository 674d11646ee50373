"""Fingerprints of a prompt: the smallest hashes of its runs of words, one or more in every window (winnowing).

Two prompts that share a stretch of `width + window - 1` words share at least one fingerprint of it, wherever the
stretch stands; a fingerprint depends on the words near it and on nothing else (Schleimer, Wilkerson, Aiken 2003).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import STEP, U64, mix
from pipeline.text.tokens import I64, Tokens

WIDTH = 3  # words in a run
WIDTH_UNSPACED = 7  # characters in a run, in scripts without spaces
WINDOW = 3  # runs among which the smallest is kept


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of some prompts, in the order of the text: those of prompt i are values[offsets[i]:offsets[i+1]]."""

    offsets: I64
    values: U64


def run_hashes(hashes: U64, width: int) -> U64:
    """Hash every run of `width` words; shape (max(0, len(hashes) - width + 1),)."""
    count = max(0, len(hashes) - width + 1)
    total = np.zeros(count, np.uint64)
    for place in range(width):
        total += hashes[place : place + count] * np.uint64(pow(STEP, place + 1, 1 << 64))
    return mix(total)


def fingerprint(tokens: Tokens) -> Fingerprints:
    """Return the winnowed fingerprints of each prompt; a prompt shorter than a run has one, of all its words."""
    offsets, hashes = tokens.offsets, tokens.hashes
    n_rows, size = len(offsets) - 1, len(hashes)
    row_of = np.repeat(np.arange(n_rows), np.diff(offsets))
    left_over = offsets[1:][row_of] - np.arange(size)  # words from here to the end of the prompt
    runs = np.zeros(size, np.uint64)
    whole = np.zeros(size, np.bool_)
    for width, chosen in ((WIDTH, ~tokens.unspaced), (WIDTH_UNSPACED, tokens.unspaced)):
        fits = chosen & (left_over >= width)
        if fits.any():
            places = np.flatnonzero(fits)
            runs[places] = run_hashes(hashes, width)[places]
            whole |= fits
    places = np.flatnonzero(whole)
    kept = places[winnow(runs[places], row_of[places], n_rows)]
    bare = np.flatnonzero((np.bincount(row_of[places], minlength=n_rows) == 0) & (np.diff(offsets) > 0))
    rows = np.concatenate([row_of[kept], bare])
    values = np.concatenate([runs[kept], _whole_rows(hashes, offsets, bare)])
    order = np.argsort(rows, kind="stable")
    return Fingerprints(np.searchsorted(rows[order], np.arange(n_rows + 1)).astype(np.int64), values[order])


def _whole_rows(hashes: U64, offsets: I64, rows: npt.NDArray[np.intp]) -> U64:
    """Hash all words of prompts that are shorter than a run."""
    total = (offsets[rows + 1] - offsets[rows]).astype(np.uint64)
    for place in range(WIDTH_UNSPACED):
        inside = offsets[rows] + place < offsets[rows + 1]
        index = np.minimum(offsets[rows] + place, max(0, len(hashes) - 1))
        word = hashes[index] if len(hashes) else np.zeros(len(rows), np.uint64)
        total = total + np.where(inside, word * np.uint64(pow(STEP, place + 1, 1 << 64)), np.uint64(0))
    return mix(total)


def winnow(runs: U64, row_of: I64, n_rows: int, window: int = WINDOW) -> npt.NDArray[np.intp]:
    """Return the places that are the smallest (the rightmost of equals) in some window of `window` runs of their row.

    A row with fewer runs than a window counts as one window.
    """
    size = len(runs)
    left = np.zeros(size, np.int64)
    right = np.zeros(size, np.int64)
    open_left = np.ones(size, np.bool_)
    open_right = np.ones(size, np.bool_)
    for step in range(1, window):
        open_left[:step] = False
        open_right[max(0, size - step) :] = False
        if size > step:
            same = row_of[step:] == row_of[:-step]
            open_left[step:] &= same & (runs[:-step] >= runs[step:])
            open_right[:-step] &= same & (runs[step:] > runs[:-step])
        left += open_left
        right += open_right
    per_row = np.bincount(row_of, minlength=n_rows) if size else np.zeros(n_rows, np.int64)
    needed = np.minimum(window, per_row[row_of]) if size else left
    return np.flatnonzero(left + right + 1 >= needed)


def without_repeats(prints: Fingerprints) -> Fingerprints:
    """Keep the first of equal fingerprints in a prompt: one that repeats itself counts once."""
    n_rows, size = len(prints.offsets) - 1, len(prints.values)
    rows = np.repeat(np.arange(n_rows), np.diff(prints.offsets))
    order = np.lexsort((prints.values, rows))
    first = np.ones(size, np.bool_)
    same = (rows[order][1:] == rows[order][:-1]) & (prints.values[order][1:] == prints.values[order][:-1])
    first[order[1:][same]] = False
    if first.all():
        return prints
    kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(first)])
    return Fingerprints(kept[prints.offsets], prints.values[first])
