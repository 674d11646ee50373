"""Dates of approved enforcement lists, from `ringtrace review --export-lists`: lines in the figure of came and went."""

from __future__ import annotations

import pandas as pd

from pipeline.errors import Place, UsageError
from pipeline.exports import numbers
from pipeline.exports.frames import rows_of

COLUMNS = ("list_id", "approved_at", "ring_id", "n_accounts", "action")
Dates = dict[str, list[tuple[pd.Timestamp, str]]]


def read_lists(path: str) -> Dates:
    """For each ring the days on which lists that hold accounts of it were approved, with words for the figure.

    Raises UsageError where the file is not what `ringtrace review --export-lists` writes.
    """
    try:
        table = pd.read_csv(path, dtype={"list_id": str, "ring_id": str, "action": str})
        table["day"] = pd.to_datetime(table["approved_at"], utc=True, format="ISO8601").dt.floor("D")
        table["n_accounts"] = table["n_accounts"].astype("int64")
        table = table[["list_id", "ring_id", "day", "n_accounts"]].dropna()
    except (OSError, ValueError, KeyError) as fault:
        raise UsageError(
            "the approved lists cannot be read",
            place=Place(path),
            expected=f"a CSV with {', '.join(COLUMNS)}",
            mend="Write it with `ringtrace review OUTPUT --export-lists FILE`.",
        ) from fault
    days = table.groupby(["ring_id", "day"], as_index=False).agg(n=("n_accounts", "sum"), lists=("list_id", "nunique"))
    found: Dates = {}
    for row in rows_of(days.sort_values(["ring_id", "day"])):
        lists = "a list" if row.lists == 1 else f"{row.lists} lists"
        accounts = f"{numbers.count(int(row.n))} {numbers.plural(int(row.n), 'account')}"
        found.setdefault(str(row.ring_id), []).append((row.day, f"{lists} of {accounts} approved"))
    return found


__all__ = ["Dates", "read_lists"]
