"""Measure each candidate group against groups like it: what only fraud does, and what only innocents do.

Rows in: the candidate groups, the incidence, traits and hours of accounts, conversations. Rows out: one a group and
measure, with its unit and the median of the same measure among candidate groups of like size. A measure that could
not be taken is null and counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.ties import Groups
from pipeline.affinity import read_affinity
from pipeline.graph_tables import all_types, graph_tables
from pipeline.measures import MEASURES, measure, read_records
from pipeline.settings import Settings
from pipeline.workbench import Workbench

Floats = npt.NDArray[np.float64]

_SIZE_CLASSES = (5, 15, 60, 300)


@dataclass(frozen=True)
class Behaviour:
    """What the stage writes."""

    behaviour: pd.DataFrame


def make(
    communities: pd.DataFrame,
    candidate_groups: pd.DataFrame,
    incidence_bits: pd.DataFrame,
    entities: pd.DataFrame,
    affinities: pd.DataFrame,
    account_traits: pd.DataFrame,
    account_hours: list[str],
    conversations: pd.DataFrame,
    *,
    settings: Settings,
    bench: Workbench,
) -> Behaviour:
    """All measures of the catalogue for every candidate group."""
    if candidate_groups.empty:
        return Behaviour(
            pd.DataFrame({c: [] for c in ["community", "measure", "family", "value", "unit", "reference"]})
        )
    tables = graph_tables(incidence_bits, entities, all_types(settings), account_traits)
    records = read_records(tables, account_traits, account_hours, conversations, bench)
    affinity = read_affinity(affinities, tables.accounts)
    number = pd.Index(tables.accounts).get_indexer(pd.Index(communities["account_id"].to_numpy(object)))
    groups = Groups.from_arrays(communities["community"].to_numpy(np.int64), number, len(candidate_groups))
    return Behaviour(_table(measure(tables, groups, records, affinity), groups.sizes))


def _table(found: dict[str, Floats], sizes: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Long table of the measures, in the order of the catalogue, with the reference of the size class."""
    size_class = np.searchsorted(_SIZE_CLASSES, sizes, side="left")
    frames = []
    for about in MEASURES:
        reference = pd.Series(found[about.name]).groupby(size_class).transform("median")
        frames.append(
            pd.DataFrame(
                {
                    "community": np.arange(sizes.size),
                    "measure": about.name,
                    "family": about.family,
                    "value": found[about.name],
                    "unit": about.unit,
                    "reference": np.round(reference, 9),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
