"""The ledger of a ring: rival hypotheses on its operator, what speaks for each in bits, and their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# How many times likelier a right indicator touches its operator's ring than another, at best. Bounds what one family
# of indicators can do: with a prior of 0.02 it stays below the naming level, two families go beyond it.
MOST_SPECIFIC = 128.0
CORE, FRINGE = 0.5, 0.25  # mean membership of the touched accounts: the ring's own from here, none of its own to there
PLANTED_TRUST = 0.6  # share of its bits with which a touch of the fringe speaks for a planted indicator
FEW = 0.1  # share of the ring's accounts below which a touch begins to look planted
PRIOR_VENDOR = 0.02
VENDOR_RINGS = 3  # a thing that touches so many rings belongs to none of them
VENDOR_SHARE = 0.5  # of the touched accounts that lie outside the ring, from which a thing is a vendor's

FAMILY_OF = {
    "ip": "network", "cidr": "network", "asn": "network", "payment": "payment", "template": "text",
    "account": "account", "email_domain": "mail", "user_agent": "client",
}  # fmt: skip
VENDOR_FAMILIES = frozenset({"network", "payment", "client", "mail"})  # what is rented, bought or downloaded


@dataclass(frozen=True)
class Priors:
    """Prior probabilities: of each named operator that is touched, and of planted indicators."""

    named: float
    false_flag: float


def weigh(touched: pd.DataFrame, members: pd.DataFrame, n_accounts: pd.Series, population: int) -> pd.DataFrame:
    """One row a ring and indicator: bits for its operator, for a shared vendor, for a planted indicator.

    `touched`: (indicator, ring_id, account_id, operator, family, confidence); `members`: (ring_id, account_id,
    membership); `n_accounts`: accounts touched anywhere, by indicator. The likelihood ratio of a touch is that of an
    indicator right with its confidence and else pointing anywhere: c S + 1 - c, where S, how specific the touch is,
    is the rate of touched accounts inside the ring over the rate outside, at most 128, less where fringe accounts are
    touched or where most who have the thing are elsewhere.
    """
    sure = members[["account_id", "membership"]].drop_duplicates("account_id")
    rows = touched.merge(sure, on="account_id")
    keys = ["ring_id", "indicator", "operator", "family", "confidence"]
    table = rows.groupby(keys, sort=True).agg(n=("account_id", "size"), core=("membership", "mean")).reset_index()
    if table.empty:
        return table.assign(named=0.0, vendor=0.0, planted=0.0)
    size = table["ring_id"].map(members.groupby("ring_id").size()).to_numpy(float)
    n = table["n"].to_numpy(float)
    total = np.maximum(table["indicator"].map(n_accounts).to_numpy(float), n)
    outside = (total - n + 0.5) / (np.maximum(population - size, 0.0) + 1.0)
    lift = np.clip((n / size) / outside, 1.0, MOST_SPECIFIC)
    core = np.clip((table["core"].to_numpy(float) - FRINGE) / (CORE - FRINGE), 0.0, 1.0)
    own = np.clip(2.0 * n / total, 0.0, 1.0) * core
    specific = np.maximum(np.minimum(MOST_SPECIFIC * own, lift), 1.0)
    confidence = table["confidence"].to_numpy(float)
    named = np.log2(confidence * specific + 1.0 - confidence)
    n_rings = table.groupby("indicator")["ring_id"].transform("nunique").to_numpy()
    rented = table["family"].isin(VENDOR_FAMILIES).to_numpy()
    vendor_like = rented & ((n_rings >= VENDOR_RINGS) | ((total - n) / total >= VENDOR_SHARE))
    as_met = np.log2(confidence * lift + 1.0 - confidence)
    few = 1.0 - np.clip(n / np.maximum(1.0, FEW * size), 0.0, 1.0)
    planted = PLANTED_TRUST * as_met * np.maximum(few, 1.0 - core)
    return table.assign(named=named, vendor=np.where(vendor_like, as_met, 0.0), planted=planted)


def hypotheses(lines: pd.DataFrame, rings: list[str], priors: Priors) -> pd.DataFrame:
    """The ledger: (ring_id, operator, bits, probability, rank) for every ring, `unknown` always among them.

    Bits of a hypothesis are added up over families, the strongest line of each. Ranks go by probability, then name.
    """
    found: list[pd.DataFrame] = []
    if len(lines):
        by_operator = _family_sums(lines, "named", ["ring_id", "operator"])
        vendor = _family_sums(lines, "vendor", ["ring_id"]).assign(operator="shared_vendor")
        planted = _family_sums(lines, "planted", ["ring_id"]).assign(operator="false_flag")
        found = [
            by_operator.assign(prior=priors.named), vendor.assign(prior=PRIOR_VENDOR),
            planted.assign(prior=priors.false_flag),
        ]  # fmt: skip
    columns = ["ring_id", "operator", "bits", "prior"]
    rivals = pd.concat([pd.DataFrame({c: [] for c in columns}), *found], ignore_index=True)[columns]
    taken = rivals.groupby("ring_id")["prior"].sum().reindex(rings, fill_value=0.0).to_numpy(float)
    # many named rivals share what is not left to unknown, which never falls below one half
    scale = np.minimum(1.0, 0.5 / np.maximum(taken, 1e-12))
    by_ring = pd.Series(scale, index=rings)
    rivals["prior"] = rivals["prior"].astype(float) * rivals["ring_id"].map(by_ring).astype(float)
    unknown = pd.DataFrame({"ring_id": rings, "operator": "unknown", "bits": 0.0, "prior": 1.0 - taken * scale})
    table = pd.concat([rivals, unknown], ignore_index=True).astype({"bits": float, "prior": float})
    table = table.sort_values(["ring_id", "operator"], ignore_index=True)
    level = table["bits"] + np.log2(table["prior"].clip(lower=1e-12))
    weight = np.exp2(level - level.groupby(table["ring_id"]).transform("max"))
    table["probability"] = weight / weight.groupby(table["ring_id"]).transform("sum")
    table = table.sort_values(["ring_id", "probability", "operator"], ascending=[True, False, True], ignore_index=True)
    table["rank"] = table.groupby("ring_id").cumcount() + 1
    return table[["ring_id", "operator", "probability", "bits", "rank"]]


def _family_sums(lines: pd.DataFrame, column: str, keys: list[str]) -> pd.DataFrame:
    """Sum over families of the strongest line of each."""
    strongest = lines.groupby([*keys, "family"], sort=True)[column].max().reset_index()
    summed = strongest.groupby(keys, sort=True)[column].sum().reset_index()
    return summed.rename(columns={column: "bits"})
