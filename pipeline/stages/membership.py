"""Settle who is in each ring: members of the search's groups are compared with their ring, and others that could be.

Rows in: the groups that are reported with the accounts the search found in them, what accounts share and do. Rows out:
accounts by group with how surely each belongs. Where a group is likely a ring, that is the probability that the
account belongs to it: who belongs by less than one half stays as fringe, who was not found with the ring and belongs
by 0.7 or more joins it (by 0.9 where it shares neither frame nor conversation with the ring). In other groups it is
how often and how strongly the search found the account there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.belonging import BelongingModel, Platform, compared, platform_of, tied_by_text
from pipeline.graph_tables import all_types, graph_tables
from pipeline.scoring_model import read_model
from pipeline.settings import Settings

RING = "coordinated"

_COLUMNS = ["candidate", "account_id", "membership"]
_JOINS = 0.7  # an account that the search did not find there must belong this surely
_JOINS_WITHOUT_TEXT = 0.9  # and this surely where it shares neither frame nor conversation with the ring
_LEAST_LEFT = 3  # accounts that a group keeps when others take from it


@dataclass(frozen=True)
class Membership:
    """What the stage writes."""

    candidate_members: pd.DataFrame


def make(
    candidates: pd.DataFrame,
    candidate_cores: pd.DataFrame,
    incidence_bits: pd.DataFrame,
    entities: pd.DataFrame,
    account_traits: pd.DataFrame,
    conversations: pd.DataFrame,
    *,
    settings: Settings,
) -> Membership:
    """Members of every reported group. A model that knows nothing of belonging leaves the groups of the search."""
    cores = candidate_cores.sort_values(["candidate", "account_id"], ignore_index=True)[_COLUMNS]
    model = read_model(settings.scores.model).belonging
    rings = candidates[candidates["kind"] == RING]
    if model is None or rings.empty:
        return Membership(cores)
    tables = graph_tables(incidence_bits, entities, all_types(settings), account_traits)
    platform = platform_of(tables, account_traits, conversations)
    return Membership(_settled(_belong(platform, tables.accounts, rings, cores, model), cores, candidates))


def _belong(
    platform: Platform, accounts: np.ndarray, rings: pd.DataFrame, cores: pd.DataFrame, model: BelongingModel
) -> pd.DataFrame:
    """Probability of each account that was compared with a ring, whether the search found it there (`core`), and
    whether it shares text with the ring (`by_text`)."""
    frames = []
    place = pd.Index(accounts)
    ordered = rings.sort_values("candidate")
    for ring, bits in zip(ordered["candidate"].tolist(), ordered["score_bits"].tolist(), strict=True):
        mine = cores.loc[cores["candidate"] == ring, "account_id"]
        members = np.sort(place.get_indexer(pd.Index(mine))).astype(np.int64)
        asked, x = compared(platform, members, bits)
        frames.append(
            pd.DataFrame(
                {"candidate": ring, "account_id": accounts[asked], "membership": model.probability(x),
                 "core": np.isin(asked, members), "by_text": tied_by_text(x)}
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _settled(belong: pd.DataFrame, cores: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Each account once: with the ring it belongs to most surely. Who joins a ring leaves the group it was found in,
    the pool around the ring aside, unless too few would be left there."""
    other = cores[~cores["candidate"].isin(belong["candidate"])]
    parent = candidates.set_index("candidate")["parent"]
    found_in = cores[~cores["candidate"].isin(parent.dropna())].set_index("account_id")["candidate"]
    left = cores.groupby("candidate").size().to_dict()
    bar = np.where(belong["by_text"], _JOINS, _JOINS_WITHOUT_TEXT)
    joins = belong[~belong["core"] & (belong["membership"] >= bar)]
    own = belong[belong["core"]].set_index("account_id")["membership"]
    joined, gone = [], set()
    for row in joins.sort_values(["membership", "candidate", "account_id"], ascending=[False, True, True]).itertuples():
        if row.account_id in gone or own.get(row.account_id, 0.0) >= row.membership:
            continue
        home = found_in.get(row.account_id)
        if home is not None and left[home] <= _LEAST_LEFT:
            continue
        if home is not None:
            left[home] -= 1
        gone.add(row.account_id)
        joined.append((row.candidate, row.account_id, row.membership))
    stays = pd.concat([belong[belong["core"]][_COLUMNS], other])
    is_pool = stays["candidate"].isin(parent.dropna())
    stays = stays[is_pool | ~stays["account_id"].isin(gone)]
    made = pd.concat([stays, pd.DataFrame(joined, columns=_COLUMNS)], ignore_index=True)
    return made.sort_values(["candidate", "account_id"], ignore_index=True)
