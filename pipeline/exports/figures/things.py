"""The shared things of a ring under short names: `Card 1`, `Template 2`. Values themselves never stand in a figure."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from pipeline.exports.figures.sheet import Frame, noun, slots

MOST = 12


def things(
    evidence: pd.DataFrame, frame: Frame, most: int = MOST, only: Collection[tuple[str, str]] | None = None
) -> pd.DataFrame:
    """The strongest shared things of one ring, ordered by kind, then bits; numbered from 1 over all.

    `evidence` holds the rows of one ring; `only` names the (entity_type, entity) that are wanted, else those that
    speak for it. Columns: entity_type, entity, slot, label, number, bits, n_in_ring, n_total, sort, shown (what may be
    read of the value), withheld and total_withheld (whether its counts are kept back).
    """
    if only is None:
        held = evidence[(evidence["n_accounts_in_ring"] >= 2) & (evidence["bits"] > 0)]
    else:
        pairs = zip(evidence["entity_type"], evidence["entity"], strict=True)
        held = evidence[np.array([pair in only for pair in pairs], dtype=bool)]
    by = ["bits_counted", "bits", "n_accounts_in_ring", "entity_type", "entity"]
    strongest = held.sort_values(by, ascending=[False, False, False, True, True]).head(most)
    slot_of = slots(frame.types)
    nouns = {t.name: noun(t) for t in frame.types}
    strongest = strongest.assign(slot=[slot_of.get(t, 9) for t in strongest["entity_type"]])
    by = ["slot", "entity_type", "bits", "n_accounts_in_ring", "entity"]
    strongest = strongest.sort_values(by, ascending=[True, True, False, False, True])
    place = strongest.groupby(["slot", "entity_type"], sort=False).cumcount() + 1
    label = [f"{nouns.get(t, 'Thing')} {n}" for t, n in zip(strongest["entity_type"], place, strict=True)]
    made = strongest.rename(
        columns={"n_accounts_in_ring": "n_in_ring", "n_accounts_total": "n_total", "class": "sort"}
    ).assign(label=label, number=range(1, len(strongest) + 1))
    made["sort"] = made["sort"].fillna("-")
    for column, default in (("shown", made["entity"]), ("withheld", False), ("total_withheld", False), ("cidr", None)):
        if column not in made.columns:
            made[column] = default
    columns = ["entity_type", "entity", "slot", "label", "number", "bits", "n_in_ring", "n_total", "sort", "shown"]
    return made[[*columns, "withheld", "total_withheld", "cidr"]].reset_index(drop=True)
