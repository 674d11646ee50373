"""Fingerprints of one prompt alone fall out early; those that several share never do, on either path."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.text.counting import MOST, Piece, count, likely, n_likely, no_counts
from pipeline.text.lookup import Lookup
from pipeline.text.sketches import can_compile


def pieces(seed: int) -> list[Piece]:
    """A few pieces of rows, some of which are meant, with fingerprints drawn from a pool and others seen once."""
    dice = np.random.default_rng(seed)
    pool = dice.integers(0, 1 << 63, 300, dtype=np.uint64) * np.uint64(2)
    found = []
    for _ in range(3):
        lengths = dice.integers(0, 30, 200)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        own = dice.integers(0, 1 << 63, offsets[-1], dtype=np.uint64)
        prints = np.where(dice.random(offsets[-1]) < 0.4, dice.choice(pool, offsets[-1]), own)
        found.append(Piece(offsets, prints, np.flatnonzero(dice.random(200) < 0.7)))
    return found


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("least", [2, 4, 1000])
def test_what_is_shared_is_kept(compiled: bool, least: int) -> None:
    if compiled and not can_compile():
        pytest.skip("the extra `fast` is not installed")
    mine, counts = pieces(1), no_counts(20_000)
    for piece in mine:
        count(piece, counts, compiled=compiled)
    rows = [piece.prints[piece.offsets[row] : piece.offsets[row + 1]] for piece in mine for row in piece.rows]
    values, times = np.unique(np.concatenate(rows), return_counts=True)
    often = set(values[times >= min(least, MOST)].tolist())
    for piece in mine:
        size = int(n_likely(piece, counts, least, compiled=compiled).sum())
        owners, places, prints = likely(piece, counts, least, size, compiled=compiled)
        assert np.array_equal(prints, piece.prints[piece.offsets[piece.rows[owners]] + places])
        expected = [
            np.isin(row, list(often)).sum()
            for row in (piece.prints[piece.offsets[r] : piece.offsets[r + 1]] for r in piece.rows)
        ]
        found = n_likely(piece, counts, least, compiled=compiled)
        assert np.array_equal(np.bincount(owners, minlength=len(piece.rows)), found)
        assert (found >= expected).all() and found.sum() < 1.2 * sum(expected) + 20


@pytest.mark.skipif(not can_compile(), reason="the extra `fast` is not installed")
def test_both_paths_give_the_same() -> None:
    tables = [no_counts(20_000), no_counts(20_000)]
    for piece in pieces(2):
        for compiled, counts in zip((False, True), tables, strict=True):
            count(piece, counts, compiled=compiled)
    assert np.array_equal(tables[0], tables[1]) and tables[0].max() <= MOST
    for piece in pieces(2):
        size = int(n_likely(piece, tables[0], 3).sum())
        plain, fast = (likely(piece, tables[0], 3, size, compiled=compiled) for compiled in (False, True))
        assert all(
            np.array_equal(one, other) and one.dtype == other.dtype for one, other in zip(plain, fast, strict=True)
        )


def test_what_is_there_is_found_and_nothing_else() -> None:
    dice = np.random.default_rng(5)
    for size in (0, 1, 3, 5000):
        values = np.unique(dice.integers(0, 1 << 63, size, dtype=np.uint64) * np.uint64(2))
        values = np.append(values, values[-1:] + np.uint64(1))  # neighbours in one place of the table
        wanted = np.concatenate([values[::-1], dice.integers(0, 1 << 63, 500, dtype=np.uint64)])
        known = {int(value): place for place, value in enumerate(values)}
        found = Lookup(values).find(wanted)
        assert found.tolist() == [known.get(int(value), -1) for value in wanted]
