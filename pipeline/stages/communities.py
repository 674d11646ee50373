"""Search the bipartite graph for groups of accounts, at several resolutions and seeds.

Rows in: the incidence of accounts and shared entities, traits of accounts. Rows out: the affinity of pairs; every
candidate group with its accounts, trimmed to
those that belong; the clustering runs; for each group its size, stability and the bits of its links. Groups overlap:
which of them stand is settled by the scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphs.search import Found, search
from graphs.ties import membership
from pipeline.affinity import affinity_of
from pipeline.graph_tables import EVEN_BITS, GraphTables, all_types, graph_tables, groups_table, search_rules
from pipeline.scoring_model import read_model
from pipeline.settings import Settings


@dataclass(frozen=True)
class Communities:
    """What the stage writes."""

    communities: pd.DataFrame
    community_runs: pd.DataFrame
    candidate_groups: pd.DataFrame
    affinities: pd.DataFrame


def make(
    incidence_bits: pd.DataFrame, entities: pd.DataFrame, account_traits: pd.DataFrame, *, settings: Settings
) -> Communities:
    """Candidate groups of the real graph."""
    if incidence_bits.empty:
        runs = _none("run graph objective resolution seed quality n_communities")
        return Communities(
            _none("community account_id support"), runs, _none("community size stability link_bits source"),
            _none("account_id other_id bits"),
        )
    tables = graph_tables(incidence_bits, entities, all_types(settings))
    model = read_model(settings.scores.model).affinity
    affinity = affinity_of(tables, account_traits, model, settings.communities)
    found = search(tables.graph, tables.about, tables.star, search_rules(settings), affinity)
    pairs = {"account_id": tables.accounts[affinity.a], "other_id": tables.accounts[affinity.b], "bits": affinity.bits}
    return Communities(_members(found, tables), _runs(found), groups_table(found), pd.DataFrame(pairs))


def _none(columns: str) -> pd.DataFrame:
    return pd.DataFrame({c: [] for c in columns.split()})


def _members(found: Found, tables: GraphTables) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "community": found.groups.group,
            "account_id": tables.accounts[found.groups.account],
            "support": np.round(membership(found.ties.total, even_bits=EVEN_BITS), 9),
        }
    )


def _runs(found: Found) -> pd.DataFrame:
    rows = [
        (i, r.graph, r.objective, r.resolution, r.seed, r.quality, r.n_communities) for i, r in enumerate(found.runs)
    ]
    return pd.DataFrame(rows, columns="run graph objective resolution seed quality n_communities".split())
