"""Measures of groups of accounts: the same for real groups and for those that chance makes.

`measure` takes index arrays and traits and gives one value a group and measure of the catalogue; nan where a measure
could not be taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.affinity import Affinity
from graphs.ties import Groups
from pipeline.graph_tables import GraphTables
from pipeline.measures import accounts as from_traits
from pipeline.measures import conversations as from_conversations
from pipeline.measures import hours as from_hours
from pipeline.measures import links as from_links
from pipeline.measures.catalogue import MEASURES, NAMES, Measure
from pipeline.workbench import Workbench

__all__ = ["MEASURES", "NAMES", "Measure", "Records", "measure", "read_records"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Records:
    """What accounts did, read once for however many groups are measured."""

    traits: pd.DataFrame
    hours: from_hours.Hours | None
    conversations: pd.DataFrame

    def by_chance(self, accounts: npt.NDArray[np.object_], *, seed: int) -> Records:
        """The same with other partners in every conversation; what each account does by itself stays."""
        return replace(self, conversations=from_conversations.by_chance(self.conversations, accounts, seed=seed))


def read_records(
    tables: GraphTables,
    account_traits: pd.DataFrame,
    account_hours: list[str],
    conversations: pd.DataFrame,
    bench: Workbench,
) -> Records:
    """Traits, hours and conversations of the accounts of a graph."""
    return Records(account_traits, from_hours.load(account_hours, tables.accounts, bench), conversations)


def measure(
    tables: GraphTables, groups: Groups, records: Records, affinity: Affinity | None = None
) -> dict[str, Floats]:
    """Every measure of every group, in the order of the catalogue."""
    found: dict[str, Floats] = from_links.evidence(tables, groups)
    found |= from_links.shared_things(tables, groups)
    if affinity is not None:
        found |= from_links.affinities(affinity, groups)
    found |= from_traits.measures(records.traits, groups, tables.accounts)
    if records.hours is not None:
        found |= from_hours.measures(records.hours, groups)
    found["handoffs"] = from_conversations.handoffs(records.conversations, groups, tables.accounts)
    unknown = set(found) - set(NAMES)
    if unknown:
        raise ValueError(f"measures that the catalogue does not have: {sorted(unknown)}")
    unmeasured: Floats = np.full(groups.n, np.nan)
    return {name: np.asarray(np.round(found.get(name, unmeasured), 9), dtype=np.float64) for name in NAMES}
