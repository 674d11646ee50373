"""How right a run is: against the truth of a synthetic world, or against what analysts decided.

An accused account is a member of a flagged ring with membership of 0.5 or more; every figure on accounts speaks of
these. Shares come with Wilson's 95 % interval. Everything here is arithmetic on tables already read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.accused import MEMBERSHIP
from pipeline.naming import named_hypotheses
from pipeline.standing import latest_verdicts

if TYPE_CHECKING:
    import pandas as pd

Figures = dict[str, Any]
MAJORITY = 0.5  # share of a ring's sure members that one true operator must have for the ring to be right
LEAST_RING = 3  # true rings with fewer accounts are not asked for


def against_truth(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> Figures:
    """Figures of a run against `truth` (account_id, ring_id, operator, optionally population).

    `tables` needs rings, members and attribution. Returns plain numbers in nested dictionaries; nan where nothing
    could be counted.
    """
    accounts = _accounts(tables, truth)
    rings = _rings(tables["rings"], accounts)
    return {
        "kind": "truth",
        "accounts": _account_figures(accounts),
        "grouping": _grouping(accounts),
        "rings": _ring_figures(rings, accounts),
        "attribution": _attribution(rings, tables["attribution"]),
        "calibration": _calibration(rings["score"], rings["guilty"]),
        "populations": _populations(accounts),
        "precision_at": _precision_at(accounts),
    }


def _accounts(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame) -> pd.DataFrame:
    """Every account of the truth and of the rings, with what is true and what was found."""
    import pandas as pd

    rings = tables["rings"][["ring_id", "score", "flagged"]]
    members = tables["members"][["ring_id", "account_id", "membership"]].merge(rings, on="ring_id")
    members = members.rename(columns={"ring_id": "found_ring"})
    known = truth.rename(columns={"ring_id": "true_ring", "operator": "true_operator"})
    for column in ("true_operator", "population"):
        if column not in known:
            known = known.assign(**{column: None})
    # a true ring whose operator the truth does not name is run by nobody else
    nameless = known["true_operator"].isna() & known["true_ring"].notna()
    known["true_operator"] = known["true_operator"].where(~nameless, "of " + known["true_ring"].astype("str"))
    table = known.merge(members, on="account_id", how="outer").sort_values("account_id", ignore_index=True)
    table["guilty"] = table["true_ring"].notna()
    table["sure"] = table["membership"].fillna(0.0) >= MEMBERSHIP
    table["accused"] = table["sure"] & (table["flagged"] == True)  # noqa: E712 - null where in no ring
    table["score"] = table["score"].fillna(0.0) * table["membership"].fillna(0.0)
    return pd.DataFrame(table)


def _rings(rings: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Reported rings with their true operator: that of most of the sure members, if it is most of them."""
    inside = accounts[accounts["found_ring"].notna() & accounts["sure"]]
    counts = inside.groupby("found_ring").size()
    real = inside.dropna(subset=["true_operator"])
    by_operator = real.groupby(["found_ring", "true_operator"]).size().reset_index(name="n")
    best = by_operator.sort_values(["found_ring", "n", "true_operator"], ascending=[True, False, True])
    best = best.drop_duplicates("found_ring").set_index("found_ring")
    table = rings.copy()
    # of an empty column of text even a map to numbers is text
    n_best = table["ring_id"].map(best["n"]).astype("float64").fillna(0.0)
    share = n_best / table["ring_id"].map(counts).astype("float64").fillna(0.0).clip(lower=1.0)
    table["guilty"] = share >= MAJORITY
    table["true_operator"] = table["ring_id"].map(best["true_operator"]).where(table["guilty"])
    return table


def share(hits: int, trials: int) -> Figures:
    """A share with its counts and Wilson's 95 % interval."""
    from graphs.agreement import wilson_interval

    low, high = wilson_interval(hits, trials)
    return {"share": hits / trials if trials else math.nan, "hits": hits, "of": trials, "low": low, "high": high}


def _account_figures(accounts: pd.DataFrame) -> Figures:
    hits = int((accounts["accused"] & accounts["guilty"]).sum())
    accused, guilty = int(accounts["accused"].sum()), int(accounts["guilty"].sum())
    f1 = 2 * hits / (accused + guilty) if accused + guilty else math.nan
    return {
        "n": len(accounts), "accused": accused, "guilty": guilty, "precision": share(hits, accused),
        "recall": share(hits, guilty), "f1": f1,
    }  # fmt: skip


