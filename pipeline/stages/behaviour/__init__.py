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
from pipeline.graph_tables import all_types, graph_tables
from pipeline.settings import Settings
from pipeline.stages.behaviour import accounts as from_traits
from pipeline.stages.behaviour import conversations as from_conversations
from pipeline.stages.behaviour import hours as from_hours
from pipeline.stages.behaviour import links as from_links
from pipeline.stages.behaviour.catalogue import MEASURES, NAMES
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
    account_traits: pd.DataFrame,
    account_hours: list[str],
    conversations: pd.DataFrame,
    *,
    settings: Settings,
    bench: Workbench,
) -> Behaviour:
    """All measures of the catalogue for every candidate group."""
    if candidate_groups.empty:
        return Behaviour(pd.DataFrame({c: [] for c in "community measure family value unit reference".split()}))
    traits = account_traits.sort_values("account_id", ignore_index=True)
    tables = graph_tables(incidence_bits, entities, all_types(settings), traits)
    number = pd.Index(tables.accounts).get_indexer(communities["account_id"].to_numpy(object))
    groups = Groups.from_arrays(communities["community"].to_numpy(np.int64), number, len(candidate_groups))
    found: dict[str, Floats] = from_links.evidence(tables, groups)
    found |= from_links.shared_things(tables, groups)
    found |= from_traits.measures(traits, groups, tables.accounts)
    hours = from_hours.load(account_hours, tables.accounts, bench)
    if hours is not None:
        found |= from_hours.measures(hours, groups)
    found["handoffs"] = from_conversations.handoffs(conversations, groups, tables.accounts)
    return Behaviour(_table(found, groups.sizes))


def _table(found: dict[str, Floats], sizes: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Long table of the measures, in the order of the catalogue, with the reference of the size class."""
    unknown = set(found) - set(NAMES)
    if unknown:
        raise ValueError(f"measures that the catalogue does not have: {sorted(unknown)}")
    size_class = np.searchsorted(_SIZE_CLASSES, sizes, side="left")
    frames = []
    for measure in MEASURES:
        value = np.round(found.get(measure.name, np.full(sizes.size, np.nan)), 9)
        reference = pd.Series(value).groupby(size_class).transform("median")
        frames.append(
            pd.DataFrame(
                {
                    "community": np.arange(sizes.size),
                    "measure": measure.name,
                    "family": measure.family,
                    "value": value,
                    "unit": measure.unit,
                    "reference": np.round(reference, 9),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
