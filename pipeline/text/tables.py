"""Tables of characters: class and normal form of every symbol of the basic plane.

Both text paths (numpy and compiled) read the same two tables, so they cannot disagree on what a letter is. The normal
form of a symbol is its compatibility form in lower case where that is a single symbol, itself otherwise.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

SPACE = 0  # white space and control characters: ends a chunk and a word
PUNCTUATION = 1  # ends a word
LETTER = 2  # part of a word
DIGIT = 3  # part of a word, which thereby becomes a number or an identifier
CHARACTER = 4  # a word of its own: scripts that are written without spaces
IGNORED = 5  # invisible: as if it were not there
QUOTE = 6  # opens or closes a quoted span; otherwise punctuation

N_SYMBOLS = 0x10000  # symbols beyond the basic plane share the entry 0xFFFF, save the ideographs
REPLACEMENT = 0xFFFD
IDEOGRAPH = 0x4E00  # class of the ideographs beyond the basic plane

# scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, ideographs
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3031, 0x3035),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
)
_QUOTES = '"“”„«»「」『』＂'


@cache
def classes() -> npt.NDArray[np.uint8]:
    """Return the class of each symbol of the basic plane, shape (65536,)."""
    table = np.full(N_SYMBOLS, PUNCTUATION, dtype=np.uint8)
    for symbol in range(N_SYMBOLS):
        table[symbol] = _class_of(symbol)
    for first, last in _UNSPACED:
        span = table[first : last + 1]
        span[(span == LETTER) | (span == PUNCTUATION)] = CHARACTER
    for quote in _QUOTES:
        table[ord(quote)] = QUOTE
    table[ord("_")] = LETTER  # joins the parts of an identifier
    table[0x30FB] = PUNCTUATION  # the middle dot between katakana words
    return table


def _class_of(symbol: int) -> int:
    category = unicodedata.category(chr(symbol))
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return SPACE
    if category == "Cf":
        return IGNORED
    if category[0] in "LM":
        return LETTER
    if category == "Nd":
        return DIGIT
    return PUNCTUATION


@cache
def folded() -> npt.NDArray[np.uint32]:
    """Return the normal form of each symbol of the basic plane, shape (65536,)."""
    table = np.arange(N_SYMBOLS, dtype=np.uint32)
    for symbol in range(N_SYMBOLS):
        plain = unicodedata.normalize("NFKC", chr(symbol)).lower()
        if len(plain) == 1 and ord(plain) < N_SYMBOLS:
            table[symbol] = ord(plain)
    return table