def _labels(values: pd.Series, keep: pd.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
    import pandas as pd

    codes, _ = pd.factorize(values.where(keep), sort=True, use_na_sentinel=True)
    return codes.astype(np.int64)


def _grouping(accounts: pd.DataFrame) -> Figures:
    """Agreement of flagged rings with true rings, over accounts that are guilty or accused."""
    from graphs.agreement import b_cubed, pairwise, ring_recovery

    found = _labels(accounts["found_ring"], accounts["accused"])
    true = _labels(accounts["true_ring"], accounts["guilty"])
    interest = (accounts["accused"] | accounts["guilty"]).to_numpy(bool)
    pairs, cubed = pairwise(found, true), b_cubed(found, true, of_interest=interest)
    recovered = {}
    for level in (0.5, 0.8):
        r = ring_recovery(found, true, jaccard=level, min_size=LEAST_RING)
        recovered[str(level)] = share(r.n_recovered, r.n_true)
    return {
        "pairwise": {"precision": pairs.precision, "recall": pairs.recall, "f1": pairs.f1},
        "b_cubed": {"precision": cubed.precision, "recall": cubed.recall, "f1": cubed.f1},
        "recovered": recovered,
    }


def _ring_figures(rings: pd.DataFrame, accounts: pd.DataFrame) -> Figures:
    flagged = rings[rings["flagged"]]
    return {
        "reported": len(rings), "flagged": len(flagged),
        "right": share(int(flagged["guilty"].sum()), len(flagged)),
        "true": int(accounts["true_ring"].nunique()),
    }  # fmt: skip


def _attribution(rings: pd.DataFrame, attribution: pd.DataFrame) -> Figures:
    """Names given against true operators; which flagged rings share an operator id; calibration of the names."""
    flagged = rings[rings["flagged"]]
    named = flagged[flagged["operator"].notna()]
    right = named["operator"] == named["true_operator"]
    true = flagged[flagged["true_operator"].notna()]
    claims = named_hypotheses(attribution).merge(rings[["ring_id", "true_operator"]], on="ring_id")
    return {
        "named": len(named), "false": share(int((~right).sum()), len(named)),
        "covered": share(int(right.sum()), len(true)), "operator_ids": _same_operator(true),
        "calibration": _calibration(claims["probability"], claims["operator"] == claims["true_operator"]),
    }  # fmt: skip


def _same_operator(rings: pd.DataFrame) -> Figures:
    """Pairs of flagged rings: with one operator id, and with one true operator."""
    ids = _labels(rings["operator_id"], rings["operator_id"].notna())
    true = _labels(rings["true_operator"], rings["guilty"])
    first, second = np.triu_indices(len(rings), k=1)
    said = (ids[first] == ids[second]) & (ids[first] >= 0)
    real = true[first] == true[second]
    return {
        "joined_right": share(int((said & real).sum()), int(said.sum())),
        "found": share(int((said & real).sum()), int(real.sum())),
    }


def _calibration(stated: pd.Series, true: pd.Series) -> Figures:
    """Reliability in at most ten bins of equal mass; the middle part leaves out what is all but settled."""
    from graphs.agreement import reliability, wilson_interval

    p, y = stated.to_numpy(float), true.to_numpy(bool)
    r = reliability(p, y)
    bins = []
    for said, held, n, hits in zip(r.stated, r.observed, r.n, r.n_true, strict=True):
        low, high = wilson_interval(int(hits), int(n))
        bins.append({"said": float(said), "held": float(held), "n": int(n), "low": low, "high": high})
    middle = (p > 0.05) & (p < 0.95)
    inner = reliability(p[middle], y[middle])
    return {
        "n": int(p.size), "expected_error": r.expected_error, "brier": r.brier, "skill": r.skill, "bins": bins,
        "middle": {"n": int(middle.sum()), "expected_error": inner.expected_error, "skill": inner.skill},
    }  # fmt: skip


def _populations(accounts: pd.DataFrame) -> list[Figures]:
    """By sub-population: accounts, accused, and the share that was judged wrongly."""
    rows = []
    known = accounts[accounts["population"].notna()]
    for (population, guilty), part in known.groupby(["population", "guilty"], sort=True):
        accused = int(part["accused"].sum())
        wrong = len(part) - accused if guilty else accused
        rows.append({
            "population": str(population), "guilty": bool(guilty), "n": len(part), "accused": accused,
            "wrong": share(wrong, len(part)),
        })  # fmt: skip
    return rows


def _precision_at(accounts: pd.DataFrame) -> list[Figures]:
    """Precision among the k accounts with the highest score, for analysts who can look at k."""
    from graphs.agreement import precision_at

    n_guilty = int(accounts["guilty"].sum())
    places = sorted({k for k in (50, 100, 500, 1000, n_guilty) if 0 < k <= len(accounts)})
    scores, guilty = accounts["score"].to_numpy(float), accounts["guilty"].to_numpy(bool)
    return [{"k": k, "precision": precision_at(scores, guilty, k)} for k in places]


def against_decisions(tables: Mapping[str, pd.DataFrame], decisions: pd.DataFrame) -> Figures:
    """Figures of a run against analysts' standing verdicts: precision of flags, calibration, dropped accounts.

    Rings that analysts chose to open are no random share: the note in the result says so.
    """
    rings = tables["rings"]
    verdicts = latest_verdicts(decisions)
    judged = rings.merge(verdicts[["ring_id", "conclusion"]], on="ring_id") if len(verdicts) else rings.iloc[:0]
    if "conclusion" not in judged:
        judged = judged.assign(conclusion="")
    settled = judged[judged["conclusion"].isin(["confirmed", "dismissed"])]
    held = settled["conclusion"] == "confirmed"
    flagged = settled["flagged"] | settled["suppressed_by"].notna()
    return {
        "kind": "decisions", "reported": len(rings), "flagged": int(rings["flagged"].sum()),
        "decided": len(judged), "confirmed": int(held.sum()), "dismissed": int((~held).sum()),
        "unsure": int((judged["conclusion"] == "unsure").sum()),
        "precision": share(int((held & flagged).sum()), int(flagged.sum())),
        "missed": share(int((held & ~flagged).sum()), int((~flagged).sum())),
        "calibration": _calibration(settled["score"], held),
        "accounts_dropped": _dropped(decisions, tables["members"]),
        "note": "Rings that analysts chose to open are no random share of all rings.",
    }  # fmt: skip


def _dropped(decisions: pd.DataFrame, members: pd.DataFrame) -> int:
    from pipeline.standing import standing

    alive = standing(decisions)
    if alive.empty:
        return 0
    dropped = alive[alive["conclusion"] == "account_dropped"][["ring_id", "account_id"]]
    return len(dropped.drop_duplicates().merge(members, on=["ring_id", "account_id"]))
