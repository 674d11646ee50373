"""Short prompts and log lines: too few words for fingerprints, so their templates are found word by word.

A short prompt becomes a line of words, where what varies by nature (numbers, paths, addresses, dates, units after
numbers) is a slot from the start. Lines that differ in one word only show a further slot there, if enough different
words are seen in it; that is repeated until nothing changes. The outcome depends on the set of lines alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text import tables
from pipeline.text.groups import in_runs
from pipeline.text.hashing import NUMBER, STEP, U64, mix, powers, word_hash
from pipeline.text.tokens import I64, Flags, buffers, decode, gather, kinds_of

MOST_WORDS = 48  # of a short prompt
MOST_BYTES = 300
VALUES = 3  # different words in one place of otherwise equal lines make it a slot
FIXED = 2  # words of a line that stay
ROUNDS = 8
SLOT = np.uint64(NUMBER)
_JOINERS = ".-/\\@#%&+*~^$'"
_PATHS = "/\\@"
_UNITS = "b kb mb gb tb kib mib gib bytes byte ms s sec secs second seconds minute minutes min mins hour hours us ns"
_DATES = "mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec"


@dataclass(frozen=True)
class Lines:
    """Words of short prompts: those of prompt i are words[offsets[i]:offsets[i + 1]]; long prompts have none."""

    offsets: I64
    words: U64


@dataclass(frozen=True)
class ShortFrames:
    """The template of each line that was seen: both columns sorted by the hash of the line."""

    lines: U64
    ids: U64

    def find(self, lines: U64) -> U64:
        """Return the template of each line by its hash, 0 where it has none."""
        if not len(self.lines):
            return np.zeros(len(lines), np.uint64)
        place = np.minimum(np.searchsorted(self.lines, lines), len(self.lines) - 1)
        return np.where(self.lines[place] == lines, self.ids[place], np.uint64(0))


def lines_of(prompts: Any) -> Lines:
    """Return the words of the short prompts of an Arrow string array."""
    data, starts, ends, _ = buffers(prompts)
    n_rows = len(starts)
    small = np.flatnonzero((ends > starts) & (ends - starts <= MOST_BYTES))
    counts = np.zeros(n_rows, np.int64)
    pieces = []
    for first in range(0, len(small), 4096):
        rows = small[first : first + 4096]
        text, heads = gather(data, starts[rows], ends[rows])
        words, per_row = _words(*decode(text, heads))
        fits = per_row <= MOST_WORDS
        counts[rows[fits]] = per_row[fits]
        pieces.append(words[np.repeat(fits, per_row)])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Lines(offsets, np.concatenate(pieces) if pieces else np.zeros(0, np.uint64))


@cache
def _marks() -> tuple[Flags, Flags]:
    """Return which symbols join the parts of a word, and which of them make it a path or an address."""
    joins, paths = np.zeros(tables.N_SYMBOLS, np.bool_), np.zeros(tables.N_SYMBOLS, np.bool_)
    joins[[ord(symbol) for symbol in _JOINERS]] = True
    paths[[ord(symbol) for symbol in _PATHS]] = True
    return joins, paths


@cache
def _words_like(which: str) -> U64:
    return np.array(sorted(word_hash(word) for word in which.split()), np.uint64)


def _words(points: npt.NDArray[np.uint32], rows: I64) -> tuple[U64, I64]:
    """Return the words of some rows and how many each row has."""
    plain, kinds, rows = kinds_of(points, rows)[:3]
    size, n_rows = len(plain), len(rows) - 1
    row_of = np.repeat(np.arange(n_rows), np.diff(rows))
    small = np.minimum(plain, 0xFFFF)
    joins, paths = _marks()
    wordy = (kinds == tables.LETTER) | (kinds == tables.DIGIT)
    character = kinds == tables.CHARACTER
    inner = np.zeros(size, np.bool_)
    if size > 2:
        inner[1:-1] = joins[small[1:-1]] & wordy[:-2] & wordy[2:] & (row_of[:-2] == row_of[2:])
    body = wordy | inner
    fresh = np.ones(size, np.bool_)
    fresh[1:] = ~body[:-1] | (row_of[1:] != row_of[:-1])
    starts = np.flatnonzero((body & fresh) | character)
    last = np.ones(size, np.bool_)
    last[:-1] = ~body[1:] | (row_of[1:] != row_of[:-1])
    ends = np.flatnonzero((body & last) | character) + 1
    up, down = powers(1 << max(19, int(size + 1).bit_length()))
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum((plain.astype(np.uint64) + np.uint64(1)) * up[:size], out=sums[1:])
    hashes = mix((sums[ends] - sums[starts]) * down[starts])
    varies = _within(kinds == tables.DIGIT, starts, ends) > 0
    varies |= _within(inner & paths[small], starts, ends) > 0
    varies |= _within(inner & (plain == 46), starts, ends) > 1
    return _without_dates(np.where(varies, SLOT, hashes), row_of[starts], n_rows)


def _within(marks: Flags, starts: Any, ends: Any) -> I64:
    sums = np.zeros(len(marks) + 1, np.int64)
    np.cumsum(marks, out=sums[1:])
    return np.asarray(sums[ends] - sums[starts])


def _without_dates(words: U64, row_of: I64, n_rows: int) -> tuple[U64, I64]:
    """Fold units and names of days and months into the numbers they stand by, and runs of slots into one."""
    slot = words == SLOT
    dated = slot | np.isin(words, _words_like(_DATES))
    same = np.zeros(len(words) + 1, np.bool_)  # word i stands in the row of the word before
    same[1:-1] = row_of[1:] == row_of[:-1] if len(words) else same[1:-1]
    after = np.zeros(len(words), np.bool_)
    after[1:] = same[1:-1] & dated[:-1]
    before = np.zeros(len(words), np.bool_)
    before[:-1] = same[1:-1] & dated[1:]
    slot = slot | (dated & (after | before))
    unit = np.zeros(len(words), np.bool_)
    unit[1:] = same[1:-1] & slot[:-1] & np.isin(words[1:], _words_like(_UNITS))
    words = np.where(slot | unit, SLOT, words)
    kept = ~_repeated_slots(words, row_of)
    return words[kept], np.bincount(row_of[kept], minlength=n_rows)


def _repeated_slots(words: U64, row_of: I64) -> Flags:
    again = np.zeros(len(words), np.bool_)
    again[1:] = (words[1:] == SLOT) & (words[:-1] == SLOT) & (row_of[1:] == row_of[:-1])
    return again


def line_hashes(lines: Lines) -> U64:
    """Return the hash of each line, 0 where there is none."""
    lengths = np.diff(lines.offsets)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    return np.where(lengths > 0, _hashed(lines.words, row_of, len(lengths)), np.uint64(0))


def _places(row_of: I64) -> I64:
    starts, lengths = in_runs(row_of)
    return np.arange(len(row_of)) - np.repeat(starts, lengths)


def _terms(words: U64, row_of: I64) -> U64:
    """Return what each word adds to the hash of its line."""
    return mix(words + _step_powers()[np.minimum(_places(row_of), MOST_WORDS)])


@cache
def _step_powers() -> U64:
    return np.array([pow(STEP, place + 1, 1 << 64) for place in range(MOST_WORDS + 1)], np.uint64)


def _hashed(words: U64, row_of: I64, n_rows: int) -> U64:
    total = np.bincount(row_of, minlength=n_rows).astype(np.uint64)
    np.add.at(total, row_of, _terms(words, row_of))
    return mix(total)


def settle_short(lines: Lines) -> ShortFrames:
    """Find the template of each of some lines, given once or more often, in any order."""
    hashes = line_hashes(lines)
    known, first = np.unique(hashes, return_index=True)
    first = first[known != 0]
    known = known[known != 0]
    lengths = np.diff(lines.offsets)[first]
    row_of = np.repeat(np.arange(len(first)), lengths)
    heads = np.cumsum(lengths) - lengths
    words = lines.words[np.arange(len(row_of)) - np.repeat(heads - lines.offsets[first], lengths)]
    owner = np.arange(len(first))  # of each line: its line among those still told apart
    for _ in range(ROUNDS):
        slots = _slots(words, row_of, len(lengths))
        if not slots.any():
            break
        words = np.where(slots, SLOT, words)
        kept = ~_repeated_slots(words, row_of)
        words, row_of = words[kept], row_of[kept]
        distinct, where, inverse = np.unique(
            _hashed(words, row_of, len(lengths)), return_index=True, return_inverse=True
        )
        lengths = np.bincount(row_of, minlength=len(lengths))
        heads = np.cumsum(lengths) - lengths
        owner = inverse[owner]
        lengths, chosen = lengths[where], heads[where]
        row_of = np.repeat(np.arange(len(distinct)), lengths)
        words = words[np.arange(len(row_of)) - np.repeat(np.cumsum(lengths) - lengths - chosen, lengths)]
    ids = mix(_hashed(words, row_of, len(lengths)) ^ np.uint64(STEP))
    return ShortFrames(known, ids[owner])


def _slots(words: U64, row_of: I64, n_rows: int) -> Flags:
    """Mark the words in places that show enough different words while the rest of the line is equal."""
    if not len(words):
        return np.zeros(0, np.bool_)
    terms = _terms(words, row_of)
    total = np.zeros(n_rows, np.uint64)
    np.add.at(total, row_of, terms)
    fixed = np.bincount(row_of, weights=words != SLOT, minlength=n_rows)
    lengths = np.bincount(row_of, minlength=n_rows)
    rest = total[row_of] - terms
    context = mix(rest + mix(_places(row_of).astype(np.uint64) * np.uint64(64) + lengths[row_of].astype(np.uint64)))
    order = np.argsort(context)  # only counted, so the order inside a context is nobody's matter
    starts, counts = in_runs(context[order].view(np.int64))  # lines are distinct, so words in a context are too
    group = np.repeat(np.arange(len(starts)), counts)
    open_already = np.bincount(group, weights=words[order] == SLOT, minlength=len(starts)) > 0
    is_slot = (counts >= VALUES) | ((counts >= 2) & open_already)
    marked = np.zeros(len(words), np.bool_)
    marked[order] = is_slot[group]
    marked &= words != SLOT
    left = fixed - np.bincount(row_of, weights=marked, minlength=n_rows)  # words by which the line can still be told
    return np.asarray(marked & (left >= FIXED)[row_of])
