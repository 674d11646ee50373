"""Who is in which ring, and who is accused: two rules that several stages and readers share, said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.settings import ScoresSettings

MEMBERSHIP = 0.5  # an accused account is a member of a flagged ring with at least this membership


def innermost(candidate_members: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Members with each account once: in its inner ring where it lies in a pool as well.

    Columns of `candidate_members` (candidate, account_id, membership), sorted by candidate and account. Should an
    account stand in two groups of one level, the surer one keeps it, then the one with the smaller number.
    """
    parents = set(candidates["parent"].dropna().astype("int64"))
    inside = candidate_members.assign(pool=candidate_members["candidate"].isin(parents))
    order = inside.sort_values(["account_id", "pool", "membership", "candidate"], ascending=[True, True, False, True])
    once = order.drop_duplicates("account_id").drop(columns="pool")
    return once.sort_values(["candidate", "account_id"]).reset_index(drop=True)


def with_pools(members: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Accounts by group, a pool's inner rings counted to the pool as well: (candidate, account_id, membership)."""
    import pandas as pd

    parent = candidates.dropna(subset=["parent"]).set_index("candidate")["parent"].astype("int64")
    inner = members[members["candidate"].isin(parent.index)]
    lifted = inner.assign(candidate=inner["candidate"].map(parent).astype("int64"))
    both = pd.concat([members, lifted], ignore_index=True)
    return both.sort_values(["candidate", "account_id"]).reset_index(drop=True)


def is_flagged(rings: pd.DataFrame, settings: ScoresSettings) -> pd.Series:
    """The contract's rule: score at the threshold, q_value low, kind coordinated, no standing dismissal.

    Needs the columns score, q_value, kind and suppressed_by.
    """
    return (
        (rings["score"] >= settings.threshold)
        & (rings["q_value"] <= settings.max_q)
        & (rings["kind"] == "coordinated")
        & rings["suppressed_by"].isna()
    )
