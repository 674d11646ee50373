"""The list of accused accounts for enforcement and spreadsheets."""

from __future__ import annotations

import pandas as pd

from pipeline import words
from pipeline.accused import MEMBERSHIP
from pipeline.exports.safe_csv import csv_bytes
from pipeline.exports.tables import Tables

COLUMNS = (
    "account_id", "ring_id", "membership", "score", "likelihood", "confidence", "operator_id", "n_events", "first_seen",
    "last_seen", "status", "run_id",
)  # fmt: skip


def accused(tables: Tables) -> pd.DataFrame:
    """One row an accused account: a member of a flagged ring with membership 0.5 or more."""
    rings = tables.table("rings")
    flagged = rings.loc[rings["flagged"], ["ring_id", "score", "confidence", "operator_id"]]
    members = tables.table("members", flagged["ring_id"].tolist())
    joined = members[members["membership"] >= MEMBERSHIP].merge(flagged, on="ring_id")
    joined["likelihood"] = [words.term(float(s)) for s in joined["score"]]
    joined["run_id"] = tables.manifest["run_id"]
    return joined.sort_values(["ring_id", "account_id"], ignore_index=True)[list(COLUMNS)]


def accused_csv(tables: Tables) -> bytes:
    """The same as CSV, safe for spreadsheets."""
    return csv_bytes(accused(tables))
