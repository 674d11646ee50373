"""Hand-offs: a conversation begun on one account and continued on another of the same group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import BipartiteGraph, rewire
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


def by_chance(conversations: pd.DataFrame, accounts: npt.NDArray[np.object_], *, seed: int) -> pd.DataFrame:
    """The same conversations with other accounts in them, drawn by chance.

    Every conversation keeps its times and its number of accounts, every account its number of conversations.
    Conversations of accounts that are not among `accounts` are left out.
    """
    number = pd.Index(accounts).get_indexer(pd.Index(conversations["account_id"].to_numpy(object)))
    rows = conversations[number >= 0].assign(number=number[number >= 0])
    rows = rows.sort_values(["conversation", "number"], ignore_index=True)
    if rows.empty:
        return rows.drop(columns="number")
    beginning, entity = np.unique(rows["conversation"].to_numpy(np.uint64), return_inverse=True)
    graph = BipartiteGraph.from_arrays(
        rows["number"].to_numpy(np.int64), entity.astype(np.int64), n_accounts=len(accounts), n_entities=beginning.size
    )
    mixed = rewire(graph, np.zeros(beginning.size, dtype=np.int64), seed=seed)
    order = np.lexsort((mixed.account, mixed.entity))  # as the rows stand
    return rows.drop(columns="number").assign(account_id=accounts[mixed.account[order]])
