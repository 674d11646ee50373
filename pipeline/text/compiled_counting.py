"""The loops of `counting`, compiled. Importing this module imports numba; nothing needs it."""

from typing import Any

import numba
import numpy as np

_jit = numba.njit(cache=True, nogil=True)
_MOST = np.uint8(255)


@_jit
def count_bins(prints: Any, offsets: Any, rows: Any, shift: Any, counts: Any) -> None:
    """Count fingerprints by their upper bits, no higher than 255."""
    for row in rows:
        for place in range(offsets[row], offsets[row + 1]):
            group = prints[place] >> shift
            if counts[group] < _MOST:
                counts[group] += np.uint8(1)


@_jit
def count_likely(prints: Any, offsets: Any, rows: Any, shift: Any, counts: Any, least: Any, found: Any) -> None:
    """Count for each row the fingerprints whose count is high enough."""
    for number in range(len(rows)):
        row = rows[number]
        total = 0
        for place in range(offsets[row], offsets[row + 1]):
            total += counts[prints[place] >> shift] >= least
        found[number] = total


@_jit
def read_likely(
    prints: Any, offsets: Any, rows: Any, shift: Any, counts: Any, least: Any, owners: Any, places: Any, values: Any
) -> None:
    """Write row, place within the row and value of the fingerprints whose count is high enough."""
    reached = 0
    for number in range(len(rows)):
        first = offsets[rows[number]]
        for place in range(first, offsets[rows[number] + 1]):
            if counts[prints[place] >> shift] >= least:
                owners[reached] = number
                places[reached] = place - first
                values[reached] = prints[place]
                reached += 1
