"""Small doors to pandas that say plainly what they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a frame as named tuples."""
    yield from frame.itertuples()


def each(frame: pd.DataFrame) -> Iterator[pd.Series]:
    """The rows of a frame as Series, for whoever passes a row on."""
    for at in range(len(frame)):
        yield frame.iloc[at]
