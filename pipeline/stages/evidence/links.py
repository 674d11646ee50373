"""Pairs of accounts inside each ring, the strongest of each account: for ranking and drawing, never for grouping."""

from __future__ import annotations

import numpy as np
import pandas as pd

from graphs import BipartiteGraph
from graphs.projection import rare_pairs
from pipeline.stages.evidence.ties import ENTITY

MAX_DEGREE = 200


def ring_links(of_accounts: pd.DataFrame, members: pd.DataFrame, types: list[str], per_account: int) -> pd.DataFrame:
    """At most `per_account` strongest pairs an account, with bits in all and by link type.

    `of_accounts`: (ring_id, account_id, entity_type, entity, family, bits, n_accounts_in_ring); `members`: the ring's
    own accounts. Bits of a pair: maximum within each family, families added up.
    """
    rows = of_accounts[(of_accounts["bits"] > 0) & (of_accounts["n_accounts_in_ring"] >= 2)]
    rows = rows.merge(members[["ring_id", "account_id"]], on=["ring_id", "account_id"])
    made = [_links_of_ring(str(ring), part, types, per_account) for ring, part in rows.groupby("ring_id", sort=True)]
    columns = ["ring_id", "account_a", "account_b", "bits", *(f"bits_{t}" for t in types)]
    made = [part for part in made if len(part)]
    return pd.concat(made, ignore_index=True) if made else pd.DataFrame({c: [] for c in columns})


def _links_of_ring(ring: str, rows: pd.DataFrame, types: list[str], per_account: int) -> pd.DataFrame:
    account, accounts = pd.factorize(rows["account_id"], sort=True)
    entity = rows.groupby(ENTITY, sort=True).ngroup().to_numpy()
    first = np.unique(entity, return_index=True)[1]
    family = pd.factorize(rows["family"], sort=True)[0][first]
    kind = rows["entity_type"].to_numpy()[first]
    graph = BipartiteGraph.from_arrays(account, entity, rows["bits"].to_numpy(float))
    pairs = rare_pairs(graph, family=family, max_degree=MAX_DEGREE)
    table = pd.DataFrame({"a": pairs.a, "b": pairs.b, "bits": pairs.bits})
    table = _strongest(table, per_account)
    for name in types:
        mine = graph.restrict(entities=kind == name)
        of_type = rare_pairs(mine, family=np.zeros(graph.n_entities, dtype=np.int64), max_degree=MAX_DEGREE)
        column = pd.DataFrame({"a": of_type.a, "b": of_type.b, f"bits_{name}": of_type.bits})
        table = table.merge(column, on=["a", "b"], how="left")
        table[f"bits_{name}"] = table[f"bits_{name}"].fillna(0.0)
    names = np.asarray(accounts, dtype=object)
    table.insert(0, "ring_id", ring)
    table.insert(1, "account_a", names[table["a"].to_numpy()])
    table.insert(2, "account_b", names[table["b"].to_numpy()])
    return table.drop(columns=["a", "b"])


def _strongest(table: pd.DataFrame, per_account: int) -> pd.DataFrame:
    """Pairs taken from the strongest down while both accounts still have room."""
    ordered = table.sort_values(["bits", "a", "b"], ascending=[False, True, True])
    room: dict[int, int] = {}
    keep = []
    for a, b in zip(ordered["a"].tolist(), ordered["b"].tolist(), strict=True):
        free = room.get(a, per_account) > 0 and room.get(b, per_account) > 0
        keep.append(free)
        if free:
            room[a] = room.get(a, per_account) - 1
            room[b] = room.get(b, per_account) - 1
    return ordered[np.array(keep, dtype=bool)].sort_values(["a", "b"]).reset_index(drop=True)
