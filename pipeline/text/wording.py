"""The wording of a template: words that enough accounts share, and `<*>` for everything else."""

from collections.abc import Sequence

import numpy as np

from pipeline.text.fingerprints import WIDTH, WIDTH_UNSPACED, run_hashes
from pipeline.text.groups import counted
from pipeline.text.hashing import ADDRESS, CODE, NUMBER, QUOTED, U64, mix
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
    owners = [owner for _, accounts in groups for owner in accounts]
    tokens = tokenise(pa.array(texts, type=pa.large_string()))
    sizes = np.array([len(group) for group, _ in groups], np.int64)
    group_of = np.repeat(np.arange(len(groups)), sizes)
    owner = np.unique(np.array(owners, dtype=object), return_inverse=True)[1].astype(np.int64) if owners else group_of
    fixed = _fixed(tokens, group_of, owner, sizes, k)
    shown = np.add.reduceat(np.append(fixed, False).astype(np.int64), tokens.offsets[:-1]) if len(texts) else sizes
    shown[np.diff(tokens.offsets) == 0] = 0
    found: list[str | None] = []
    for end, size, (_, accounts) in zip(np.cumsum(sizes).tolist(), sizes.tolist(), groups, strict=True):
        best = end - size + int(np.argmax(shown[end - size : end])) if size else 0
        if not size or not shown[best] or len(set(accounts)) < k:
            found.append(None)
        else:
            marks = fixed[tokens.offsets[best] : tokens.offsets[best + 1]]
            found.append(_shown(texts[best], tokens, best, marks)[:LONGEST])
    return found


def _fixed(tokens: Tokens, group_of: I64, owner: I64, sizes: I64, k: int) -> Flags:
    """Return for each word of the prompts whether it is fixed in the template of its group."""
    values, widths = _runs(tokens)
    row_of = np.repeat(np.arange(len(group_of)), np.diff(tokens.offsets))
    whole = np.flatnonzero(widths > 0)
    row = row_of[whole]
    # a run in one group and the same run in another are two
    number = np.unique(mix(values[whole] ^ mix((group_of[row] + 1).astype(np.uint64))), return_inverse=True)[1]
    n_runs = int(number.max()) + 1 if len(number) else 0
    span = len(group_of)  # there are no more accounts than prompts
    n_rows, n_accounts = (
        np.bincount(counted(number * span + by)[0] // max(1, span), minlength=n_runs) for by in (row, owner[row])
    )
    enough = (n_accounts[number] >= k) & (n_rows[number] * 2 >= sizes[group_of[row]])
    change = np.zeros(len(values) + 1, np.int64)
    places = whole[enough]
    np.add.at(change, places, 1)
    np.add.at(change, places + widths[places], -1)
    return np.asarray(np.cumsum(change)[:-1] > 0)


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
