"""Search rewired graphs in the same way, to know what chance alone makes.

Rows in: the incidence. Rows out: every candidate group of each rewired graph, with size and the bits of its links.
Rewiring keeps how many entities of each type an account has and how many accounts an entity has, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphs import rewire
from graphs.search import search
from pipeline.graph_tables import all_types, graph_tables, search_rules
from pipeline.settings import Settings


@dataclass(frozen=True)
class NullScores:
    """What the stage writes."""

    null_scores: pd.DataFrame


def make(incidence_bits: pd.DataFrame, entities: pd.DataFrame, *, settings: Settings) -> NullScores:
    """Groups of `settings.null.rewirings` rewired graphs."""
    columns = ["rewiring", "community", "size", "link_bits"]
    if incidence_bits.empty:
        return NullScores(pd.DataFrame({c: [] for c in columns}))
    tables = graph_tables(incidence_bits, entities, all_types(settings))
    kinds, kind = np.unique(tables.entities["entity_type"].to_numpy(object).astype(str), return_inverse=True)
    frames = []
    for number in range(settings.null.rewirings):
        rewired = rewire(tables.graph, kind.astype(np.int64), seed=settings.run.seed + 1000 + number)
        found = search(rewired, tables.about, tables.star, search_rules(settings))
        sizes = found.groups.sizes
        bits = np.bincount(found.groups.group, weights=found.ties.bits.sum(axis=1), minlength=found.groups.n)
        frames.append(
            pd.DataFrame(
                {
                    "rewiring": number,
                    "community": np.arange(found.groups.n),
                    "size": sizes,
                    "link_bits": np.round(bits / np.maximum(sizes, 1), 9),
                }
            )
        )
    return NullScores(pd.concat(frames, ignore_index=True)[columns])
