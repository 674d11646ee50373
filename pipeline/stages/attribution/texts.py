"""Whether a text quoted in an indicator was filled into a known template."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.text.fingerprints import run_hashes
from pipeline.text.tokens import Tokens, tokenise

SLOT = "<*>"
RUN, RUN_UNSPACED = 3, 5  # words, or characters of scripts without spaces, that must stand in a row
MIN_SHARE = 0.6  # of the runs of a template that the text must hold
MIN_RUNS = 4  # templates with fewer fixed runs say too little to be recognised


def matching_templates(texts: Sequence[str], frames: Sequence[str | None]) -> list[tuple[int, int]]:
    """(text, frame) numbers of the templates that a text follows, sorted.

    A frame's words stand between slots written `<*>`; a text may have slots itself. A text follows a frame if it holds
    at least 0.6 of the frame's runs of words, four of them or more, within whatever fills the slots.
    """
    known, quoted = _runs(frames), _runs(texts)
    found = []
    for i, runs in enumerate(quoted):
        for j, frame in enumerate(known):
            common = len(frame & runs)
            if common >= MIN_RUNS and common >= MIN_SHARE * len(frame):
                found.append((i, j))
    return found


def _runs(texts: Sequence[str | None]) -> list[set[int]]:
    """Hashes of the runs of words in each stretch of each text between slots; none for null."""
    import pyarrow as pa

    stretches = [
        (i, part.encode("utf-8", "replace").decode())
        for i, text in enumerate(texts)
        for part in (text or "").split(SLOT)
        if part.strip()
    ]
    runs: list[set[int]] = [set() for _ in texts]
    if not stretches:
        return runs
    tokens = tokenise(pa.array([part for _, part in stretches], type=pa.large_string()))
    for row, (i, _) in enumerate(stretches):
        runs[i].update(_runs_of_row(tokens, row))
    return runs


def _runs_of_row(tokens: Tokens, row: int) -> list[int]:
    first, last = int(tokens.offsets[row]), int(tokens.offsets[row + 1])
    hashes = tokens.hashes[first:last]
    if not hashes.size:
        return []
    width = RUN_UNSPACED if tokens.unspaced[first:last].mean() > 0.5 else RUN
    return np.unique(run_hashes(hashes, width)).tolist() if hashes.size >= width else []
