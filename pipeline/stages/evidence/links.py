"""Pairs of accounts inside each ring, the strongest of each account: for ranking and drawing, never for grouping."""

from __future__ import annotations

import numpy as np
import pandas as pd

from graphs import BipartiteGraph
from graphs.ring_pairs import pairs_within
from pipeline.stages.evidence.ties import ENTITY


def ring_links(of_accounts: pd.DataFrame, members: pd.DataFrame, types: list[str], per_account: int) -> pd.DataFrame:
    """At most `per_account` strongest pairs an account, with bits in all and by link type.

    `of_accounts`: (ring_id, account_id, entity_type, entity, family, bits, n_accounts_in_ring); `members`: the ring's
    own accounts. Bits of a pair: maximum within each family, families added up; the bits by type add up to it.
    """
    rows = of_accounts[(of_accounts["bits"] > 0) & (of_accounts["n_accounts_in_ring"] >= 2)]
    rows = rows.merge(members[["ring_id", "account_id"]], on=["ring_id", "account_id"])
    made = [_links_of_ring(str(ring), part, types, per_account) for ring, part in rows.groupby("ring_id", sort=True)]
    made = [part for part in made if len(part)]
    if made:
        return pd.concat(made, ignore_index=True)
    return pd.DataFrame({c: [] for c in ["ring_id", "account_a", "account_b", "bits", *(f"bits_{t}" for t in types)]})


def _links_of_ring(ring: str, rows: pd.DataFrame, types: list[str], per_account: int) -> pd.DataFrame:
    accounts, account = np.unique(rows["account_id"].to_numpy(object).astype(str), return_inverse=True)
    entity = rows.groupby(ENTITY, sort=True).ngroup().to_numpy(np.int64)
    first = np.unique(entity, return_index=True)[1]
    family = pd.factorize(rows["family"], sort=True)[0][first].astype(np.int64)
    place = {name: i for i, name in enumerate(types)}
    kind = rows["entity_type"].map(place).to_numpy(np.int64)[first]
    graph = BipartiteGraph.from_arrays(account.astype(np.int64), entity, rows["bits"].to_numpy(float))
    pairs = pairs_within(
        graph, np.arange(accounts.size), entity_type=kind, n_types=len(types), family=family,
        most_per_account=per_account,
    )  # fmt: skip
    table = pd.DataFrame({"account_a": accounts[pairs.a], "account_b": accounts[pairs.b], "bits": pairs.bits})
    for name, i in place.items():
        table[f"bits_{name}"] = pairs.bits_by_type[:, i]
    table.insert(0, "ring_id", ring)
    return table
