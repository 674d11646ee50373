"""The compiled path from text to sketch: prompt by prompt, in one pass, on the Arrow buffers.

Does what `tokens`, `fingerprints` and `traits` do with numpy, to the same bytes (tests compare them), many times as
fast. Importing this module imports numba; nothing else does, and nothing needs it. All of it stands in one file,
because what numba keeps compiled on the disk is made anew only where the file of its outermost function changed.
"""

from typing import Any

import numba
import numpy as np

from pipeline.text import hashing, tables
from pipeline.text.fingerprints import WIDTH, WIDTH_UNSPACED, WINDOW
from pipeline.text.tokens import QUOTE_REACH
from pipeline.text.traits import LAST_WORDS

jit = numba.njit(cache=True, nogil=True)

_BASE = np.uint64(hashing.BASE)
_STEP = np.uint64(hashing.STEP)
_MIX_A = np.uint64(hashing.MIX_A)
_MIX_B = np.uint64(hashing.MIX_B)
_STEPS = np.array([pow(hashing.STEP, place + 1, 1 << 64) for place in range(16)], np.uint64)
_STEP_1, _STEP_2, _STEP_3 = (np.uint64(pow(hashing.STEP, power, 1 << 64)) for power in (1, 2, 3))
N_POWERS = 64  # symbols of a word whose powers are looked up: a product less to wait for
_POWERS = np.array([pow(hashing.BASE, place, 1 << 64) for place in range(N_POWERS)], np.uint64)
_PAST_POWERS = np.uint64(pow(hashing.BASE, N_POWERS, 1 << 64))
_NUMBER = np.uint64(hashing.NUMBER)
_ADDRESS = np.uint64(hashing.ADDRESS)
_CODE = np.uint64(hashing.CODE)
_QUOTED = np.uint64(hashing.QUOTED)
_SPACE, _LETTER, _DIGIT = tables.SPACE, tables.LETTER, tables.DIGIT
_CHARACTER, _IGNORED, _QUOTE = tables.CHARACTER, tables.IGNORED, tables.QUOTE
_REPLACEMENT, _IDEOGRAPH = tables.REPLACEMENT, tables.IDEOGRAPH
# unsigned, because a place that cannot be negative is looked up without a question
_U0, _U1, _U2, _U29, _U32, _U56, _U_POWERS = (np.uint64(value) for value in (0, 1, 2, 29, 32, 56, N_POWERS))
_WIDTH, _WIDTH_UNSPACED, _WINDOW, _QUOTE_REACH, _LAST_WORDS = WIDTH, WIDTH_UNSPACED, WINDOW, QUOTE_REACH, LAST_WORDS
if (WIDTH, WINDOW) != (3, 3):
    raise ImportError("runs of three words in windows of three are written out here")
SEEN_BITS = 16  # of the table by which repeated fingerprints of a prompt are found; more than a prompt can have
IN_ADDRESS, IN_QUOTES, IN_CODE = 1, 2, 4

# what a byte is to the way of plain text: below END what it adds to the hash of its word
LAST_DIGIT, END, NEW_LINE, SLASH, ODD = 58, 128, 129, 130, 131


def byte_values() -> Any:
    """Return for each byte what it adds to the hash of its word, or what else it is; shape (256,)."""
    values = np.full(256, ODD, np.uint8)
    for byte in range(128):
        kind = tables.classes()[byte]
        if kind in (tables.LETTER, tables.DIGIT):
            values[byte] = tables.folded()[byte] + 1
        elif kind in (tables.SPACE, tables.PUNCTUATION) and byte not in (64, 96):
            values[byte] = {10: NEW_LINE, 47: SLASH}.get(byte, END)
    return values


@jit
def spread(value: Any) -> Any:
    """A 64-bit hash mixed once more, so that neighbours fall far apart."""
    value = value ^ (value >> _U32)
    value = value * _MIX_A
    value = value ^ (value >> _U29)
    value = value * _MIX_B
    return value ^ (value >> _U32)


@jit
def decode(data: Any, start: int, end: int, ascii_table: Any, classes: Any, folded: Any, plain: Any, kinds: Any) -> int:
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


@jit
def _wordy(kind: int) -> bool:
    return kind in (_LETTER, _DIGIT)


@jit
def mark(plain: Any, kinds: Any, count: int, marks: Any) -> None:
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


@jit
def careful_words(
    plain: Any, kinds: Any, marks: Any, marked: bool, count: int, words: Any, unspaced: Any
) -> tuple[int, Any]:
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
        raw = spread(total)
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
    return n_words, spread(digest + _STEP) if any_word else np.uint64(0)


