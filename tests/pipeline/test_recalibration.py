"""What decisions on earlier rings teach: small, bounded, monotone, and gone when they are withdrawn."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recalibration import MOST_OF_RINGS, MOST_OF_TYPES, Learned, learned, shift, shifts

COLUMNS = "decision_id conclusion reason analyst decided_at ring_id supersedes".split()


def decisions(*rows: tuple[str, str | None, str | None]) -> pd.DataFrame:
    """Decisions (conclusion, ring, superseded) in the order of time."""
    made = [
        (f"d{i}", what, "why", "ana", pd.Timestamp("2026-05-01", tz="UTC") + pd.Timedelta(hours=i), ring, gone)
        for i, (what, ring, gone) in enumerate(rows)
    ]
    return pd.DataFrame(made, columns=COLUMNS)


def registry(**rings: tuple[list[str], list[str]]) -> pd.DataFrame:
    """A registry of rings with their accounts and things."""
    rows = [(name, accounts, things) for name, (accounts, things) in rings.items()]
    return pd.DataFrame(rows, columns=["ring_id", "accounts", "entities"])


BOOK = registry(
    R1=(["a", "b", "c"], ["card:1", "desk:9"]), R2=(["d", "e", "f"], ["card:2"]), R3=(["g", "h", "i"], ["desk:9"])
)
SIBLING = frozenset("xyz")


def test_confirmed_rings_raise_what_shares_a_thing_with_them() -> None:
    none, one, two = (
        shift(SIBLING, {"card:1": 2, "card:2": 2}, learned(decisions(*((("confirmed", r, None)) for r in rings)), BOOK))
        for rings in ((), ("R1",), ("R1", "R2"))
    )
    assert none == 0 < one < two


def test_a_ring_is_not_raised_by_its_own_confirmation_but_through_the_kind_of_tie() -> None:
    known = learned(decisions(("confirmed", "R1", None)), BOOK)
    assert shift(frozenset("abc"), {"card:1": 3}, known) == pytest.approx(known.trust["card"])
    assert shift(SIBLING, {"card:1": 3}, known) == pytest.approx(known.trust["card"] + 0.5)


def test_dismissed_rings_lower_the_trust_in_their_ties() -> None:
    known = learned(decisions(("dismissed", "R3", None)), BOOK)
    assert shift(SIBLING, {"desk:7": 3}, known) < 0 == shift(SIBLING, {"card:7": 3}, known)


def test_a_withdrawn_decision_leaves_no_trace() -> None:
    once = learned(decisions(("confirmed", "R1", None)), BOOK)
    back = learned(decisions(("confirmed", "R1", None), ("dismissed", "R2", None), ("withdrawn", None, "d1")), BOOK)
    assert back == once
    assert learned(decisions(("confirmed", "R1", None), ("withdrawn", "R1", None)), BOOK).digest == ""


def test_decisions_on_unknown_rings_and_without_a_previous_run_teach_nothing() -> None:
    assert learned(decisions(("confirmed", "R9", None)), BOOK).digest == ""
    assert learned(decisions(("confirmed", "R1", None)), None) == Learned()


@given(st.lists(st.sampled_from(["confirmed", "dismissed"]), max_size=30), st.integers(0, 5))
def test_the_shift_is_bounded_and_grows_with_confirmations(said: list[str], more: int) -> None:
    book = registry(**{f"R{i}": ([f"a{i}"], ["card:1"]) for i in range(len(said) + more)})
    rows = [(what, f"R{i}", None) for i, what in enumerate(said)]
    further = [("confirmed", f"R{len(said) + i}", None) for i in range(more)]
    before, after = (shift(SIBLING, {"card:1": 3}, learned(decisions(*r), book)) for r in (rows, rows + further))
    assert -MOST_OF_TYPES <= before <= after <= MOST_OF_TYPES + MOST_OF_RINGS


def test_groups_are_shifted_by_what_two_or_more_of_their_accounts_hold() -> None:
    members = pd.DataFrame({"group": [4, 4, 4, 7, 7, 7], "account_id": list("xyzuvw")})
    held = [("x", "card", "1"), ("y", "card", "1"), ("u", "card", "1"), ("v", "card", "8")]
    incidence = pd.DataFrame(held, columns=["account_id", "entity_type", "entity"])
    found = shifts(members, incidence, learned(decisions(("confirmed", "R1", None)), BOOK))
    assert found[4] > 0.5 and found[7] == 0.0
    assert shifts(members, incidence, Learned()) == {}
