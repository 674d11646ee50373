"""Figures of a run, held against examples counted by hand."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.commands.evaluate import _plain, as_lines, read_decisions, read_truth
from pipeline.errors import InputError
from pipeline.evaluate import against_decisions, against_truth
from tests.support.frames import frame


def ring(name: str, flagged: bool = True, score: float = 0.9, **more: Any) -> dict[str, Any]:
    return {
        "ring_id": name,
        "flagged": flagged,
        "score": score,
        "kind": "coordinated",
        "reason": "-",
        "confidence": "low",
        **more,
    }


def tables(
    rings: list[dict[str, Any]],
    members: dict[str, list[str]],
    attribution: list[dict[str, Any]] | None = None,
    unsure: frozenset[str] = frozenset(),
) -> dict[str, pd.DataFrame]:
    rows = [
        {"ring_id": r, "account_id": a, "membership": 0.3 if a in unsure else 0.9}
        for r, accounts in members.items()
        for a in accounts
    ]
    return {
        "rings": frame("rings", rings),
        "members": frame("members", rows),
        "attribution": frame("attribution", attribution or []),
    }


def truth(rings: dict[str, list[str]], innocent: list[str], operators: dict[str, str] | None = None) -> pd.DataFrame:
    rows = [
        {"account_id": a, "ring_id": r, "operator": (operators or {}).get(r, r), "population": "ring"}
        for r, accounts in rings.items()
        for a in accounts
    ]
    rows += [{"account_id": a, "ring_id": None, "operator": None, "population": "office"} for a in innocent]
    return pd.DataFrame(rows)


A, B = [f"a{i}" for i in range(5)], [f"b{i}" for i in range(5)]
FREE = [f"s{i}" for i in range(10)]


def test_counted_by_hand() -> None:
    """R1 has four of the five of A and one innocent; R2, unflagged, has B; one fringe account is not accused."""
    found = tables(
        [
            ring("R1", operator="Alder", operator_probability=0.9, operator_id="Alder"),
            ring("R2", flagged=False, score=0.5),
        ],
        {"R1": [*A[:4], "s0", "s1"], "R2": B},
        [
            {"ring_id": "R1", "operator": "Alder", "probability": 0.9, "rank": 1},
            {"ring_id": "R1", "operator": "unknown", "probability": 0.1, "rank": 2},
        ],
        unsure=frozenset({"s1"}),
    )
    f = against_truth(found, truth({"A": A, "B": B}, FREE, {"A": "Alder", "B": "Birch"}))
    accounts = f["accounts"]
    assert (accounts["accused"], accounts["guilty"], accounts["n"]) == (5, 10, 20)
    assert (accounts["precision"]["share"], accounts["recall"]["share"]) == (0.8, 0.4)
    assert accounts["f1"] == pytest.approx(8 / 15)
    assert f["grouping"]["recovered"] == {
        "0.5": pytest.approx(f["grouping"]["recovered"]["0.5"]),
        "0.8": f["grouping"]["recovered"]["0.8"],
    }
    assert f["grouping"]["recovered"]["0.5"]["hits"] == 1
    assert f["grouping"]["recovered"]["0.8"]["hits"] == 0
    assert f["grouping"]["pairwise"] == {"precision": 0.6, "recall": pytest.approx(0.3), "f1": pytest.approx(0.4)}
    assert (f["rings"]["right"]["hits"], f["rings"]["right"]["of"]) == (1, 1)
    assert (f["attribution"]["named"], f["attribution"]["false"]["hits"], f["attribution"]["covered"]["share"]) == (
        1,
        0,
        1.0,
    )
    office = next(p for p in f["populations"] if p["population"] == "office")
    assert (office["n"], office["accused"], office["wrong"]["share"]) == (10, 1, 0.1)


def test_b_cubed_by_hand() -> None:
    """Two flagged halves of one ring: precision 1, recall one half."""
    found = tables([ring("R1"), ring("R2")], {"R1": A[:2], "R2": A[2:4]})
    cubed = against_truth(found, truth({"A": A[:4]}, FREE))["grouping"]["b_cubed"]
    assert (cubed["precision"], cubed["recall"]) == (1.0, 0.5)


def test_a_wrong_name_and_a_wrong_join_are_counted() -> None:
    rows = [
        ring("R1", operator="Birch", operator_probability=0.9, operator_id="Birch"),
        ring("R2", operator="Birch", operator_probability=0.9, operator_id="Birch"),
    ]
    f = against_truth(tables(rows, {"R1": A, "R2": B}), truth({"A": A, "B": B}, FREE, {"A": "Alder", "B": "Birch"}))
    assert (f["attribution"]["false"]["hits"], f["attribution"]["false"]["of"]) == (1, 2)
    assert f["attribution"]["operator_ids"]["joined_right"]["share"] == 0.0


def test_a_ring_of_innocents_is_wrong_whatever_its_name() -> None:
    f = against_truth(
        tables([ring("R1", operator="Birch", operator_id="Birch")], {"R1": FREE[:4]}), truth({"B": B}, FREE)
    )
    assert f["rings"]["right"]["share"] == 0.0
    assert f["attribution"]["false"]["hits"] == 1


def test_nothing_found_and_nothing_to_find() -> None:
    empty = tables([], {})
    f = against_truth(empty, truth({"A": A}, FREE))
    assert f["accounts"]["recall"]["share"] == 0.0
    assert math.isnan(f["accounts"]["precision"]["share"])
    calm = against_truth(empty, truth({}, FREE))
    assert calm["accounts"]["guilty"] == 0
    assert (calm["accounts"]["precision"]["low"], calm["accounts"]["precision"]["high"]) == (0.0, 1.0)
    for figures in (f, calm):
        assert any("precision" in line for line in as_lines({"run_id": "x", **figures}))
        assert json.loads(json.dumps(_plain(figures), allow_nan=False))["accounts"]["precision"]["share"] is None


def test_the_truth_may_leave_operators_and_populations_out() -> None:
    short = truth({"A": A, "B": B}, FREE)[["account_id", "ring_id"]]
    f = against_truth(
        tables(
            [ring("R1", operator_id="UNATTRIBUTED-1"), ring("R2", operator_id="UNATTRIBUTED-2")], {"R1": A, "R2": B}
        ),
        short,
    )
    assert f["accounts"]["f1"] == 1.0
    assert f["attribution"]["operator_ids"]["found"]["of"] == 0
    assert f["populations"] == []


def test_decisions_of_analysts() -> None:
    base = {"reason": "looked at it closely", "analyst": "B", "decided_at": datetime(2026, 5, 1, tzinfo=UTC)}
    said = [
        ("d1", "confirmed", "R1"),
        ("d2", "dismissed", "R2"),
        ("d3", "confirmed", "R3"),
        ("d4", "unsure", "R4"),
        ("d5", "confirmed", "R9"),
    ]
    decisions = frame(
        "clean_decisions", [{**base, "decision_id": d, "conclusion": c, "ring_id": r} for d, c, r in said]
    )
    rings = [ring("R1"), ring("R2"), ring("R3", flagged=False, score=0.4), ring("R4"), ring("R5")]
    f = against_decisions(
        tables(rings, {r["ring_id"]: [f"{r['ring_id']}{i}" for i in range(3)] for r in rings}), decisions
    )
    assert (f["decided"], f["confirmed"], f["dismissed"], f["unsure"]) == (4, 2, 1, 1)
    assert (f["precision"]["hits"], f["precision"]["of"], f["missed"]["share"]) == (1, 2, 1.0)
    assert any("confirmed" in line for line in as_lines({"run_id": "x", **f}))
    none = against_decisions(tables(rings, {}), frame("clean_decisions"))
    assert none["decided"] == 0


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_truth_is_read_in_every_format(tmp_path: Path, ending: str) -> None:
    table = truth({"A": A}, FREE)
    path = tmp_path / f"truth.{ending}"
    if ending == "csv":
        table.to_csv(path, index=False)
    elif ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=True)
    read = read_truth(str(path))
    assert read["ring_id"].notna().sum() == len(A)
    assert read["account_id"].tolist() == table["account_id"].tolist()


def test_a_truth_without_rings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("account_id,operator\na,b\n")
    with pytest.raises(InputError, match="ring_id"):
        read_truth(str(path))


def test_decisions_are_read_with_their_times(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(
        "decision_id,conclusion,reason,analyst,decided_at,ring_id\nd1,confirmed,seen,B,2026-05-01T10:00:00Z,R1\n"
    )
    table = read_decisions(str(path))
    assert table["decided_at"].iloc[0] == pd.Timestamp("2026-05-01T10:00:00Z")
    assert table["supersedes"].isna().all()
