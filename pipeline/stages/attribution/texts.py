"""Whether a text quoted in an indicator was filled into a known template."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SLOT = "<*>"
RUN, RUN_UNSPACED = 3, 5  # words, or characters of scripts without spaces, that must stand in a row
MIN_SHARE = 0.6  # of the runs of a template that the text must hold
MIN_RUNS = 4  # templates with fewer fixed runs say too little to be recognised


def matching_templates(texts: Sequence[str], frames: Sequence[str | None]) -> list[tuple[int, int]]:
    """(text, frame) numbers of the templates that a text follows, sorted.

    A frame's words stand between slots written `<*>`; a text may have slots itself. A text follows a frame if it holds
    at least 0.6 of the frame's runs of words, four of them or more, within whatever fills the slots.
    """
    known = [_runs(frame) if frame else frozenset() for frame in frames]
    found = []
    for i, text in enumerate(texts):
        runs = _runs(text)
        for j, frame in enumerate(known):
            common = len(frame & runs)
            if common >= MIN_RUNS and common >= MIN_SHARE * len(frame):
                found.append((i, j))
    return found


def _runs(text: str) -> frozenset[int]:
    """Hashes of the runs of words in each stretch between slots."""
    import pyarrow as pa

    from pipeline.text.fingerprints import run_hashes
    from pipeline.text.tokens import tokenise

    stretches = [s.encode("utf-8", "replace").decode() for s in text.split(SLOT) if s.strip()]
    if not stretches:
        return frozenset()
    tokens = tokenise(pa.array(stretches, type=pa.large_string()))
    runs: set[int] = set()
    for first, last in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True):
        hashes = tokens.hashes[first:last]
        width = RUN_UNSPACED if tokens.unspaced[first:last].mean() > 0.5 else RUN
        if hashes.size >= width:
            runs.update(np.unique(run_hashes(hashes, width)).tolist())
    return frozenset(runs)
