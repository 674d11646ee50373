"""The cast of a synthetic world: one row of columns an account, added group by group, then shuffled and given opaque
ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.worlds.dice import Dice, Hashes, Ints

SLOTS = 3  # ways to the network, clients and frames that an account may have at most
N_FRAMES = 8

# column: (dtype, number of values an account, default)
COLUMNS: dict[str, tuple[Any, int, Any]] = {
    "population": (np.int16, 1, 0),
    "group": (np.int64, 1, -1),
    "ring": (np.int64, 1, -1),
    "pool": (np.int64, 1, -1),
    "born": (np.float64, 1, -100.0),  # day of creation, counted from the start of the world
    "dead": (np.float64, 1, 1e9),  # day of suspension or closing
    "active_from": (np.float64, 1, -1e9),  # bought accounts sleep before
    "plan": (np.int8, 1, 0),
    "country": (np.int16, 1, 0),
    "mail": (np.int64, 1, 0),
    "organization": (np.int64, 1, -1),
    "language": (np.int8, 1, 0),
    "rate": (np.float64, 1, 3.0),
    "activity": (np.float64, 1, 0.5),  # share of days with any request
    "weekend": (np.float64, 1, 1.0),
    "burst": (np.float64, 1, 1.5),  # shape of the gamma day-to-day variation
    "ahead": (np.float64, 1, 0.0),  # hours ahead of UTC
    "profile": (np.int16, 1, 0),
    "session": (np.float64, 1, 4.0),  # mean requests a session
    "gap": (np.float64, 1, 90.0),  # mean seconds between requests of a session
    "net": (np.int64, SLOTS, 0),
    "net_weight": (np.float64, SLOTS, 0.0),
    "net_key": (np.uint64, SLOTS, 0),
    "device": (np.uint64, 2, 0),
    "client": (np.int16, 2, 0),
    "second_client": (np.float64, 1, 0.2),
    "lag": (np.int8, 1, 0),
    "model": (np.int8, 1, 0),
    "card": (np.uint64, 2, 0),
    "card_switch": (np.float64, 1, 1e9),
    "card_fresh": (np.bool_, 1, False),  # a new fingerprint with every charge
    "frame": (np.int64, N_FRAMES, -1),
    "frame_weight": (np.float64, N_FRAMES, 0.0),
    "free": (np.float64, 1, 1.0),  # share of requests that are free text
    "topic": (np.int16, 3, 0),
    "answer": (np.float64, 1, 400.0),  # mean tokens of an answer
    "scheduled": (np.bool_, 1, False),  # its ring's relay sends its requests
}

_WORD = "abcdefghijkmnpqrstuvwxyz23456789"


class Cast:
    """Columns of accounts. `add` returns the rows added, by which columns may be set until `seal`."""

    def __init__(self) -> None:
        self._parts: dict[str, list[NDArray[Any]]] = {name: [] for name in COLUMNS}
        self.n = 0

    def add(self, n: int, **columns: Any) -> Ints:
        """Add n accounts. Each keyword is a column: a single value, n values, or n rows of a wide column."""
        unknown = set(columns) - set(COLUMNS)
        if unknown:
            raise KeyError(f"no such columns of accounts: {sorted(unknown)}")
        for name, (dtype, width, default) in COLUMNS.items():
            shape = (n,) if width == 1 else (n, width)
            self._parts[name].append(np.broadcast_to(np.asarray(columns.get(name, default), dtype=dtype), shape).copy())
        self.n += n
        return np.arange(self.n - n, self.n)

    def peek(self, name: str) -> NDArray[Any]:
        """A column of the accounts added so far, in the order in which they were added."""
        joined = np.concatenate(self._parts[name])
        self._parts[name] = [joined]
        return joined

    def seal(self, dice: Dice, days: int) -> Ints:
        """Shuffle the accounts; afterwards columns are attributes (`column`). Returns the new row of each old one.

        Nobody can know of an account that begins after the world's last day: it is moved back into its second half.
        """
        order = dice.rng.permutation(self.n)
        self._columns = {name: np.concatenate(parts)[order] for name, parts in self._parts.items()}
        begin = np.maximum(self["born"], self["active_from"])
        late = np.flatnonzero(begin > days - 1)
        back = begin[late] - dice.rng.uniform(0.5, 1.0, size=len(late)) * (days - 1)
        for name in ("born", "active_from", "dead", "card_switch"):
            self._columns[name][late] -= back
        new_row = np.empty(self.n, dtype=np.int64)
        new_row[order] = np.arange(self.n)
        return new_row

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]


def opaque(words: Hashes, prefix: str, length: int = 12) -> list[str]:
    """Ids that tell nothing: a prefix and `length` characters drawn from each word."""
    letters = np.frombuffer(_WORD.encode(), dtype=np.uint8)
    digits = (words[:, None] >> (np.arange(length, dtype=np.uint64) * np.uint64(5))[None, :]) & np.uint64(31)
    body = np.ascontiguousarray(letters[digits.astype(np.int64)])
    return [prefix + word.decode() for word in body.view(f"S{length}").ravel()]


def account_ids(n: int, dice: Dice) -> list[str]:
    """n distinct account ids in sorted order."""
    found: set[str] = set()
    while len(found) < n:
        found.update(opaque(dice.words(n - len(found)), "acct_"))
    return sorted(found)
