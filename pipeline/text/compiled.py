"""The compiled path from text to sketch: prompt by prompt, in one pass, on the Arrow buffers.

Does what `tokens`, `fingerprints` and `traits` do with numpy, to the same bytes (tests compare them), several times
as fast. Importing this module imports numba; nothing else does, and nothing needs it.
"""

from typing import Any

import numba
import numpy as np

from pipeline.text import hashing, tables
from pipeline.text.fingerprints import WIDTH, WIDTH_UNSPACED, WINDOW
from pipeline.text.tokens import QUOTE_REACH

_jit = numba.njit(cache=True, nogil=True)

_BASE = np.uint64(hashing.BASE)
_STEP = np.uint64(hashing.STEP)
_MIX_A = np.uint64(hashing.MIX_A)
_MIX_B = np.uint64(hashing.MIX_B)
_STEPS = np.array([pow(hashing.STEP, place + 1, 1 << 64) for place in range(16)], np.uint64)
N_POWERS = 64  # symbols of a word whose powers are looked up: a product less to wait for
_POWERS = np.array([pow(hashing.BASE, place, 1 << 64) for place in range(N_POWERS)], np.uint64)
_NUMBER = np.uint64(hashing.NUMBER)
_ADDRESS = np.uint64(hashing.ADDRESS)
_CODE = np.uint64(hashing.CODE)
_QUOTED = np.uint64(hashing.QUOTED)
_SPACE, _LETTER, _DIGIT = tables.SPACE, tables.LETTER, tables.DIGIT
_CHARACTER, _IGNORED, _QUOTE = tables.CHARACTER, tables.IGNORED, tables.QUOTE
_REPLACEMENT, _IDEOGRAPH = tables.REPLACEMENT, tables.IDEOGRAPH
_U1, _U29, _U32 = np.uint64(1), np.uint64(29), np.uint64(32)
_WIDTH, _WIDTH_UNSPACED, _WINDOW, _QUOTE_REACH = WIDTH, WIDTH_UNSPACED, WINDOW, QUOTE_REACH
IN_ADDRESS, IN_QUOTES, IN_CODE = 1, 2, 4
SEEN_BITS = 14  # of the table by which repeated fingerprints of a prompt are found; more than a prompt can have


@_jit
def _mix(value: Any) -> Any:
    value = value ^ (value >> _U32)
    value = value * _MIX_A
    value = value ^ (value >> _U29)
    value = value * _MIX_B
    return value ^ (value >> _U32)


@_jit
def _decode(
    data: Any, start: int, end: int, ascii_table: Any, classes: Any, folded: Any, plain: Any, kinds: Any
) -> int:
    """Decode one row into normal forms and classes.

    Returns how many symbols there are, negative where some of them may open an address, a quote or a fence.
    """
    count = 0
    place = start
    odd = False
    while place < end:
        lead: Any = np.int64(data[place])
        place += 1
        if lead < 0x80:
            entry = ascii_table[lead]
            plain[count] = entry & 0xFF
            kinds[count] = entry >> 8
            odd |= entry >> 8 == _QUOTE or lead == 64 or lead == 96
            odd |= lead == 47 and count > 0 and plain[count - 1] == 58
            count += 1
            continue
        if lead < 0xC0:
            continue  # a stray continuation byte
        more = 3 if lead >= 0xF0 else (2 if lead >= 0xE0 else 1)
        point = lead & (0x07 if more == 3 else (0x0F if more == 2 else 0x1F))
        for step in range(more):
            if place + step < end and (data[place + step] & 0xC0) == 0x80:
                point = (point << 6) | np.int64(data[place + step] & 0x3F)
            else:
                point = _REPLACEMENT
                break
        ideograph = 0x20000 <= point < 0x40000
        small = _IDEOGRAPH if ideograph else (point if point < 0xFFFF else 0xFFFF)
        kind = classes[small]
        if kind == _IGNORED:
            continue
        symbol = point if ideograph else np.int64(folded[small])
        odd |= kind == _QUOTE or symbol == 64 or symbol == 96 or (symbol == 47 and count > 0 and plain[count - 1] == 58)
        plain[count] = symbol
        kinds[count] = kind
        count += 1
    return -count if odd else count


@_jit
def _wordy(kind: int) -> bool:
    return kind in (_LETTER, _DIGIT)


