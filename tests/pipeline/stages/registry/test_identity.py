"""The table of examples: what becomes of a ring, case by case. The first thing written about ring identity."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from pipeline.period import Period
from pipeline.settings import Settings
from pipeline.stages.registry import Registry, make
from tests.support.frames import frame

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
Shape = dict[str, tuple[list[str], list[str]]]  # name -> accounts, shared things


def names(letter: str, first: int, last: int) -> list[str]:
    """a1 .. a9, as accounts or as things."""
    return [f"{letter}{i:03d}" for i in range(first, last + 1)]


def run(
    shape: Shape,
    before: Registry | None = None,
    seen: Shape | None = None,
    *,
    day: int = 0,
    decisions: list[dict[str, Any]] | None = None,
    idle_days: float = 1.0,
    outside: int = 0,
) -> tuple[Registry, Shape]:
    """One run over groups of a shape; `before`, `seen`: what the run before gave and saw.

    Every account of a group has each of its things. `outside`: strangers that have each thing too.
    """
    until = UNTIL + timedelta(days=day)
    numbers = {name: i for i, name in enumerate(shape)}
    members = [
        {"candidate": numbers[g], "account_id": a, "membership": 0.9}
        for g, (accounts, _) in shape.items()
        for a in accounts
    ]
    incidence = [
        {"account_id": a, "entity_type": t[:1], "entity": t, "bits": 8.0}
        for accounts, things in shape.values()
        for a in accounts
        for t in things
    ]
    incidence += [
        {"account_id": f"stranger{i}", "entity_type": t[:1], "entity": t, "bits": 8.0}
        for t in {t for _, things in shape.values() for t in things}
        for i in range(outside)
    ]
    made = make(
        frame("candidates", [{"candidate": i, "kind": "coordinated", "score": 0.9} for i in numbers.values()]),
        frame("candidate_members", members),
        frame("incidence_bits", incidence),
        frame("clean_decisions", decisions or []),
        None if before is None else before.ring_registry,
        None if before is None else _members(before, seen or {}, until - timedelta(days=idle_days)),
        None if before is None else _evidence(before, seen or {}, outside),
        settings=Settings(),
        period=Period(until - timedelta(days=45), until),
        run_id=f"run-{day:03d}",
    )
    return made, shape


def ids(registry: Registry, shape: Shape) -> dict[str, str]:
    """Name in the shape -> ring id."""
    by_number = dict(zip(registry.ring_ids["candidate"], registry.ring_ids["ring_id"], strict=True))
    return {name: by_number[i] for i, name in enumerate(shape)}


def _members(before: Registry, seen: Shape, last: datetime) -> pd.DataFrame:
    given = ids(before, seen)
    rows = [
        {"ring_id": given[g], "account_id": a, "membership": 0.9, "last_seen": last}
        for g, (accounts, _) in seen.items()
        for a in accounts
    ]
    return frame("members", rows)


def _evidence(before: Registry, seen: Shape, outside: int) -> pd.DataFrame:
    given = ids(before, seen)
    rows = [
        {
            "ring_id": given[g],
            "entity_type": t[:1],
            "entity": t,
            "n_accounts_in_ring": len(accounts),
            "n_accounts_total": len(accounts) + outside,
            "bits": 8.0,
        }
        for g, (accounts, things) in seen.items()
        for t in things
    ]
    return frame("evidence", rows)


@dataclass(frozen=True)
class Case:
    """Groups before and after; which group after has the id of which before (None: a new id), and the changes told."""

    what: str
    before: Shape
    after: Shape
    keeps: dict[str, str | None]
    changes: set[tuple[str, str | None, str]]  # (name after, or before for an end; name before; change)
    extra: dict[str, Any] = field(default_factory=dict)


A, B, C = names("a", 1, 20), names("b", 1, 20), names("c", 1, 20)
CARDS, FRAMES, OTHER = names("k", 1, 4), names("t", 1, 3), names("k", 50, 53)
CASES = [
    Case("nothing changed", {"x": (A, CARDS)}, {"x": (A, CARDS)}, {"x": "x"}, {("x", "x", "continued")}),
    Case(
        "a tenth more is no growth", {"x": (A, CARDS)}, {"x": (A + B[:2], CARDS)}, {"x": "x"}, {("x", "x", "continued")}
    ),
    Case("it grew", {"x": (A, CARDS)}, {"x": (A + B[:10], CARDS)}, {"x": "x"}, {("x", "x", "grew")}),
    Case("it shrank", {"x": (A, CARDS)}, {"x": (A[:12], CARDS)}, {"x": "x"}, {("x", "x", "shrank")}),
    Case(
        "it shrank to a remnant with other things",
        {"x": (A, CARDS)},
        {"x": (A[:3], OTHER)},
        {"x": "x"},
        {("x", "x", "shrank")},
    ),
    Case(
        "a stranger is born",
        {"x": (A, CARDS)},
        {"x": (A, CARDS), "y": (B, OTHER)},
        {"x": "x", "y": None},
        {("x", "x", "continued"), ("y", None, "born")},
    ),
    Case(
        "one is gone",
        {"x": (A, CARDS), "y": (B, OTHER)},
        {"x": (A, CARDS)},
        {"x": "x"},
        {("x", "x", "continued"), ("y", "y", "gone")},
    ),
    Case(
        "a wave of bans replaces every account, cards and frames stay",
        {"x": (A, CARDS + FRAMES)},
        {"x": (B, CARDS + FRAMES)},
        {"x": "x"},
        {("x", "x", "continued")},
    ),
    Case(
        "a wave of bans replaces every account, half the cards stay",
        {"x": (A, CARDS)},
        {"x": (B, CARDS[:2] + FRAMES[:1])},
        {"x": "x"},
        {("x", "x", "continued")},
    ),
    Case(
        "all things change, the accounts stay",
        {"x": (A, CARDS)},
        {"x": (A, OTHER)},
        {"x": "x"},
        {("x", "x", "continued")},
    ),
    Case(
        "it splits: the larger part keeps the id",
        {"x": (A, CARDS)},
        {"p": (A[:13], CARDS[:2]), "q": (A[13:], CARDS[2:])},
        {"p": "x", "q": None},
        {("p", "x", "shrank"), ("q", "x", "split")},
    ),
    Case(
        "it splits in three",
        {"x": (A, CARDS)},
        {"p": (A[:9], CARDS), "q": (A[9:15], OTHER[:2]), "r": (A[15:], OTHER[2:])},
        {"p": "x", "q": None, "r": None},
        {("p", "x", "shrank"), ("q", "x", "split"), ("r", "x", "split")},
    ),
    Case(
        "two merge: the larger one's id goes on",
        {"x": (A, CARDS), "y": (B[:10], OTHER)},
        {"m": (A + B[:10], CARDS + OTHER)},
        {"m": "x"},
        {("m", "x", "grew"), ("m", "y", "merged")},
    ),
    Case(
        "two merge: most accounts come from one, most things from the other",
        {"x": (A[:7], CARDS[:1]), "y": (A[7:11], CARDS[1:] + FRAMES)},
        {"m": (A[:12], CARDS + FRAMES)},
        {"m": "x"},
        {("m", "x", "grew"), ("m", "y", "merged")},
    ),
    Case(
        "a pool dissolves into the ring that lay in it: the ring's id goes on",
        {"r": (A[:8], CARDS[:1]), "pool": (A[8:14], CARDS + FRAMES)},
        {"r": (A[:14], CARDS + FRAMES)},
        {"r": "r"},
        {("r", "r", "grew"), ("r", "pool", "merged")},
    ),
    Case(
        "two swap all their things, the accounts stay",
        {"x": (A, CARDS), "y": (B, OTHER)},
        {"x": (A, OTHER), "y": (B, CARDS)},
        {"x": "x", "y": "y"},
        {("x", "x", "continued"), ("y", "y", "continued")},
    ),
    Case(
        "two swap a few accounts",
        {"x": (A, CARDS), "y": (B, OTHER)},
        {"x": (A[3:] + B[:3], CARDS), "y": (B[3:] + A[:3], OTHER)},
        {"x": "x", "y": "y"},
        {("x", "x", "continued"), ("y", "y", "continued")},
    ),
    Case(
        "one splits while its part joins another",
        {"x": (A, CARDS), "y": (B, OTHER)},
        {"x": (A[:14], CARDS), "y": (B + A[14:], OTHER)},
        {"x": "x", "y": "y"},
        {("x", "x", "shrank"), ("y", "y", "grew")},
    ),
    Case(
        "accounts of one and cards of another: accounts weigh more",
        {"x": (A, CARDS)},
        {"p": (A, OTHER), "q": (B, CARDS)},
        {"p": "x", "q": None},
        {("p", "x", "continued"), ("q", "x", "split")},
    ),
    Case(
        "a shared exit of many strangers does not carry an id over",
        {"x": (A, ["i001"])},
        {"y": (B, ["i001"])},
        {"y": None},
        {("x", "x", "gone"), ("y", None, "born")},
        {"outside": 400},
    ),
    Case(
        "two strangers in common carry nothing over",
        {"x": (A, CARDS)},
        {"y": (A[:2] + B, OTHER)},
        {"y": None},
        {("x", "x", "gone"), ("y", None, "born")},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[c.what for c in CASES])
def test_example(case: Case) -> None:
    first, seen = run(case.before, **case.extra)
    second, now = run(case.after, first, seen, day=1, **case.extra)
    old, new = ids(first, seen), ids(second, now)
    for name, kept in case.keeps.items():
        if kept is None:
            assert new[name] not in old.values()
        else:
            assert new[name] == old[kept]
    told = {
        (r, None if pd.isna(p) else p, c)
        for r, p, c in second.ring_history[["ring_id", "previous_ring_id", "change"]].itertuples(index=False)
    }
    expected = {
        (old[name] if change == "gone" else new[name], old[before] if before else None, change)
        for name, before, change in case.changes
    }
    assert told == expected


def test_revived_after_it_was_gone() -> None:
    x = {"x": (A, CARDS)}
    first, seen = run(x)
    second, nobody = run({}, first, seen, day=1)
    assert second.ring_registry["state"].tolist() == ["gone"]
    third, now = run({"x": (A[:15], CARDS), "z": (C, OTHER)}, second, nobody, day=2)
    assert ids(third, now)["x"] == ids(first, seen)["x"]
    changes = dict(zip(third.ring_history["ring_id"], third.ring_history["change"], strict=True))
    assert changes == {ids(third, now)["x"]: "revived", ids(third, now)["z"]: "born"}
    kept = third.ring_registry.set_index("ring_id").loc[ids(third, now)["x"]]
    assert (kept["first_run"], kept["last_run"], kept["state"]) == ("run-000", "run-002", "active")


def test_merged_then_apart_again() -> None:
    first, seen = run({"x": (A, CARDS), "y": (B[:10], OTHER)})
    second, joined = run({"m": (A + B[:10], CARDS + OTHER)}, first, seen, day=1)
    third, apart = run({"x": (A, CARDS), "y": (B[:10], OTHER)}, second, joined, day=2)
    assert ids(third, apart) == ids(first, seen)


def test_ids_are_never_given_twice() -> None:
    before: Registry | None = None
    seen: Shape = {}
    given: list[str] = []
    for day in range(6):
        shape: Shape = {f"g{i}": (names(f"d{day}g{i}x", 1, 5), names(f"kd{day}g{i}", 1, 2)) for i in range(4)}
        before, seen = run(shape, before, seen, day=day)
        given += list(ids(before, seen).values())
    assert len(set(given)) == len(given) == 24
    assert before is not None
    assert set(before.ring_registry["ring_id"]) == set(given)


def test_old_members_fade() -> None:
    """An id goes with the fresh half of a ring rather than with the half that fell silent months ago."""
    first, seen = run({"x": (A, CARDS)})
    second, now = run({"x": (A[:10], CARDS[:2])}, first, seen, day=1, idle_days=120)
    assert ids(second, now)["x"] == ids(first, seen)["x"]


def test_a_pin_wins_over_the_best_assignment() -> None:
    first, seen = run({"x": (A, CARDS)})
    old = ids(first, seen)["x"]
    pin = {
        "decision_id": "d1",
        "conclusion": "pinned",
        "reason": "this is the core",
        "analyst": "B",
        "decided_at": UNTIL,
        "ring_id": old,
        "account_id": A[19],
        "part": "Harbour",
    }
    shape: Shape = {"p": (A[:15], CARDS), "q": (A[15:], OTHER)}
    second, now = run(shape, first, seen, day=1, decisions=[pin])
    assert ids(second, now)["q"] == old
    assert ids(second, now)["p"] != old
    assert second.ring_registry.set_index("ring_id").loc[old, "pinned_name"] == "Harbour"
    withdrawn = {
        **pin,
        "decision_id": "d2",
        "conclusion": "withdrawn",
        "supersedes": "d1",
        "decided_at": UNTIL + timedelta(hours=1),
    }
    third, now = run(shape, first, seen, day=1, decisions=[pin, withdrawn])
    assert ids(third, now)["p"] == old


def test_groups_keep_their_names_whatever_the_order_of_rows() -> None:
    first, seen = run({"x": (A, CARDS), "y": (B, OTHER)})
    flipped, seen_flipped = run({"y": (B[::-1], OTHER[::-1]), "x": (A[::-1], CARDS[::-1])})
    assert ids(first, seen) == ids(flipped, seen_flipped)


def test_a_pool_without_own_members_keeps_its_name() -> None:
    """All accounts of the pool lie in inner rings; it is known by what it shares."""

    def pool_run(before: Registry | None, day: int) -> Registry:
        until = UNTIL + timedelta(days=day)
        members = [{"candidate": 0, "account_id": a, "membership": 0.9} for a in A]
        members += [{"candidate": 1, "account_id": a, "membership": 0.9} for a in A]
        candidates = [{"candidate": 0, "kind": "reseller_pool"}, {"candidate": 1, "kind": "coordinated", "parent": 0}]
        incidence = [{"account_id": a, "entity_type": "k", "entity": t, "bits": 8.0} for a in A for t in CARDS]
        previous = [None] * 3
        if before is not None:
            given = dict(zip(before.ring_ids["candidate"], before.ring_ids["ring_id"], strict=True))
            evidence = [
                {"ring_id": given[n], "entity_type": "k", "entity": t, "n_accounts_in_ring": 20, "n_accounts_total": 20}
                for n in (0, 1)
                for t in CARDS
            ]
            inner = [{"ring_id": given[1], "account_id": a, "last_seen": until} for a in A]
            previous = [before.ring_registry, frame("members", inner), frame("evidence", evidence)]
        return make(
            frame("candidates", candidates),
            frame("candidate_members", members),
            frame("incidence_bits", incidence),
            frame("clean_decisions"),
            *previous,
            settings=Settings(),
            period=Period(until - timedelta(days=45), until),
            run_id=f"run-{day}",
        )

    first = pool_run(None, 0)
    second = pool_run(first, 1)
    assert first.ring_ids["ring_id"].nunique() == 2
    assert second.ring_ids["ring_id"].tolist() == first.ring_ids["ring_id"].tolist()
    assert second.ring_registry["accounts"].str.len().tolist() in ([0, 20], [20, 0])