@jit
def _blank_line(data: Any, place: Any, end: Any) -> bool:
    """Tell whether the line that ends at `place` is followed by an empty one."""
    if place + _U1 < end and data[place + _U1] == 10:
        return True
    return bool(place + _U2 < end and data[place + _U1] == 13 and data[place + _U2] == 10)


@jit
def look_over(data: Any, start: int, end: int) -> tuple[int, bool]:
    """Count the symbols of a row and tell whether it has a blank line."""
    chars = 0
    parted = False
    for place in range(start, end):
        chars += (data[place] & 0xC0) != 0x80
        if data[place] == 10 and not parted:
            parted = _blank_line(data, np.uint64(place), np.uint64(end))
    return chars, parted


@jit
def plain_words(data: Any, start: int, end: int, values: Any, words: Any) -> tuple[int, Any, bool]:
    """Do the work of `decode` and `careful_words` in one go for a row of plain ASCII; -1 words where it is none.

    Rows with symbols that may open an address, a quote or a fence are left to the careful way. The third is whether
    there is a blank line.
    """
    n_words = 0
    parted = False
    after_number = False
    digest = _U0
    power = _U1
    place, first, last = np.uint64(start), np.uint64(start), np.uint64(end)
    while place < last:
        value = values[data[place]]
        if value >= END:
            if value > END:
                if value == NEW_LINE:
                    parted |= _blank_line(data, place, last)
                elif value == ODD or (place > first and data[place - _U1] == 58):
                    return -1, digest, parted
            place += _U1
            continue
        begin = place
        near = min(last, place + _U_POWERS)
        total = _U0
        digits = False
        while place < near:
            value = values[data[place]]
            if value >= END:
                break
            total += np.uint64(value) * _POWERS[place - begin]
            digits |= value <= LAST_DIGIT
            place += _U1
        if place == near:
            factor = _PAST_POWERS
            while place < last:
                value = values[data[place]]
                if value >= END:
                    break
                total += np.uint64(value) * factor
                factor *= _BASE
                digits |= value <= LAST_DIGIT
                place += _U1
        word = spread(total)
        digest += word * power
        power *= _BASE
        if digits:
            if after_number:
                continue
            word = _NUMBER
        after_number = digits
        words[n_words] = word
        n_words += 1
    return n_words, spread(digest + _STEP) if n_words else _U0, parted


@jit
def _run(words: Any, start: int, width: int) -> Any:
    total = _U0
    for place in range(width):
        total += words[start + place] * _STEPS[place]
    return spread(total)


@jit
def _whole(words: Any, n_words: int) -> Any:
    """Hash all words of a row that is shorter than a run."""
    total = np.uint64(n_words)
    factor = _STEP
    for place in range(n_words):
        total += words[place] * factor
        factor *= _STEP
    return spread(total)


@jit
def _runs(words: Any, unspaced: Any, n_words: int, mixed: bool, runs: Any) -> int:
    """Hash the runs of a row; return how many there are."""
    if not mixed:
        for place in range(n_words - 2):
            runs[place] = spread(words[place] * _STEP_1 + words[place + 1] * _STEP_2 + words[place + 2] * _STEP_3)
        return max(0, n_words - 2)
    n_runs = 0
    for place in range(n_words):
        width = _WIDTH_UNSPACED if unspaced[place] else _WIDTH
        if place + width <= n_words:
            runs[n_runs] = _run(words, place, width)
            n_runs += 1
    return n_runs


@jit
def _winnowed(runs: Any, n_runs: int, kept: Any) -> int:
    """Write the smallest run of every window, the last of equals, and no place twice; return how many there are.

    Nothing is asked on the way that a processor would have to guess.
    """
    if n_runs < _WINDOW:
        best = 0
        for place in range(1, n_runs):
            if runs[place] <= runs[best]:
                best = place
        kept[0] = runs[best]
        return 1
    n_kept = 0
    before = -1
    one, two = runs[0], runs[1]
    for place in range(2, n_runs):
        three = runs[place]
        low = two if two <= one else one
        at = place - 1 if two <= one else place - 2
        at = place if three <= low else at
        low = three if three <= low else low
        kept[n_kept] = low
        n_kept += at != before
        before = at
        one, two = two, three
    return n_kept