@_jit
def _mark(plain: Any, kinds: Any, count: int, marks: Any) -> None:
    """Mark symbols inside addresses, short quoted spans and fenced code."""
    marks[:count] = 0
    chunk = 0  # where the run of visible ASCII began
    found = False
    for place in range(count + 1):
        visible = place < count and plain[place] < 0x80 and kinds[place] != _SPACE
        if not visible:
            if found:
                for inner in range(chunk, place):
                    marks[inner] |= IN_ADDRESS
            found = False
            chunk = place + 1
            continue
        if plain[place] == 58:
            found |= place + 2 < count and plain[place + 1] == 47 and plain[place + 2] == 47
        elif plain[place] == 64 and 0 < place < count - 1:
            found |= _wordy(kinds[place - 1]) and _wordy(kinds[place + 1])
    opened = -1  # the quote on this line that waits for its partner
    fence = -1  # likewise the run of backticks
    for place in range(count):
        if plain[place] == 10:
            opened = -1
        if kinds[place] == _QUOTE:
            if opened < 0:
                opened = place
            else:
                key = place + 1 < count and plain[place + 1] == 58
                if place - opened <= _QUOTE_REACH and not key:
                    for inner in range(opened, place):
                        marks[inner] |= IN_QUOTES
                opened = -1
        if plain[place] == 96 and place + 2 < count and plain[place + 1] == 96 and plain[place + 2] == 96:
            if place > 0 and plain[place - 1] == 96:
                continue
            if fence < 0:
                fence = place
            else:
                for inner in range(fence, place):
                    marks[inner] |= IN_CODE
                fence = -1


@_jit
def _words(plain: Any, kinds: Any, marks: Any, marked: bool, count: int, words: Any, unspaced: Any) -> tuple[int, Any]:
    """Hash the words of one row; return how many there are and the digest of all of them."""
    n_words = 0
    last = np.uint64(0)  # a word that stands for something, if the word before was one
    digest = np.uint64(0)
    power = _U1
    place = 0
    any_word = False
    while place < count:
        kind = kinds[place]
        if kind != _LETTER and kind != _DIGIT and kind != _CHARACTER:
            place += 1
            continue
        start = place
        total = np.uint64(0)
        factor = _U1
        digits = False
        while True:
            total += (np.uint64(plain[place]) + _U1) * factor
            factor *= _BASE
            digits |= kinds[place] == _DIGIT
            place += 1
            if kind == _CHARACTER or place == count:
                break
            if kinds[place] != _LETTER and kinds[place] != _DIGIT:
                break
        raw = _mix(total)
        digest += raw * power
        power *= _BASE
        any_word = True
        word = raw
        stands = np.uint64(0)
        mark = marks[start] if marked else np.uint8(0)
        if mark & IN_CODE:
            stands = _CODE
        elif mark & IN_QUOTES:
            stands = _QUOTED
        elif mark & IN_ADDRESS:
            stands = _ADDRESS
        elif digits:
            stands = _NUMBER
        if stands:
            word = stands
            if stands == last:
                continue
        last = stands
        words[n_words] = word
        unspaced[n_words] = kind == _CHARACTER and stands == 0
        n_words += 1
    return n_words, _mix(digest + _STEP) if any_word else np.uint64(0)


@_jit
def _plain_words(data: Any, start: int, end: int, ascii_table: Any, words: Any, unspaced: Any) -> tuple[int, Any]:
    """Do the work of `_decode` and `_words` in one go for a row of plain ASCII; -1 words where the row is not that.

    `ascii_table` holds normal form and class of the first 128 symbols, class in the upper byte. Rows with symbols that
    may open an address, a quote or a fence are left to the careful way.
    """
    n_words = 0
    after_slot = False
    digest = np.uint64(0)
    power = _U1
    place = start
    while place < end:
        byte = data[place]
        if byte >= 0x80:
            return -1, digest
        entry = ascii_table[byte]
        kind = entry >> 8
        if not _wordy(kind):
            address = byte == 64 or (byte == 47 and place > start and data[place - 1] == 58)
            if address or kind >= _CHARACTER or byte == 96:
                return -1, digest
            place += 1
            continue
        total = np.uint64(0)
        factor = _U1
        digits = False
        size = 0
        while _wordy(kind):
            digits |= kind == _DIGIT
            factor = _POWERS[size] if size < N_POWERS else factor * _BASE
            total += (np.uint64(entry & 0xFF) + _U1) * factor
            size += 1
            place += 1
            if place == end or data[place] >= 0x80:
                break
            entry = ascii_table[data[place]]
            kind = entry >> 8
        raw = _mix(total)
        digest += raw * power
        power *= _BASE
        if digits:
            if after_slot:
                continue
            raw = _NUMBER
        after_slot = digits
        words[n_words] = raw
        unspaced[n_words] = False
        n_words += 1
    return n_words, _mix(digest + _STEP) if n_words else np.uint64(0)


@_jit
def _run(words: Any, start: int, width: int) -> Any:
    total = np.uint64(0)
    for place in range(width):
        total += words[start + place] * _STEPS[place]
    return _mix(total)


