"""Which hypotheses on a ring's operator are names, and when a name may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.schemas.inputs import RESERVED_OPERATORS, RESERVED_PREFIX

if TYPE_CHECKING:
    import pandas as pd


def named_hypotheses(attribution: pd.DataFrame) -> pd.DataFrame:
    """The rows of the ledger that name somebody: not `unknown`, `shared_vendor`, `false_flag`, `UNATTRIBUTED-...`."""
    operator = attribution["operator"]
    return attribution[~(operator.isin(RESERVED_OPERATORS) | operator.str.startswith(RESERVED_PREFIX))]


def names_given(attribution: pd.DataFrame, level: float) -> dict[str, str]:
    """Ring -> operator, where a name ranks first with the naming level or more."""
    first = named_hypotheses(attribution[(attribution["rank"] == 1) & (attribution["probability"] >= level)])
    return dict(zip(first["ring_id"], first["operator"], strict=True))
