"""Which decisions stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from pipeline.standing import latest_verdicts, standing
from tests.support.frames import frame


def log(*rows: dict[str, Any]) -> pd.DataFrame:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    base = {"reason": "because of this", "analyst": "B"}
    return frame(
        "clean_decisions",
        [{**base, "decision_id": f"d{i}", "decided_at": start + timedelta(hours=i), **r} for i, r in enumerate(rows)],
    )


def alive(*rows: dict[str, Any]) -> list[str]:
    return standing(log(*rows))["decision_id"].tolist()


def test_nothing_stands_where_nothing_was_decided() -> None:
    assert standing(log()).empty
    assert latest_verdicts(log()).empty


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    assert alive(
        {"conclusion": "dismissed", "ring_id": "R"}, {"conclusion": "confirmed", "ring_id": "R", "supersedes": "d0"}
    ) == ["d1"]


def test_a_withdrawn_correction_brings_back_what_it_corrected() -> None:
    rows = (
        {"conclusion": "dismissed", "ring_id": "R"},
        {"conclusion": "confirmed", "ring_id": "R", "supersedes": "d0"},
        {"conclusion": "withdrawn", "supersedes": "d1"},
    )
    assert alive(*rows) == ["d0"]
    assert alive(*rows, {"conclusion": "withdrawn", "supersedes": "d2"}) == ["d1"]


def test_a_withdrawal_by_ring_takes_back_the_latest() -> None:
    rows = (
        {"conclusion": "unsure", "ring_id": "R"},
        {"conclusion": "dismissed", "ring_id": "R"},
        {"conclusion": "confirmed", "ring_id": "S"},
        {"conclusion": "withdrawn", "ring_id": "R"},
    )
    assert alive(*rows) == ["d0", "d2"]


def test_the_order_of_rows_does_not_matter() -> None:
    table = log({"conclusion": "dismissed", "ring_id": "R"}, {"conclusion": "confirmed", "ring_id": "R"})
    for rows in (table, table.iloc[::-1]):
        assert latest_verdicts(rows)[["ring_id", "conclusion"]].values.tolist() == [["R", "confirmed"]]


def test_decisions_on_accounts_and_entities_are_no_verdicts() -> None:
    table = log(
        {"conclusion": "account_dropped", "ring_id": "R", "account_id": "a"}, {"conclusion": "pinned", "ring_id": "R"}
    )
    assert latest_verdicts(table).empty
    assert len(standing(table)) == 2