@_jit
def _prints(words: Any, unspaced: Any, n_words: int, runs: Any, out: Any, reached: int, seen: Any, stamp: int) -> int:
    """Append the fingerprints of one row to `out`, each once; return the new length of `out`."""
    n_runs = 0
    for place in range(n_words):
        width = _WIDTH_UNSPACED if unspaced[place] else _WIDTH
        if place + width <= n_words:
            runs[n_runs] = _run(words, place, width)
            n_runs += 1
    if n_runs == 0:
        total = np.uint64(n_words)
        factor = _STEP
        for place in range(n_words):
            total += words[place] * factor
            factor *= _STEP
        out[reached] = _mix(total)
        return reached + 1
    needed = min(_WINDOW, n_runs)
    room = 64  # of the table for this prompt: small tables stay in the cache
    while room < 2 * n_runs and room < 1 << SEEN_BITS:
        room *= 2
    mask = np.int64(room - 1)
    first = reached
    for place in range(n_runs):
        value = runs[place]
        span = 1
        back = place - 1
        while back >= 0 and place - back < _WINDOW and runs[back] >= value:
            span += 1
            back -= 1
        ahead = place + 1
        while ahead < n_runs and ahead - place < _WINDOW and runs[ahead] > value:
            span += 1
            ahead += 1
        if span < needed:
            continue
        slot = np.int64(value) & mask
        while seen[slot, 0] == stamp and out[first + seen[slot, 1]] != value:
            slot = (slot + 1) & mask
        if seen[slot, 0] != stamp:
            seen[slot, 0] = stamp
            seen[slot, 1] = reached - first
            out[reached] = value
            reached += 1
    return reached


@_jit
def _language(words: Any, unspaced: Any, n_words: int, keys: Any, codes: Any, votes: Any) -> int:
    for code in range(len(votes)):
        votes[code] = 0
    characters = 0
    mask = np.uint64(len(keys) - 1)
    for place in range(n_words):
        characters += unspaced[place]
        slot = words[place] & mask
        while keys[slot]:
            if keys[slot] == words[place]:
                votes[codes[slot]] += 1
                break
            slot = (slot + _U1) & mask
    if n_words and characters * 2 > n_words:
        return len(votes)
    best = 0
    for code in range(len(votes)):
        if votes[code] > votes[best]:
            best = code
    return best if votes[best] else -1


@_jit
def pair_slot(one: Any, other: Any, size: int) -> Any:
    """Return the place of a pair of words in a table of `size` entries, a power of two."""
    return ((one + other * _STEP) >> _U32) & np.uint64(size - 1)


@_jit
def _asks(words: Any, n_words: int, firsts: Any, phrases: Any, widths: Any) -> bool:
    """Tell whether one of the phrases, given as run hashes and widths (2 or more), is among the words."""
    for place in range(n_words - 1):
        if not firsts[pair_slot(words[place], words[place + 1], len(firsts))]:
            continue
        for number in range(len(phrases)):
            width = widths[number]
            if place + width <= n_words and _run(words, place, width) == phrases[number]:
                return True
    return False


@_jit
def sketch_rows(
    data: Any,
    starts: Any,
    ends: Any,
    bound: int,
    classes: Any,
    folded: Any,
    language_keys: Any,
    language_codes: Any,
    n_languages: int,
    firsts: Any,
    phrases: Any,
    widths: Any,
    prints: Any,
    offsets: Any,
    digests: Any,
    n_chars: Any,
    asks: Any,
    languages: Any,
) -> None:
    """Sketch rows of text into the last six arrays; `prints` must have room for half of the bytes and a row each."""
    room = bound + 1
    ascii_table = np.empty(128, np.int64)
    for symbol in range(128):
        ascii_table[symbol] = folded[symbol] | np.int64(classes[symbol]) << 8
    plain, kinds, marks = np.empty(room, np.uint32), np.empty(room, np.uint8), np.empty(room, np.uint8)
    words, runs, unspaced = np.empty(room, np.uint64), np.empty(room, np.uint64), np.empty(room, np.bool_)
    seen = np.zeros((1 << SEEN_BITS, 2), np.int32)
    votes = np.zeros(n_languages, np.int64)
    reached = 0
    offsets[0] = 0
    for row in range(len(starts)):
        chars = 0
        for place in range(starts[row], ends[row]):
            chars += (data[place] & 0xC0) != 0x80
        n_chars[row] = min(chars, 2147483647)
        end = min(ends[row], starts[row] + bound)
        n_words, digest = _plain_words(data, starts[row], end, ascii_table, words, unspaced)
        if n_words < 0:
            count = _decode(data, starts[row], end, ascii_table, classes, folded, plain, kinds)
            odd = count < 0
            if odd:
                count = -count
                _mark(plain, kinds, count, marks)
            n_words, digest = _words(plain, kinds, marks, odd, count, words, unspaced)
        digests[row] = digest
        if n_words:
            reached = _prints(words, unspaced, n_words, runs, prints, reached, seen, row + 1)
        offsets[row + 1] = reached
        languages[row] = _language(words, unspaced, n_words, language_keys, language_codes, votes)
        asks[row] = _asks(words, n_words, firsts, phrases, widths)
