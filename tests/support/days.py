"""The tiny world as a platform delivers it: one folder of events a day."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.support.tiny import Tiny


def write_days(events: pd.DataFrame, world: Tiny, to: Path) -> Path:
    """Write the small tables, and the events by day as `events/date=.../part-0.parquet`."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("payments", "accounts", "indicators"):
        getattr(world, name).to_parquet(to / f"{name}.parquet", index=False)
    for day, rows in events.groupby(events["timestamp"].dt.strftime("%Y-%m-%d"), sort=True):
        write_day(rows, str(day), to)
    return to


def write_day(rows: pd.DataFrame, day: str, to: Path) -> Path:
    """Write the events of one day."""
    path = to / "events" / f"date={day}" / "part-0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False)
    return path
