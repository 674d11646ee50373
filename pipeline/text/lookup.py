"""Finding many fingerprints among many: a table by upper bits, because fingerprints are spread evenly."""

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import U64
from pipeline.text.tokens import I64


class Lookup:
    """The places of values, sorted and distinct, that are spread over all 64 bits."""

    def __init__(self, values: U64) -> None:
        """Lay out the table; its size follows the number of values."""
        bits = min(22, max(10, len(values).bit_length() + 2))
        self.values = values
        self._shift = np.uint64(64 - bits)
        counts = np.bincount((values >> self._shift).astype(np.int64), minlength=1 << bits)
        self._firsts = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
        self._known = counts > 0  # small, so that most of what is not there costs little

    @property
    def tables(self) -> tuple[U64, npt.NDArray[np.int32], npt.NDArray[np.bool_], np.uint64]:
        """For loops of their own: values, first place by upper bits, which upper bits occur, by how much to shift."""
        return self.values, self._firsts, self._known, self._shift

    def find(self, wanted: U64) -> I64:
        """Return the place of each of `wanted` among the values, -1 where it is none of them."""
        places = np.full(len(wanted), -1, np.int64)
        bins = wanted >> self._shift
        open_ones = np.flatnonzero(self._known[bins])
        if len(open_ones) < len(wanted):
            wanted, bins = wanted[open_ones], bins[open_ones]
        place, end = self._firsts[bins], self._firsts[bins + np.uint64(1)]
        while len(open_ones):
            hit = self.values[place] == wanted
            places[open_ones[hit]] = place[hit]
            place = place + np.int32(1)
            on = np.flatnonzero(~hit & (place < end))
            open_ones, wanted, place, end = open_ones[on], wanted[on], place[on], end[on]
        return places
