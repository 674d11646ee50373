"""Columns of text as plain values: what is missing is None, whatever pandas keeps in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def texts(column: pd.Series) -> list[str | None]:
    """The values of a column of text; None where there is none."""
    return [value if isinstance(value, str) else None for value in column.tolist()]
