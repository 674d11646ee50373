"""Everything that is kept of a prompt: fingerprints and measures, no words. Compiled where numba is installed."""

import sys
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text import tables
from pipeline.text.fingerprints import fingerprint, without_repeats
from pipeline.text.hashing import U64
from pipeline.text.tokens import BOUND, I64, Flags, buffers, have_paragraphs, reach, tokenise
from pipeline.text.traits import (
    asks_reasoning,
    language_table,
    languages,
    reasoning_phrases,
)

WORTH_COMPILING = 4_000  # prompts in a batch
ROOM = 32 << 20  # bytes of text that the compiled path works on at a time
LONGEST = 32_768  # symbols of a prompt: the compiled path finds repeated fingerprints in a table made for that many


@dataclass(frozen=True)
class Sketch:
    """Sketches of some prompts: the fingerprints of prompt i are prints[offsets[i]:offsets[i + 1]], each once."""

    offsets: I64
    prints: U64
    digests: U64  # of all words, nothing replaced; 0 where there are none
    n_chars: npt.NDArray[np.int32]  # -1 where the prompt is null
    asks_reasoning: Flags
    languages: npt.NDArray[np.int8]  # place in traits.language_names(), -1 where nothing tells
    parted: Flags  # there is a blank line


@cache
def can_compile() -> bool:
    """Tell whether the compiled path is installed (the extra `fast`)."""
    return find_spec("numba") is not None


def worth_compiling(n_prompts: int) -> bool:
    """Tell whether the compiled path is the faster one: for many prompts, and where it is at hand already."""
    return can_compile() and (n_prompts >= WORTH_COMPILING or "numba" in sys.modules)


def sketch(prompts: Any, *, bound: int = BOUND, compiled: bool | None = None) -> Sketch:
    """Sketch an Arrow string array of prompts.

    At most `bound` symbols of a prompt are read, and never more than LONGEST. `compiled` forces or forbids the compiled
    path; both give the same bytes.
    """
    bound = min(bound, LONGEST)
    if compiled is None:
        compiled = worth_compiling(len(prompts))
    return _compiled(prompts, bound) if compiled else _plain(prompts, bound)


def _plain(prompts: Any, bound: int) -> Sketch:
    tokens = tokenise(prompts, bound)
    prints = without_repeats(fingerprint(tokens))
    return Sketch(
        offsets=prints.offsets,
        prints=prints.values,
        digests=tokens.digests,
        n_chars=tokens.n_chars,
        asks_reasoning=asks_reasoning(tokens),
        languages=languages(tokens),
        parted=have_paragraphs(prompts),
    )


def _compiled(prompts: Any, bound: int) -> Sketch:
    from pipeline.text.compiled import byte_values, sketch_rows

    data, starts, ends, nulls = buffers(prompts)
    cuts = reach(data, starts, ends, bound)
    n_rows = len(starts)
    result = Sketch(
        offsets=np.zeros(n_rows + 1, np.int64),
        prints=np.zeros(0, np.uint64),
        digests=np.zeros(n_rows, np.uint64),
        n_chars=np.zeros(n_rows, np.int32),
        asks_reasoning=np.zeros(n_rows, np.bool_),
        languages=np.zeros(n_rows, np.int8),
        parted=np.zeros(n_rows, np.bool_),
    )
    pieces = []
    reached = 0
    room = np.cumsum((cuts - starts) // 2 + 1)
    first = 0
    while first < n_rows:
        before = int(room[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(room, before + ROOM // 2, side="right")))
        prints = np.empty(int(room[last - 1]) - before, np.uint64)  # of which only what is written takes memory
        offsets = np.empty(last - first + 1, np.int64)
        rows = slice(first, last)
        sketch_rows(
            data, starts[rows], cuts[rows], ends[rows], byte_values(), tables.classes(), tables.folded(),
            _language_slots(), _phrase_slots(), prints, offsets, result.digests[rows], result.n_chars[rows],
            result.asks_reasoning[rows], result.languages[rows], result.parted[rows],
        )  # fmt: skip
        pieces.append(prints[: offsets[-1]])
        result.offsets[first + 1 : last + 1] = offsets[1:] + reached
        reached += int(offsets[-1])
        first = last
    result.n_chars[nulls] = -1
    return replace(result, prints=pieces[0] if len(pieces) == 1 else np.concatenate([result.prints, *pieces]))


@cache
def _language_slots() -> tuple[U64, I64, np.uint64, int]:
    """Lay the common words of languages out as a table without collisions.

    Keys (0 where empty), codes, by how many bits a key is shifted to its slot, and the number of languages.
    """
    keys, codes, names = language_table()
    for size in (1024, 2048, 4096, 8192, 16384):
        for shift in range(53):
            places = (keys >> np.uint64(shift)) & np.uint64(size - 1)
            if len(np.unique(places)) == len(keys):
                slots, values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
                slots[places], values[places] = keys, codes
                return slots, values, np.uint64(shift), len(names)
    raise ValueError("no table without collisions holds the common words of languages")


@cache
def _phrase_slots() -> tuple[Flags, U64, I64, U64, I64]:
    """Return which upper bytes of words to look out for, and of each phrase: word, its place, hash, number of words."""
    phrases = reasoning_phrases()
    keys = np.array([phrase[0] for phrase in phrases], np.uint64)
    marks = np.zeros(256, np.bool_)
    marks[keys >> np.uint64(56)] = True
    places, widths = (np.array([phrase[column] for phrase in phrases], np.int64) for column in (1, 3))
    return marks, keys, places, np.array([phrase[2] for phrase in phrases], np.uint64), widths
