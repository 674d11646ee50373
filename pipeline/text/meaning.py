"""Frames of like meaning: vectors of their wordings, and groups of those that are close to one another on average.

Likeness of meaning joins every tutor with every other and every reviewer of code: it is weak evidence, and the link
type that is made of it is weighed so. What a group is depends on the set of its wordings, not on their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.text.sentences import Floats
from pipeline.text.tokens import tokenise
from pipeline.text.traits import language_names, languages
from pipeline.text.wording import SLOT, wordings

LIKE = 0.55  # mean cosine within a group; docs/explanation/templates.md has what other values give
FEWEST_WORDS = 6  # of a wording that says enough to be compared
LANGUAGE = "en"  # the one that the model knows well


def representatives(groups: Sequence[Sequence[str]]) -> list[str | None]:
    """What prompts of one frame have in common, for each group of them; None where it says too little, or no English.

    It is text of accounts: it must not be kept, nor shown.
    """
    import pyarrow as pa

    common = wordings([(texts, ["" for _ in texts]) for texts in groups], k=1)
    plain = [" ".join(word for word in (text or "").split() if word != SLOT) for text in common]
    codes = languages(tokenise(pa.array(plain, type=pa.large_string())))
    wanted = language_names().index(LANGUAGE)
    return [
        text if len(text.split()) >= FEWEST_WORDS and code == wanted else None
        for text, code in zip(plain, codes.tolist(), strict=True)
    ]


def like(vectors: Floats, least: float = LIKE) -> npt.NDArray[np.int64]:
    """Number of the group of each row: average linkage, cut where the mean cosine between two groups is below `least`.

    Rows have length one and come in an order of their own, as by the ids of what they stand for: of several equal
    distances the first is taken. Groups are numbered by their first row.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    found = np.arange(len(vectors))
    if not len(vectors):
        return found
    # No two groups meet without a pair that is close: what such pairs connect can be looked at by itself.
    piece = connected_components(csr_array((_cosines(vectors) >= least).astype(np.int8)), directed=False)[1]
    for number in np.unique(piece):
        rows = np.flatnonzero(piece == number)
        if len(rows) < 2:
            continue
        cosines = _cosines(vectors[rows])
        apart = np.maximum(0.0, 1.0 - cosines[np.triu_indices(len(rows), 1)])
        group = fcluster(linkage(apart, "average"), 1.0 - least, "distance")
        first = {int(value): rows[at] for at, value in reversed(list(enumerate(group)))}
        found[rows] = [first[int(value)] for value in group]
    return found


def _cosines(vectors: Any) -> npt.NDArray[np.float64]:
    """Cosines to six places: more differ between machines."""
    return np.asarray(np.round((vectors @ vectors.T).astype(np.float64), 6))


def meanings(ids: Sequence[str], vectors: Floats, least: float = LIKE) -> Mapping[str, str]:
    """The id of the group of each template that has a like one: that of its first template, by the order of ids."""
    order = np.argsort(np.array(ids, dtype=object), kind="stable")
    sorted_ids = [ids[row] for row in order]
    first = like(vectors[order], least)
    sizes = np.bincount(first, minlength=len(first))
    return {name: sorted_ids[at] for name, at in zip(sorted_ids, first.tolist(), strict=True) if sizes[at] > 1}
