"""Chance for synthetic worlds: a seeded generator whose ranges can be shifted, and stateless hashing of arrays.

Two kinds of chance are needed. What is decided once (who lives where) comes from `Dice`. What must be the same
whenever it is asked for (the address of a home at noon, the first sentence of a conversation) comes from `mix`, which
has no state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _scramble(x: Hashes) -> Hashes:
    """The finisher of SplitMix64 (Steele, Lea and Flood 2014), in place."""
    x ^= x >> np.uint64(30)
    x *= _FIRST
    x ^= x >> np.uint64(27)
    x *= _SECOND
    x ^= x >> np.uint64(31)
    return x


def _as_u64(part: NDArray[np.generic] | int) -> Hashes:
    if isinstance(part, int):
        return np.array(part & 0xFFFFFFFFFFFFFFFF, dtype=np.uint64)
    return part.astype(np.uint64 if part.dtype == np.uint64 else np.int64, copy=False).view(np.uint64)


def mix(*parts: NDArray[np.generic] | int) -> Hashes:
    """Hash integer arrays (or single integers) of one broadcast shape into 64-bit words; equal inputs give equal
    words.
    """
    with np.errstate(over="ignore"):
        x = np.atleast_1d(_as_u64(parts[0])) + _GOLDEN
        x = _scramble(x)
        for part in parts[1:]:
            x = x + _as_u64(part) * _GOLDEN + _GOLDEN
            x = _scramble(x)
    return x


def stream(words: Hashes, index: Ints) -> Hashes:
    """The index-th draw of the stream that each word begins; cheaper than `mix`."""
    return _scramble(words + (index + 1).view(np.uint64) * _GOLDEN)


def unit(words: Hashes) -> Floats:
    """Hash words as numbers in [0, 1)."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(words: Hashes, n: NDArray[np.generic] | int) -> Ints:
    """Hash words as whole numbers in [0, n), for n below 2**32."""
    many = np.uint64(n) if isinstance(n, int) else n.astype(np.uint64)
    return (((words >> np.uint64(32)) * many) >> np.uint64(32)).view(np.int64)


def standard_normal(rows: Ints, seed: int) -> Floats:
    """A standard normal number for each row, the same whenever it is asked for (Box and Muller 1958)."""
    a, b = unit(mix(rows, seed, 21)), unit(mix(rows, seed, 22))
    return np.asarray(np.sqrt(-2 * np.log1p(-a)) * np.cos(2 * np.pi * b))


def seed_of(*words: str | int | float) -> int:
    """A 63-bit seed from words, the same on every machine and for every PYTHONHASHSEED."""
    digest = hashlib.blake2b("\x1f".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Dice:
    """A seeded generator. `shift` moves every range by that share of its own width, so a world's settings can be
    shifted.
    """

    def __init__(self, *seed: str | int | float, shift: float = 0.0) -> None:
        self._words = seed
        self.shift = shift
        self.rng = np.random.Generator(np.random.PCG64(seed_of(*seed)))

    def child(self, *words: str | int) -> Dice:
        """A generator of its own for a part, so that a change elsewhere does not move it."""
        return Dice(*self._words, *words, shift=self.shift)

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high], moved by the shift, though never past zero."""
        moved = float(low + (high - low) * (self.rng.random() + self.shift))
        return max(moved, min(low, 0.1 * low)) if low >= 0 else moved

    def share(self, low: float, high: float) -> float:
        """As `between`, kept in [0.01, 0.99]."""
        return min(0.99, max(0.01, self.between(low, high)))

    def log_between(self, low: float, high: float) -> float:
        """Log-uniform in [low, high], moved by the shift."""
        span = np.log(high) - np.log(low)
        return float(np.exp(np.log(low) + span * (self.rng.random() + self.shift)))

    def whole(self, low: int, high: int) -> int:
        """A whole number in [low, high], both ends possible; the shift moves it, never below `low`."""
        return max(low, int(np.floor(low + (high + 1 - low) * (self.rng.random() + self.shift))))

    def index(self, n: int) -> int:
        """A whole number in [0, n), which no shift moves."""
        return int(self.rng.integers(n))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self.rng.integers(len(values)))]

    def weighted(self, values: Sequence[T], weights: Sequence[float]) -> T:
        p = np.asarray(weights, dtype=np.float64)
        return values[int(self.rng.choice(len(values), p=p / p.sum()))]

    def words(self, n: int) -> Hashes:
        """n fresh 64-bit words, none of them 0 (0 stands for nothing)."""
        return self.rng.integers(1, 2**63, size=n, dtype=np.uint64)
