"""What ties each ring together: entities by ring, their bits with rarity measured outside the ring, and what counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphs.ties import outside_bits
from pipeline.link_types import LinkType

ENTITY = ["entity_type", "entity"]


@dataclass(frozen=True)
class Ties:
    """`of_rings`: a row a ring (candidate) and entity, strongest first within the ring; `of_accounts`: a row a ring,
    account and entity, for the entities in `of_rings`, with the entity's bits in that ring."""

    of_rings: pd.DataFrame
    of_accounts: pd.DataFrame


def ring_ties(
    belongs: pd.DataFrame, incidence: pd.DataFrame, entities: pd.DataFrame, types: dict[str, LinkType]
) -> Ties:
    """Entities that at least two accounts of a ring share, with `bits` and `bits_counted`.

    `belongs`: (candidate, account_id), a pool's inner accounts counted to the pool too. `bits` is the base-2 log
    likelihood ratio of sharing the entity, with the accounts outside the ring as strangers; of the rarity counts the
    share that the class of the entity lets count. `bits_counted` averages over the accounts of the ring, each account
    counting its strongest entity of each family only, so that the counted bits of a ring sum to its mean bits an
    account. A ring in which nothing is shared keeps what single accounts have, counting nothing.
    """
    rows = incidence.merge(belongs[["candidate", "account_id"]], on="account_id", how="inner")
    size = belongs.groupby("candidate").size()
    grouped = rows.groupby(["candidate", *ENTITY], sort=True, observed=True)
    found = grouped.agg(
        n_accounts_in_ring=("account_id", "size"), first_seen=("first_seen", "min"), last_seen=("last_seen", "max")
    ).reset_index()
    shared = found["n_accounts_in_ring"] >= 2
    bare = ~found["candidate"].isin(set(found.loc[shared, "candidate"]))
    found = found[shared | bare].reset_index(drop=True)
    about = entities[[*ENTITY, "class", "family", "n_accounts", "bits", "counts"]]
    about = about.rename(columns={"bits": "global_bits"})
    found = found.merge(about, on=ENTITY, how="left")
    found["ring_size"] = found["candidate"].map(size).astype("int64")
    # as counted over the platform, never below what the ring itself has
    found["n_accounts_total"] = found[["n_accounts", "n_accounts_in_ring"]].max(axis=1).astype("int64")
    found["family"] = found["family"].fillna(found["entity_type"].map({n: t.family for n, t in types.items()}))
    found["family"] = found["family"].fillna(found["entity_type"])
    found["bits"] = _bits(found, types)
    of_accounts = rows[["candidate", "account_id", *ENTITY]].merge(
        found[["candidate", *ENTITY, "family", "bits", "n_accounts_in_ring"]], on=["candidate", *ENTITY], how="inner"
    )
    found["bits_counted"] = _counted(found, of_accounts)
    order = ["candidate", "bits_counted", "bits", *ENTITY]
    found = found.sort_values(order, ascending=[True, False, False, True, True]).reset_index(drop=True)
    return Ties(found, of_accounts)


def _bits(found: pd.DataFrame, types: dict[str, LinkType]) -> pd.Series:
    if found.empty:
        return pd.Series(np.zeros(0), index=found.index)
    plain = LinkType("", "events", "", "")
    cap = found["entity_type"].map({n: t.cap_bits for n, t in types.items()}).fillna(plain.cap_bits).to_numpy(float)
    total, inside = (found[c].to_numpy(np.int64) for c in ("n_accounts_total", "n_accounts_in_ring"))
    known, counts = (found[c].fillna(0.0).to_numpy(np.float64) for c in ("global_bits", "counts"))
    bits = outside_bits(known, counts, np.asarray(cap, dtype=np.float64), total, inside)
    return pd.Series(bits, index=found.index)


def _counted(found: pd.DataFrame, of_accounts: pd.DataFrame) -> pd.Series:
    """Each account's strongest entity of each family carries; the entity counts its bits for the share it carries."""
    useful = of_accounts[(of_accounts["n_accounts_in_ring"] >= 2) & (of_accounts["bits"] > 0)]
    order = ["candidate", "account_id", "family", "bits", "n_accounts_in_ring", *ENTITY]
    ascending = [True, True, True, False, False, True, True]
    carriers = useful.sort_values(order, ascending=ascending).drop_duplicates(["candidate", "account_id", "family"])
    carried = carriers.groupby(["candidate", *ENTITY], observed=True).size().rename("carried").reset_index()
    n_carried = found[["candidate", *ENTITY]].merge(carried, on=["candidate", *ENTITY], how="left")["carried"]
    share = n_carried.fillna(0).to_numpy() / found["ring_size"].to_numpy()
    return pd.Series(found["bits"].to_numpy() * share, index=found.index)
