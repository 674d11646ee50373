"""Everything that is kept of a prompt: fingerprints and measures, no words. Compiled where numba is installed."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text import tables
from pipeline.text.fingerprints import fingerprint, without_repeats
from pipeline.text.hashing import U64
from pipeline.text.tokens import BOUND, I64, Flags, buffers, tokenise
from pipeline.text.traits import (
    asks_reasoning,
    language_names,
    language_table,
    languages,
    reasoning_phrases,
)

WORTH_COMPILING = 4_000  # prompts in a batch
ROOM = 32 << 20  # bytes of text that the compiled path works on at a time
LONGEST = 32_768  # bytes of a prompt: the compiled path finds repeated fingerprints in a table made for that many


@dataclass(frozen=True)
class Sketch:
    """Sketches of some prompts: the fingerprints of prompt i are prints[offsets[i]:offsets[i + 1]], each once."""

    offsets: I64
    prints: U64
    digests: U64  # of all words, nothing replaced; 0 where there are none
    n_chars: npt.NDArray[np.int32]  # -1 where the prompt is null
    asks_reasoning: Flags
    languages: npt.NDArray[np.int8]  # place in traits.language_names(), -1 where nothing tells


@cache
def can_compile() -> bool:
    """Tell whether the compiled path is installed (the extra `fast`)."""
    return find_spec("numba") is not None


def sketch(prompts: Any, *, bound: int = BOUND, compiled: bool | None = None) -> Sketch:
    """Sketch an Arrow string array of prompts.

    At most `bound` bytes of a prompt are read, and never more than LONGEST. `compiled` forces or forbids the compiled
    path; both give the same bytes.
    """
    bound = min(bound, LONGEST)
    if compiled is None:
        compiled = len(prompts) >= WORTH_COMPILING and can_compile()
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
    )


def _compiled(prompts: Any, bound: int) -> Sketch:
    from pipeline.text.compiled import sketch_rows

    data, starts, ends, nulls = buffers(prompts)
    n_rows = len(starts)
    result = Sketch(
        offsets=np.zeros(n_rows + 1, np.int64),
        prints=np.zeros(0, np.uint64),
        digests=np.zeros(n_rows, np.uint64),
        n_chars=np.zeros(n_rows, np.int32),
        asks_reasoning=np.zeros(n_rows, np.bool_),
        languages=np.zeros(n_rows, np.int8),
    )
    pieces = []
    reached = 0
    room = np.cumsum(np.minimum(ends - starts, bound) // 2 + 1)
    first = 0
    while first < n_rows:
        before = int(room[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(room, before + ROOM // 2, side="right")))
        prints = np.empty(int(room[last - 1]) - before, np.uint64)  # of which only what is written takes memory
        offsets = np.empty(last - first + 1, np.int64)
        sketch_rows(
            data, starts[first:last], ends[first:last], bound, tables.classes(), tables.folded(),
            *_language_slots(), len(language_names()) - 1, *_phrase_slots(), prints, offsets,
            result.digests[first:last], result.n_chars[first:last],
            result.asks_reasoning[first:last], result.languages[first:last],
        )  # fmt: skip
        pieces.append(prints[: offsets[-1]])
        result.offsets[first + 1 : last + 1] = offsets[1:] + reached
        reached += int(offsets[-1])
        first = last
    result.n_chars[nulls] = -1
    every = pieces[0] if len(pieces) == 1 else np.concatenate([result.prints, *pieces])
    return Sketch(
        result.offsets, every, result.digests, result.n_chars,
        result.asks_reasoning, result.languages,
    )  # fmt: skip


@cache
def _language_slots() -> tuple[U64, I64]:
    """Lay the common words of languages out as an open table: keys (0 where empty) and codes."""
    keys, codes, _ = language_table()
    size = 512
    slots, values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for key, code in zip(keys.tolist(), codes.tolist(), strict=True):
        slot = key % size
        while slots[slot]:
            slot = (slot + 1) % size
        slots[slot], values[slot] = key, code
    return slots, values


@cache
def _phrase_slots() -> tuple[Flags, U64, I64]:
    """Return a table of the pairs of words that begin phrases, and hash and width of each phrase."""
    from pipeline.text.compiled import pair_slot

    firsts = np.zeros(4096, np.bool_)
    phrases, widths = [], []
    for first, second, value, width in reasoning_phrases():
        firsts[pair_slot(np.uint64(first), np.uint64(second), len(firsts))] = True
        phrases.append(value)
        widths.append(width)
    return firsts, np.array(phrases, np.uint64), np.array(widths, np.int64)
