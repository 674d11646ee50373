"""The shared things of a ring under short names: `Card 1`, `Template 2`. Values themselves never stand in a figure."""

from __future__ import annotations

import pandas as pd

from pipeline.exports.figures.sheet import Frame, noun, slots

MOST = 12
COLUMNS = ("entity_type", "entity", "slot", "label", "number", "bits", "n_in_ring", "n_total", "class")


def things(evidence: pd.DataFrame, frame: Frame, most: int = MOST) -> pd.DataFrame:
    """The strongest shared things of one ring, ordered by kind, then bits; numbered from 1 over all.

    `evidence` holds the rows of one ring. Columns: see `COLUMNS`.
    """
    held = evidence[(evidence["n_accounts_in_ring"] >= 2) & (evidence["bits"] > 0)]
    strongest = held.sort_values(
        ["bits_counted", "bits", "n_accounts_in_ring", "entity_type", "entity"], ascending=[False, False, False, True, True]
    ).head(most)
    slot_of = slots(frame.types)
    nouns = {t.name: noun(t) for t in frame.types}
    strongest = strongest.assign(slot=[slot_of.get(t, 9) for t in strongest["entity_type"]])
    strongest = strongest.sort_values(["slot", "entity_type", "bits", "n_accounts_in_ring", "entity"], ascending=[True, True, False, False, True])
    place = strongest.groupby(["slot", "entity_type"], sort=False).cumcount() + 1
    label = [f"{nouns.get(t, 'Thing')} {n}" for t, n in zip(strongest["entity_type"], place, strict=True)]
    return pd.DataFrame(
        {"entity_type": strongest["entity_type"].to_numpy(), "entity": strongest["entity"].to_numpy(), "slot": strongest["slot"].to_numpy(),
         "label": label, "number": range(1, len(strongest) + 1), "bits": strongest["bits"].to_numpy(),
         "n_in_ring": strongest["n_accounts_in_ring"].to_numpy(), "n_total": strongest["n_accounts_total"].to_numpy(),
         "class": strongest["class"].to_numpy()},
        columns=list(COLUMNS),
    )  # fmt: skip
