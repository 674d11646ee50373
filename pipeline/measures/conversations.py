"""Hand-offs: a conversation begun on one account and continued on another of the same group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import BipartiteGraph
from graphs.arrays import sum_by
from graphs.ties import Groups, group_entities

Floats = npt.NDArray[np.float64]

# A beginning that more accounts than this share, or that comes up again only long after, is a greeting or the opening
# of a frame, no conversation handed on.
_MOST_ACCOUNTS = 4
_WITHIN = pd.Timedelta(hours=6)


def handoffs(conversations: pd.DataFrame, groups: Groups, accounts: npt.NDArray[np.object_]) -> Floats:
    """Share of a group's accounts that continue a conversation of another member."""
    if conversations.empty:
        return np.full(groups.n, np.nan)
    number = pd.Index(accounts).get_indexer(pd.Index(conversations["account_id"].to_numpy(object)))
    beginning, entity = np.unique(conversations["conversation"].to_numpy(np.uint64), return_inverse=True)
    rare = np.bincount(entity)[entity] <= _MOST_ACCOUNTS
    begun = conversations.groupby(entity)["first_seen"]
    soon = (begun.max() - begun.min() <= _WITHIN).to_numpy()[entity]
    keep = (number >= 0) & rare & soon
    graph = BipartiteGraph.from_arrays(
        number[keep], entity[keep].astype(np.int64), n_accounts=len(accounts), n_entities=beginning.size
    )
    row, _, _, inside = group_entities(graph, groups)
    shares = np.zeros(groups.account.size)
    shares[row[inside >= 2]] = 1.0
    return np.asarray(sum_by(groups.group, shares, groups.n) / np.maximum(groups.sizes, 1))