@jit
def _distinct(kept: Any, n_kept: int, out: Any, reached: int, seen: Any, stamp: int) -> int:
    """Append the fingerprints of one row to `out`, each once; return the new length of `out`."""
    room = 64  # of the table for this prompt: small tables stay in the cache
    while room < 2 * n_kept and room < 1 << SEEN_BITS:
        room *= 2
    mask = np.uint64(room - 1)
    first = reached
    for place in range(n_kept):
        value = kept[place]
        slot = value & mask
        while seen[slot, 0] == stamp and out[first + seen[slot, 1]] != value:
            slot = (slot + _U1) & mask
        if seen[slot, 0] != stamp:
            seen[slot, 0] = stamp
            seen[slot, 1] = reached - first
            out[reached] = value
            reached += 1
    return reached


@jit
def _language(
    words: Any, unspaced: Any, n_words: int, mixed: bool, keys: Any, codes: Any, shift: Any, votes: Any
) -> int:
    n_languages = len(votes) - 1  # the last counts words that no language has for itself
    for code in range(n_languages):
        votes[code] = 0
    mask = np.uint64(len(keys) - 1)
    first = max(0, n_words - _LAST_WORDS)
    for place in range(first, n_words):
        slot = (words[place] >> shift) & mask
        votes[codes[slot] if keys[slot] == words[place] else n_languages] += 1
    if mixed:
        characters = 0
        for place in range(first, n_words):
            characters += unspaced[place]
        if n_words and characters * 2 > n_words - first:
            return n_languages
    best = 0
    for code in range(n_languages):
        if votes[code] > votes[best]:
            best = code
    return best if votes[best] else -1


@jit
def _asks(words: Any, n_words: int, marks: Any, keys: Any, places: Any, phrases: Any, widths: Any) -> bool:
    """Tell whether one of the phrases is among the words; `marks` are the upper bytes of the words to look out for."""
    for place in range(n_words):
        if not marks[words[place] >> _U56]:
            continue
        for number in range(len(keys)):
            first = place - places[number]
            fits = keys[number] == words[place] and first >= 0 and first + widths[number] <= n_words
            if fits and _run(words, first, widths[number]) == phrases[number]:
                return True
    return False


@jit
def sketch_rows(
    data: Any,
    starts: Any,
    cuts: Any,
    ends: Any,
    values: Any,
    classes: Any,
    folded: Any,
    language: Any,
    phrases: Any,
    prints: Any,
    offsets: Any,
    digests: Any,
    n_chars: Any,
    asks: Any,
    languages: Any,
    parted: Any,
) -> None:
    """Sketch rows of text, read up to `cuts`, into the last seven arrays.

    `prints` must have room for half of the bytes and a row each. `language` and `phrases` are tuples of tables.
    """
    language_keys, language_codes, shift, n_languages = language
    marks, phrase_keys, places, phrase_values, widths = phrases
    room = 1
    for row in range(len(starts)):
        room = max(room, cuts[row] - starts[row] + 1)
    ascii_table = np.empty(128, np.int64)
    for symbol in range(128):
        ascii_table[symbol] = folded[symbol] | np.int64(classes[symbol]) << 8
    plain, kinds, inside = np.empty(room, np.uint32), np.empty(room, np.uint8), np.empty(room, np.uint8)
    words, runs, kept = np.empty(room, np.uint64), np.empty(room, np.uint64), np.empty(room, np.uint64)
    unspaced = np.empty(room, np.bool_)
    seen = np.zeros((1 << SEEN_BITS, 2), np.int32)
    votes = np.zeros(n_languages + 1, np.int64)
    reached = 0
    offsets[0] = 0
    for row in range(len(starts)):
        start, end = starts[row], ends[row]
        n_words, digest, blank = plain_words(data, start, cuts[row], values, words)
        mixed = n_words < 0
        chars = end - start
        if mixed or cuts[row] < end:
            chars, blank = look_over(data, start, end)
        if mixed:
            count = decode(data, start, cuts[row], ascii_table, classes, folded, plain, kinds)
            odd = count < 0
            if odd:
                count = -count
                mark(plain, kinds, count, inside)
            n_words, digest = careful_words(plain, kinds, inside, odd, count, words, unspaced)
        n_chars[row] = min(chars, 2147483647)
        parted[row] = blank
        digests[row] = digest
        if n_words:
            n_runs = _runs(words, unspaced, n_words, mixed, runs)
            if n_runs:
                reached = _distinct(kept, _winnowed(runs, n_runs, kept), prints, reached, seen, row + 1)
            else:
                prints[reached] = _whole(words, n_words)
                reached += 1
        offsets[row + 1] = reached
        languages[row] = _language(words, unspaced, n_words, mixed, language_keys, language_codes, shift, votes)
        asks[row] = _asks(words, n_words, marks, phrase_keys, places, phrase_values, widths)
