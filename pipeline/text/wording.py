"""The wording of a template: words that enough accounts share, and `<*>` for everything else."""

from collections.abc import Sequence

import numpy as np

from pipeline.text.fingerprints import WIDTH, WIDTH_UNSPACED, run_hashes
from pipeline.text.hashing import ADDRESS, CODE, NUMBER, QUOTED, U64
from pipeline.text.tokens import I64, Flags, Tokens, tokenise

SLOT = "<*>"
LONGEST = 2000  # symbols of a wording
_JOINERS = "-'’/."  # single marks that join the parts of a word
_SPECIAL = np.array([ADDRESS, CODE, NUMBER, QUOTED], dtype=np.uint64)


def wordings(groups: Sequence[tuple[Sequence[str], Sequence[str]]], *, k: int) -> list[str | None]:
    """Return the template of each group of prompts of one frame, given as (prompts, accounts).

    None where fewer than `k` accounts share any of it. A word is fixed where a run of words around it occurs in the
    prompts of at least `k` accounts and in at least half of the prompts; numbers, addresses, quoted spans and code are
    never shown. The longest wording is cut.
    """
    import pyarrow as pa

    texts = [text.encode("utf-8", "replace").decode("utf-8") for group, _ in groups for text in group]
    tokens = tokenise(pa.array(texts, type=pa.large_string()))
    values, widths = _runs(tokens)
    ends = np.cumsum([len(group) for group, _ in groups])
    found: list[str | None] = []
    for (group, accounts), end in zip(groups, ends.tolist(), strict=True):
        rows = range(end - len(group), end)
        fixed = _fixed(tokens, values, widths, rows, accounts, k)
        if fixed is None:
            found.append(None)
        else:
            row, marks = fixed
            found.append(_shown(texts[row], tokens, row, marks)[:LONGEST])
    return found


def _fixed(
    tokens: Tokens, values: U64, widths: I64, rows: range, accounts: Sequence[str], k: int
) -> tuple[int, Flags] | None:
    """Return the prompt that shows most of the frame, and which of its words are fixed."""
    if len(set(accounts)) < k:
        return None
    first, last = tokens.offsets[rows.start], tokens.offsets[rows.stop]
    row_of = np.repeat(np.arange(len(rows)), np.diff(tokens.offsets[rows.start : rows.stop + 1]))
    owner = np.unique(np.array(accounts), return_inverse=True)[1].astype(np.int64)
    runs, width = values[first:last], widths[first:last]
    number = np.unique(runs, return_inverse=True)[1].astype(np.int64)
    whole = width > 0
    n_runs = int(number.max()) + 1 if len(number) else 0
    by_account = np.unique(number[whole] * len(rows) + owner[row_of[whole]]) // len(rows)
    by_row = np.unique(number[whole] * len(rows) + row_of[whole]) // len(rows)
    n_accounts, n_rows = (np.bincount(counted, minlength=n_runs) for counted in (by_account, by_row))
    shared = whole & ((n_accounts >= k) & (n_rows * 2 >= len(rows)))[number] if n_runs else whole
    change = np.zeros(len(runs) + 1, np.int64)
    places = np.flatnonzero(shared)
    np.add.at(change, places, 1)
    np.add.at(change, places + width[places], -1)
    marks = np.cumsum(change)[:-1] > 0
    shown = np.bincount(row_of[marks], minlength=len(rows))
    if not len(shown) or not shown.max():
        return None
    best = int(np.argmax(shown))
    return rows.start + best, marks[row_of == best]


def _runs(tokens: Tokens) -> tuple[U64, I64]:
    """Return hash and width of the run that begins at each word; width 0 where its prompt ends before."""
    offsets, size = tokens.offsets, len(tokens.hashes)
    lengths = np.diff(offsets)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    left = offsets[1:][row_of] - np.arange(size)
    values, widths = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for width, chosen in ((WIDTH, ~tokens.unspaced), (WIDTH_UNSPACED, tokens.unspaced)):
        found = run_hashes(tokens.hashes, width)
        places = np.flatnonzero((chosen & (left >= width))[: len(found)])
        values[places], widths[places] = found[places], width
    return values, widths


def _shown(text: str, tokens: Tokens, row: int, fixed: Flags) -> str:
    """Write the prompt with what is not fixed as slots, and of the marks only those inside a word."""
    first = int(tokens.offsets[row])
    special = np.isin(tokens.hashes[first : first + len(fixed)], _SPECIAL)
    parts: list[str] = []
    reached = -1  # where the last fixed word ended
    for place, shown in enumerate((fixed & ~special).tolist()):
        if not shown:
            reached = -1
            if not parts or parts[-1] != SLOT:
                parts.append(SLOT)
            continue
        start, end = int(tokens.starts[first + place]), int(tokens.ends[first + place])
        gap = text[reached:start] if reached >= 0 else " "
        if parts and parts[-1] != SLOT and (gap == "" or gap in _JOINERS):
            parts[-1] += gap + text[start:end]
        else:
            parts.append(text[start:end])
        reached = end
    return " ".join(parts)
