"""CSV that a spreadsheet never takes for a formula."""

from __future__ import annotations

import pandas as pd

_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def cell(value: object) -> object:
    """A text cell that could act gets a leading apostrophe; control characters become spaces; numbers stay."""
    if not isinstance(value, str):
        return value
    clean = "".join(c if c.isprintable() or c == " " else " " for c in value)
    return "'" + clean if clean.lstrip().startswith(_ACTIVE) or value.startswith(_ACTIVE) else clean


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """UTF-8 CSV with CRLF line ends, quoted where needed, timestamps as ISO 8601, lists joined by a space and a bar."""
    made = frame.copy()
    for name in made.columns:
        column = made[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            made[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            made[name] = pd.Series([cell(_joined(v)) for v in column], index=column.index, dtype=object)
    made.columns = [str(cell(str(c))) for c in made.columns]
    text: str = made.to_csv(index=False, lineterminator="\r\n")
    return text.encode()


def _joined(value: object) -> object:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        return " | ".join(str(v) for v in value)
    return value
