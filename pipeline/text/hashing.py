"""Sixty-four bit hashes of words and of runs of words, equal on every machine and in every process.

A word is hashed as a polynomial of its symbols, so that the numpy path can take all words of a buffer from one running
sum, and the compiled path can take them one by one.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]

# odd constants without pattern (fractional parts of square roots of primes); overflow wraps on purpose
BASE = 0x9E3779B97F4A7C15 | 1
BASE_INVERSE = pow(BASE, -1, 1 << 64)
MIX_A = 0xBB67AE8584CAA73B
MIX_B = 0x3C6EF372FE94F82B
STEP = 0xA54FF53A5F1D36F1

# hashes of the words that stand for what varies by nature
NUMBER = 0x1111_2222_3333_4441
ADDRESS = 0x1111_2222_3333_4443
CODE = 0x1111_2222_3333_4445
QUOTED = 0x1111_2222_3333_4447


def mix(values: U64) -> U64:
    """Spread every bit of `values` over the whole word; a bijection."""
    mixed = values ^ (values >> np.uint64(32))
    mixed = mixed * np.uint64(MIX_A)
    mixed = mixed ^ (mixed >> np.uint64(29))
    mixed = mixed * np.uint64(MIX_B)
    return np.asarray(mixed ^ (mixed >> np.uint64(32)))


@cache
def powers(count: int) -> tuple[U64, U64]:
    """Return BASE**i and BASE**-i for i below `count`, modulo 2**64."""
    up = np.full(count, BASE, dtype=np.uint64)
    down = np.full(count, BASE_INVERSE, dtype=np.uint64)
    up[0] = down[0] = 1
    return np.cumprod(up, dtype=np.uint64), np.cumprod(down, dtype=np.uint64)


def word_hash(word: str) -> int:
    """Hash one word given in normal form; agrees with the hashes of `tokens.tokenise`."""
    total, power = 0, 1
    for symbol in word:
        total += (ord(symbol) + 1) * power
        power = power * BASE
    return int(mix(np.array([total & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64))[0])


def run_hash(hashes: list[int]) -> int:
    """Hash a run of words from their hashes; agrees with `fingerprints.run_hashes`."""
    total = 0
    for place, value in enumerate(hashes):
        total += value * pow(STEP, place + 1, 1 << 64)
    return int(mix(np.array([total & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64))[0])
