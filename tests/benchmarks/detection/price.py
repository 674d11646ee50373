"""The evasion price list: recall against what an operator must spend an account.

The prices are assumptions, in units of opening one plain account, and stand here so that anybody can put in others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

PRICES = {
    "account": 1.0, "aged account": 3.0, "card": 2.0, "virtual card": 1.0, "exit of one's own": 0.5,
    "metered proxy": 1.0, "VPN": 0.2, "reseller": 0.5, "paraphrase": 1.0, "cover request": 1.0,
}  # fmt: skip

_EXIT = {
    "vpn": PRICES["VPN"], "pool": PRICES["reseller"], "proxy": PRICES["metered proxy"],
    "proxy_own": PRICES["metered proxy"], "mobile": PRICES["metered proxy"],
}  # fmt: skip


def cost_an_account(rings: pd.DataFrame) -> float:
    """Mean cost of a guilty account, from the planted rings: size, cards, shared_cards, exits, n_exits, paraphrase,
    mixed, bought."""
    size = rings["size"].to_numpy(float)
    own = rings["n_exits"].to_numpy(float) * PRICES["exit of one's own"] / size
    leaving = rings["exits"].map(_EXIT).to_numpy(float)
    cards = rings["cards"].map({"own": PRICES["card"], "virtual": PRICES["virtual card"], "none": 0.0}).to_numpy(float)
    shared = rings["shared_cards"].to_numpy(float) * PRICES["card"] / size
    mixed = rings["mixed"].clip(0.0, 0.9).to_numpy(float)
    account = rings["bought"].map({True: PRICES["aged account"], False: PRICES["account"]}).to_numpy(float)
    total = (
        account + pd.Series(leaving).fillna(pd.Series(own)).to_numpy() + pd.Series(cards).fillna(pd.Series(shared))
        + PRICES["paraphrase"] * rings["paraphrase"].to_numpy(float)
        + PRICES["cover request"] * (1.0 / (1.0 - mixed) - 1.0)
    )  # fmt: skip
    return float((total * size).sum() / size.sum())


def price_list(rows: Iterable[Mapping[str, Any]], costs: Mapping[str, float]) -> pd.DataFrame:
    """The table that the figure of the price list reads; cost in multiples of the cheapest level.

    `rows`: pooled rows of the factor `evasion`; `costs`: level -> mean cost of an account.
    """
    base = min(costs.values())
    made = [
        {
            "method": "ringtrace" if r["method"] == "ours" else r["method"], "level": r["level"],
            "cost": round(costs[r["level"]] / base, 2),
            "recall": round(r["recall"]["share"], 4), "low": round(r["recall"]["low"], 4),
            "high": round(r["recall"]["high"], 4), "seeds": r["seeds"],
            "meaning": f"every operator as careful as {r['level']} of 1",
        }
        for r in rows if r["factor"] == "evasion" and r["recall"]["of"]
    ]  # fmt: skip
    columns = ["method", "level", "cost", "recall", "low", "high", "seeds", "meaning"]
    return pd.DataFrame(made, columns=columns).sort_values(["method", "cost"], ignore_index=True)


def costs_of(worlds: Mapping[str, Iterable[Path]]) -> dict[str, float]:
    """Level -> mean cost of an account over the prepared worlds of that level."""
    found = {}
    for level, folders in worlds.items():
        rings = pd.concat([pd.read_parquet(f / "truth_rings.parquet") for f in folders], ignore_index=True)
        found[level] = cost_an_account(rings)
    return found
