"""Dismissed rings stay quiet until something new joins; then it is said what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from pipeline.stages.registry import Registry
from tests.pipeline.stages.registry.test_identity import CARDS, OTHER, UNTIL, A, B, ids, names, run


def decision(number: int, conclusion: str, ring: str, **more: Any) -> dict[str, Any]:
    return {
        "decision_id": f"d{number}",
        "conclusion": conclusion,
        "reason": "a school, seen before",
        "analyst": "B",
        "decided_at": UNTIL + timedelta(hours=number),
        "ring_id": ring,
        **more,
    }


def state(registry: Registry, ring: str) -> tuple[str | None, int | None, list[str]]:
    row = registry.ring_ids.set_index("ring_id").loc[ring]
    joined = None if pd.isna(row["joined_since"]) else int(row["joined_since"])
    return (None if pd.isna(row["suppressed_by"]) else row["suppressed_by"]), joined, list(row["new_types"])


def test_a_dismissed_ring_stays_quiet_while_it_does_not_change() -> None:
    first, seen = run({"x": (A, CARDS)})
    ring = ids(first, seen)["x"]
    said = [decision(1, "dismissed", ring)]
    second, _ = run({"x": (A[1:] + B[:2], CARDS)}, first, seen, day=1, decisions=said)
    assert state(second, ring) == ("d1", 2, [])


def test_small_steps_add_up_against_the_day_of_the_dismissal() -> None:
    first, seen = run({"x": (A, CARDS)})
    ring = ids(first, seen)["x"]
    said = [decision(1, "dismissed", ring)]
    found = []
    before, shape = first, seen
    for day in range(1, 5):
        before, shape = run({"x": (A + B[:day], CARDS)}, before, shape, day=day, decisions=said)
        found.append(state(before, ring)[:2])
    assert found == [("d1", 1), ("d1", 2), (None, 3), (None, 4)]


def test_a_new_kind_of_evidence_wakes_it() -> None:
    first, seen = run({"x": (A, CARDS)})
    ring = ids(first, seen)["x"]
    said = [decision(1, "dismissed", ring)]
    second, _ = run({"x": (A, CARDS + names("t", 1, 2))}, first, seen, day=1, decisions=said)
    assert state(second, ring) == (None, 0, ["t"])


def test_a_later_verdict_or_a_withdrawal_ends_it() -> None:
    first, seen = run({"x": (A, CARDS)})
    ring = ids(first, seen)["x"]
    dismissed = decision(1, "dismissed", ring)
    for end in (
        decision(2, "confirmed", ring),
        decision(2, "unsure", ring),
        decision(2, "withdrawn", ring, supersedes="d1"),
        decision(2, "confirmed", ring, supersedes="d1"),
        decision(2, "withdrawn", ring),
    ):
        second, _ = run({"x": (A, CARDS)}, first, seen, day=1, decisions=[dismissed, end])
        assert state(second, ring) == (None, None, [])


def test_a_withdrawn_dismissal_leaves_no_trace_in_the_next_run() -> None:
    first, seen = run({"x": (A, CARDS)})
    ring = ids(first, seen)["x"]
    dismissed = decision(1, "dismissed", ring)
    second, now = run({"x": (A, CARDS)}, first, seen, day=1, decisions=[dismissed])
    assert state(second, ring)[0] == "d1"
    never, _ = run({"x": (A, CARDS)}, first, seen, day=1)
    third, _ = run(
        {"x": (A, CARDS)}, second, now, day=2, decisions=[dismissed, decision(2, "withdrawn", ring, supersedes="d1")]
    )
    plain, _ = run({"x": (A, CARDS)}, never, now, day=2)
    pd.testing.assert_frame_equal(third.ring_ids, plain.ring_ids)
    pd.testing.assert_frame_equal(third.ring_registry, plain.ring_registry)


def test_a_part_that_splits_off_is_dismissed_with_it_and_stays_so() -> None:
    first, seen = run({"x": (A, CARDS)})
    said = [decision(1, "dismissed", ids(first, seen)["x"])]
    parts = {"p": (A[:13], CARDS[:2]), "q": (A[13:], CARDS[2:])}
    second, shape = run(parts, first, seen, day=1, decisions=said)
    part = ids(second, shape)["q"]
    assert part not in ids(first, seen).values()
    assert state(second, part)[:2] == ("d1", 0)
    third, shape = run(parts, second, shape, day=2, decisions=said)
    assert ids(third, shape)["q"] == part
    assert state(third, part)[:2] == ("d1", 0)


def test_a_fresh_ring_is_not_covered() -> None:
    first, seen = run({"x": (A, CARDS)})
    said = [decision(1, "dismissed", ids(first, seen)["x"])]
    second, shape = run({"x": (A, CARDS), "y": (B, OTHER)}, first, seen, day=1, decisions=said)
    assert state(second, ids(second, shape)["y"]) == (None, None, [])
