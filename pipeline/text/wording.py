"""The wording of a template: words that enough accounts share, and `<*>` for everything else."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.text.fingerprints import WIDTH, WIDTH_UNSPACED, run_hashes
from pipeline.text.hashing import ADDRESS, CODE, NUMBER, QUOTED
from pipeline.text.tokens import Flags, Tokens, tokenise

SLOT = "<*>"
_JOINERS = "-'’/."  # single marks that join the parts of a word
_SPECIAL = np.array([ADDRESS, CODE, NUMBER, QUOTED], dtype=np.uint64)


def wording(texts: Sequence[str], accounts: Sequence[str], *, k: int, longest: int = 2000) -> str | None:
    """Return the template of prompts of one frame, or None where fewer than `k` accounts share any of it.

    A word is fixed where a run of words around it occurs in the prompts of at least `k` accounts and in at least half
    of the prompts; numbers, addresses, quoted spans and code are never shown. The longest wording is cut.
    """
    import pyarrow as pa

    if len(set(accounts)) < k:
        return None
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    tokens = tokenise(pa.array(clean, type=pa.large_string()))
    runs = [_runs(tokens, row) for row in range(len(clean))]
    flat = np.concatenate([np.unique(values) for values, _ in runs])
    owner = np.concatenate([np.full(len(np.unique(values)), row) for row, (values, _) in enumerate(runs)])
    holders: dict[int, set[str]] = {}
    times: dict[int, int] = {}
    for value, row in zip(flat.tolist(), owner.tolist(), strict=True):
        holders.setdefault(value, set()).add(accounts[row])
        times[value] = times.get(value, 0) + 1
    shared = {value for value, who in holders.items() if len(who) >= k and times[value] * 2 >= len(clean)}
    best, fixed = -1, np.zeros(0, np.bool_)
    for row, (values, widths) in enumerate(runs):
        marks = _covered(values, widths, shared)
        if best < 0 or marks.sum() > fixed.sum():
            best, fixed = row, marks
    return _shown(clean[best], tokens, best, fixed)[:longest] if fixed.any() else None


def _runs(tokens: Tokens, row: int) -> tuple[Any, Any]:
    """Return the hash and width of the run at each word of a prompt; width 0 where the prompt ends before."""
    first, last = int(tokens.offsets[row]), int(tokens.offsets[row + 1])
    hashes, unspaced = tokens.hashes[first:last], tokens.unspaced[first:last]
    values = np.zeros(len(hashes), np.uint64)
    widths = np.zeros(len(hashes), np.int64)
    for width, chosen in ((WIDTH, ~unspaced), (WIDTH_UNSPACED, unspaced)):
        width = min(width, len(hashes))
        found = run_hashes(hashes, width)
        places = np.flatnonzero(chosen[: len(found)])
        values[places], widths[places] = found[places], width
    return values, widths


def _covered(values: Any, widths: Any, shared: set[int]) -> Flags:
    change = np.zeros(len(values) + 1, np.int64)
    for place, (value, width) in enumerate(zip(values.tolist(), widths.tolist(), strict=True)):
        if width and value in shared:
            change[place] += 1
            change[place + width] -= 1
    return np.asarray(np.cumsum(change)[:-1] > 0)


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
