"""From text to words: the normal form of a prompt, as hashes.

A prompt becomes a run of 64-bit word hashes. What varies by nature becomes one word that stands for it: a number or
an identifier with digits, an address (URL, e-mail), a fenced block of code, a short quoted span. White space, case,
punctuation, invisible characters and compatibility forms vanish. Scripts without spaces give one word a character.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text import tables
from pipeline.text.hashing import ADDRESS, CODE, NUMBER, QUOTED, STEP, U64, mix, powers

I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BOUND = 32_768  # symbols of a prompt that are read; what follows is not looked at
QUOTE_REACH = 160  # symbols: a longer quoted span is text, not a filler
CHUNK = 262_144  # bytes worked on at a time in the numpy path; the caches like small buffers


@dataclass(frozen=True)
class Tokens:
    """The words of some prompts: words of prompt i are hashes[offsets[i]:offsets[i + 1]]."""

    offsets: I64
    hashes: U64  # what varies is replaced
    unspaced: Flags  # the word is a character of a script without spaces
    digests: U64  # per prompt: digest of all its words, nothing replaced; 0 where it has none
    n_chars: npt.NDArray[np.int32]  # per prompt: symbols, before the bound; -1 where the prompt is null
    starts: I64  # where each word starts and ends, in symbols of its prompt
    ends: I64


def buffers(prompts: Any) -> tuple[npt.NDArray[np.uint8], I64, I64, Flags]:
    """Return (bytes, start, end, is_null) of an Arrow string array without copying the text."""
    import pyarrow as pa

    width: type[np.signedinteger[Any]] = np.int64 if pa.types.is_large_string(prompts.type) else np.int32
    if not (pa.types.is_string(prompts.type) or pa.types.is_large_string(prompts.type)):
        raise TypeError(f"prompts must be an Arrow string array, not {prompts.type}")
    count = len(prompts)
    nulls = np.asarray(prompts.is_null())
    _, offset_buffer, data_buffer = prompts.buffers()
    if count == 0 or offset_buffer is None:
        return np.zeros(0, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64), nulls
    offsets = np.frombuffer(offset_buffer, dtype=width)[prompts.offset : prompts.offset + count + 1].astype(np.int64)
    data = np.zeros(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, dtype=np.uint8)
    return data, offsets[:-1], np.where(nulls, offsets[:-1], offsets[1:]), nulls


def tokenise(prompts: Any, bound: int = BOUND) -> Tokens:
    """Return the words of an Arrow string array (string or large_string; null gives no words).

    Raises TypeError where the array does not hold strings. Bytes that are not valid UTF-8 end a word and do no harm.
    """
    data, starts, ends, nulls = buffers(prompts)
    n_chars = np.zeros(len(starts), np.int32)
    cuts = reach(data, starts, ends, bound)
    pieces = []
    for first, last in _chunks(starts, cuts):
        n_chars[first:last] = count_symbols(data, starts[first:last], ends[first:last])
        pieces.append(_tokenise_chunk(*gather(data, starts[first:last], cuts[first:last])))
    n_chars[nulls] = -1
    counts = np.concatenate([np.diff(piece.offsets) for piece in pieces]) if pieces else np.zeros(0, np.int64)
    return Tokens(
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        hashes=_joined([piece.hashes for piece in pieces], np.uint64),
        unspaced=_joined([piece.unspaced for piece in pieces], np.bool_),
        digests=_joined([piece.digests for piece in pieces], np.uint64),
        n_chars=n_chars,
        starts=_joined([piece.starts for piece in pieces], np.int64),
        ends=_joined([piece.ends for piece in pieces], np.int64),
    )


def _joined(parts: list[Any], dtype: type[np.generic]) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def reach(data: npt.NDArray[np.uint8], starts: I64, ends: I64, bound: int) -> I64:
    """Return where the first `bound` symbols of each row end; no more than four bytes a symbol are looked at."""
    cuts = np.minimum(ends, starts + 4 * bound)
    for row in np.flatnonzero(cuts - starts > bound).tolist():  # few, and each of them long
        leads = np.flatnonzero((data[starts[row] : cuts[row]] & 0xC0) != 0x80)
        if len(leads) > bound:
            cuts[row] = starts[row] + leads[bound]
    return cuts


def _chunks(starts: I64, ends: I64) -> Iterator[tuple[int, int]]:
    """Cut the rows into pieces of about CHUNK bytes."""
    sizes = np.cumsum(ends - starts + 1)
    first = 0
    while first < len(starts):
        before = int(sizes[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(sizes, before + CHUNK, side="right")))
        yield first, last
        first = last


def gather(data: npt.NDArray[np.uint8], starts: I64, ends: I64) -> tuple[npt.NDArray[np.uint8], I64]:
    """Lay rows side by side; return the bytes and where each row starts (one more entry than rows)."""
    heads = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends - starts)])
    if len(starts) and np.array_equal(starts[1:], ends[:-1]):
        return data[starts[0] : ends[-1]], heads
    index = np.arange(heads[-1]) + np.repeat(starts - heads[:-1], np.diff(heads))
    return data[index], heads


def count_symbols(data: npt.NDArray[np.uint8], starts: I64, ends: I64) -> npt.NDArray[np.int32]:
    """Count the symbols of each row: the bytes that continue none."""
    if not len(starts):
        return np.zeros(0, np.int32)
    low, high = int(starts[0]), int(ends.max())
    before = np.zeros(high - low + 1, np.int64)
    np.cumsum((data[low:high] & 0xC0) != 0x80, out=before[1:])
    counts = before[np.maximum(ends, starts) - low] - before[starts - low]
    return np.asarray(np.minimum(counts, np.iinfo(np.int32).max), dtype=np.int32)


def decode(text: npt.NDArray[np.uint8], heads: I64) -> tuple[npt.NDArray[np.uint32], I64]:
    """Decode UTF-8 leniently: return the code points and where each row starts among them.

    A stray continuation byte gives nothing, a broken sequence gives the replacement character.
    """
    if not len(text) or text.max() < 0x80:
        return text.astype(np.uint32), heads
    lead = (text & 0xC0) != 0x80
    counts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lead)])
    places = np.flatnonzero(lead)
    points = text[places].astype(np.uint32)
    row_end = np.repeat(heads[1:], np.diff(counts[heads]))
    wide = np.flatnonzero(points >= 0x80)
    if len(wide):
        points[wide] = _decode_wide(text, places[wide], points[wide], row_end[wide])
    return points, counts[heads]


def _decode_wide(text: npt.NDArray[np.uint8], places: I64, lead: npt.NDArray[np.uint32], row_end: I64) -> Any:
    length = np.where(lead >= 0xF0, 4, np.where(lead >= 0xE0, 3, 2))
    points = np.where(lead >= 0xF0, lead & 0x07, np.where(lead >= 0xE0, lead & 0x0F, lead & 0x1F)).astype(np.uint32)
    whole = np.ones(len(places), np.bool_)
    for step in (1, 2, 3):
        wanted = length > step
        place = places + step
        inside = place < row_end
        byte = text[np.where(inside, place, 0)]
        whole &= ~wanted | (inside & ((byte & 0xC0) == 0x80))
        points = np.where(wanted, (points << np.uint32(6)) | (byte & np.uint32(0x3F)), points)
    return np.where(whole, points, np.uint32(tables.REPLACEMENT))


def kinds_of(points: npt.NDArray[np.uint32], rows: I64) -> tuple[Any, Any, I64, I64]:
    """Return normal form and class of the symbols that are visible, where rows start among them, and their places."""
    small = np.where(points < 0xFFFF, points, 0xFFFF)
    ideograph = (points >= 0x20000) & (points < 0x40000)
    small[ideograph] = tables.IDEOGRAPH
    kinds = tables.classes()[small]
    places = np.arange(len(points)) - np.repeat(rows[:-1], np.diff(rows))
    visible = kinds != tables.IGNORED
    if not visible.all():
        kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(visible)])
        points, small, kinds, ideograph = points[visible], small[visible], kinds[visible], ideograph[visible]
        places, rows = places[visible], kept[rows]
    return np.where(ideograph, points, tables.folded()[small]), kinds, rows, places


def _tokenise_chunk(text: npt.NDArray[np.uint8], heads: I64) -> Tokens:
    return _words(*kinds_of(*decode(text, heads)))


def _words(plain: Any, kinds: Any, rows: I64, places: I64) -> Tokens:
    size, n_rows = len(plain), len(rows) - 1
    row_of = np.repeat(np.arange(n_rows), np.diff(rows))
    first_in_row = np.zeros(size + 1, np.bool_)
    first_in_row[rows] = True
    wordy = (kinds == tables.LETTER) | (kinds == tables.DIGIT)
    character = kinds == tables.CHARACTER
    before = np.concatenate([np.zeros(1, np.bool_), wordy[:-1]]) & ~first_in_row[:size] if size else wordy
    starts = np.flatnonzero((wordy & ~before) | character)
    after = np.concatenate([wordy[1:], np.zeros(1, np.bool_)]) & ~first_in_row[1:] if size else wordy
    ends = np.flatnonzero((wordy & ~after) | character) + 1
    up, down = powers(_power_size(size + 1))
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum((plain.astype(np.uint64) + np.uint64(1)) * up[:size], out=sums[1:])
    raw = mix((sums[ends] - sums[starts]) * down[starts])
    digits = np.zeros(size + 1, np.int64)
    np.cumsum(kinds == tables.DIGIT, out=digits[1:])
    words = raw.copy()
    words[digits[ends] > digits[starts]] = NUMBER
    words[_in_address(plain, kinds, wordy, first_in_row)[starts]] = ADDRESS
    words[_in_quotes(plain, kinds, first_in_row)[starts]] = QUOTED
    words[_in_code(plain, row_of, rows)[starts]] = CODE
    token_row = row_of[starts]
    special = (words == NUMBER) | (words == ADDRESS) | (words == QUOTED) | (words == CODE)
    repeated = np.zeros(len(words), np.bool_)
    repeated[1:] = special[1:] & (words[1:] == words[:-1]) & (token_row[1:] == token_row[:-1])
    kept = ~repeated
    return Tokens(
        offsets=np.searchsorted(token_row[kept], np.arange(n_rows + 1)).astype(np.int64),
        hashes=words[kept],
        unspaced=character[starts][kept] & ~special[kept],
        digests=_digests(raw, token_row, n_rows),
        n_chars=np.zeros(n_rows, np.int32),
        starts=places[starts][kept],
        ends=places[ends - 1][kept] + 1,
    )


def _power_size(size: int) -> int:
    return 1 << max(19, int(size).bit_length())


def _digests(raw: U64, token_row: I64, n_rows: int) -> U64:
    """Digest all words of each row in order: a polynomial over the words."""
    offsets = np.searchsorted(token_row, np.arange(n_rows + 1))
    up, down = powers(_power_size(len(raw) + 1))
    sums = np.zeros(len(raw) + 1, np.uint64)
    np.cumsum(raw * up[: len(raw)], out=sums[1:])
    digests = mix((sums[offsets[1:]] - sums[offsets[:-1]]) * down[offsets[:-1]] + np.uint64(STEP))
    return np.where(offsets[1:] > offsets[:-1], digests, np.uint64(0))


def have_paragraphs(prompts: Any) -> Flags:
    """Return which prompts of an Arrow string array have a blank line."""
    import pyarrow.compute as pc

    found = pc.or_(pc.match_substring(prompts, "\n\n"), pc.match_substring(prompts, "\n\r\n"))
    return np.asarray(pc.fill_null(found, False), dtype=np.bool_)


def word_digests(names: Any) -> U64:
    """Hash each entry of an Arrow string array as one word, byte by byte; for identifiers, which have no words."""
    data, starts, ends, _ = buffers(names)
    text, heads = gather(data, starts, ends)
    up, down = powers(_power_size(len(text) + 1))
    sums = np.zeros(len(text) + 1, np.uint64)
    np.cumsum((text.astype(np.uint64) + np.uint64(1)) * up[: len(text)], out=sums[1:])
    return mix((sums[heads[1:]] - sums[heads[:-1]]) * down[heads[:-1]])


def _in_address(plain: Any, kinds: Any, wordy: Any, first_in_row: Flags) -> Flags:
    """Mark the symbols of chunks (runs of visible ASCII) that hold `://`, or `@` between words."""
    size = len(plain)
    marks = np.zeros(size, np.bool_)
    if size < 3:
        return marks
    ascii_visible = (plain < 0x80) & (kinds != tables.SPACE)
    inner = ~first_in_row[1 : size - 1] & ~first_in_row[2:size]
    marks[:-2] = (plain[:-2] == 58) & (plain[1:-1] == 47) & (plain[2:] == 47) & inner
    marks[1:-1] |= (plain[1:-1] == 64) & wordy[:-2] & wordy[2:] & inner
    if not marks.any():
        return marks
    opens = ascii_visible & (np.concatenate([np.ones(1, np.bool_), ~ascii_visible[:-1]]) | first_in_row[:size])
    chunk = np.cumsum(opens)
    marked = np.zeros(int(chunk[-1]) + 1, np.bool_)
    marked[chunk[marks]] = True
    return np.asarray(marked[chunk] & ascii_visible)


def _in_quotes(plain: Any, kinds: Any, first_in_row: Flags) -> Flags:
    """Mark the symbols inside short quoted spans: quotes are paired along a line, a key before a colon is kept."""
    size = len(plain)
    inside = np.zeros(size, np.bool_)
    places = np.flatnonzero(kinds == tables.QUOTE)
    if len(places) < 2:
        return inside
    line = np.cumsum((plain == 10) | first_in_row[:size])[places]
    fresh = np.concatenate([np.ones(1, np.bool_), line[1:] != line[:-1]])
    rank = np.arange(len(places)) - np.maximum.accumulate(np.where(fresh, np.arange(len(places)), 0))
    opener = np.flatnonzero((rank[:-1] % 2 == 0) & (line[1:] == line[:-1]))
    left, right = places[opener], places[opener + 1]
    follows = np.where(right + 1 < size, plain[np.minimum(right + 1, size - 1)], 0)
    follows = np.where(first_in_row[right + 1], 0, follows)
    short = (right - left <= QUOTE_REACH) & (follows != 58)
    change = np.zeros(size + 1, np.int64)
    change[left[short]] += 1
    change[right[short]] -= 1
    return np.cumsum(change)[:size] > 0


def _in_code(plain: Any, row_of: Any, rows: I64) -> Flags:
    """Mark the symbols between pairs of triple backticks; one without its partner opens nothing."""
    size = len(plain)
    inside = np.zeros(size, np.bool_)
    ticks = plain == 96
    if size < 3 or not ticks.any():
        return inside
    run = ticks[2:] & ticks[1:-1] & ticks[:-2] & (row_of[2:] == row_of[:-2])
    run[1:] &= ~(ticks[:-3] & (row_of[1:-2] == row_of[:-3]))
    places = np.flatnonzero(run)
    if len(places) < 2:
        return inside
    row = row_of[places]
    fresh = np.concatenate([np.ones(1, np.bool_), row[1:] != row[:-1]])
    rank = np.arange(len(places)) - np.maximum.accumulate(np.where(fresh, np.arange(len(places)), 0))
    opener = np.flatnonzero((rank[:-1] % 2 == 0) & (row[1:] == row[:-1]))
    change = np.zeros(size + 1, np.int64)
    change[places[opener]] += 1
    change[places[opener + 1]] -= 1
    return np.cumsum(change)[:size] > 0
