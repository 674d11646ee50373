"""Accounts are compared with a ring without themselves; what members share and others lack speaks for belonging."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.belonging import FEATURES, SIGNS, Platform, compared, platform_of, tied_by_text
from pipeline.graph_tables import all_types, graph_tables
from pipeline.scoring_model import read_model
from pipeline.settings import Settings

N = 40  # accounts
Sharing = list[tuple[int, int, str]]  # account, thing, entity type
KINDS = ("ip", "payment", "template")
FAMILY = dict(zip(KINDS, ("network", "payment", "text"), strict=True))


def _name(account: int) -> str:
    return f"a{account:02d}"


def _platform(sharing: Sharing, talks: list[tuple[int, int]], *, seed: int) -> Platform:
    """Accounts of random habits which all share something, so that all are in the graph."""
    edges = sorted({(_name(a), kind, f"{kind}-{thing}") for a, thing, kind in sharing})
    edges += [(_name(a), "ip", f"ip-of-{a // 2}") for a in range(N)]
    incidence = pd.DataFrame(edges, columns=["account_id", "entity_type", "entity"]).drop_duplicates()
    incidence = incidence.assign(bits=1.0, n_events=1)
    entities = incidence.groupby(["entity_type", "entity"]).size().rename("n_accounts").reset_index()
    entities = entities.assign(family=entities["entity_type"].map(FAMILY), counts=1.0)
    dice = np.random.default_rng(seed)
    day = pd.Timestamp("2026-01-01", tz="UTC")
    dates = {
        c: day + pd.to_timedelta(dice.integers(0, 30, N), unit="D")
        for c in ("created_at", "first_seen", "last_seen", "first_paid")
    }
    numbers = {
        c: dice.integers(0, 9, N).astype(float)
        for c in (
            "n_events", "n_days", "n_addresses", "n_cards", "n_templates", "mean_input_tokens", "mean_output_tokens",
            "top_template_share", "templated_share", "distinct_slots_share", "reasoning_share", "client_share",
            "night_share", "weekend_share",
        )
    }  # fmt: skip
    labels = {c: dice.choice(["p", "q", None], N) for c in ("client", "top_template", "email_domain")}
    traits = pd.DataFrame({"account_id": [_name(a) for a in range(N)], **dates, **numbers, **labels})
    conversations = pd.DataFrame(
        sorted({(talk, _name(a)) for a, talk in talks}), columns=["conversation", "account_id"]
    )
    tables = graph_tables(incidence, entities, all_types(Settings()), traits)
    return platform_of(tables, traits, conversations)


def _of(platform: Platform, members: list[int], account: int) -> pd.Series | None:
    asked, x = compared(platform, np.array(sorted(members)), 3.0)
    place = np.flatnonzero(asked == account)
    return x.iloc[int(place[0])] if place.size else None


accounts = st.integers(0, N - 1)
sharings = st.lists(st.tuples(accounts, st.integers(0, 12), st.sampled_from(KINDS)), min_size=5, max_size=120)


@settings(max_examples=60, deadline=None)
@given(
    sharings, st.lists(st.tuples(accounts, st.integers(0, 9)), max_size=40),
    st.sets(accounts, min_size=3, max_size=12), accounts,
)  # fmt: skip
def test_nobody_belongs_for_being_there(
    sharing: Sharing, talks: list[tuple[int, int]], ring: set[int], account: int
) -> None:
    """An account has the same features as a member and as an outsider, but for the one that says which it is."""
    platform = _platform(sharing, talks, seed=3)
    rest = sorted(ring - {account})
    inside, outside = _of(platform, [*rest, account], account), _of(platform, rest, account)
    assert inside is not None
    assume(outside is not None)  # who shares nothing that speaks is not asked
    assert outside is not None
    own = [f for f in FEATURES if f != "member" and not f.endswith(("_beside", "_behind"))]
    pd.testing.assert_series_equal(inside[own], outside[own], check_names=False, atol=1e-8)
    assert (inside["member"], outside["member"]) == (1.0, 0.0)


@settings(max_examples=30, deadline=None)
@given(sharings, st.sets(accounts, min_size=3, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_members_says_nothing(sharing: Sharing, ring: set[int], dice: object) -> None:
    platform = _platform(sharing, [], seed=4)
    members = sorted(ring)
    shuffled = members.copy()
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    asked, x = compared(platform, np.array(members), 1.0)
    again, y = compared(platform, np.array(shuffled), 1.0)
    assert asked.tolist() == again.tolist()
    pd.testing.assert_frame_equal(x, y)


def test_a_card_of_the_ring_speaks_for_its_user_and_a_crowded_address_does_not() -> None:
    ring = list(range(8))
    sharing = [(a, 1, "payment") for a in (*ring, 20)] + [(a, 2, "ip") for a in range(0, 40, 2)]
    platform = _platform(sharing, [], seed=5)
    user, passer_by = _of(platform, ring, 20), _of(platform, ring, 30)
    assert user is not None
    assert user["payment_best"] > 4.0
    assert user["payment_reach"] == 1.0
    assert passer_by is None or passer_by["network_best"] < 1.0


def test_conversations_that_members_began_are_counted_by_those_who_go_on() -> None:
    ring = [0, 1, 2, 3]
    talks = [(0, 1), (20, 1), (1, 2), (20, 2), (20, 3), (21, 3)]
    platform = _platform([(20, 3, "template"), (0, 3, "template")], talks, seed=6)
    found = _of(platform, ring, 20)
    assert found is not None
    assert found["handoffs"] == pytest.approx(np.log2(3.0))
    assert found["handoff_share"] == pytest.approx(2 / 3)


def test_a_frame_of_the_ring_or_its_conversations_tie_by_text_and_a_card_does_not() -> None:
    ring = [0, 1, 2, 3]
    sharing = [(a, 1, "payment") for a in (*ring, 20, 21, 22)] + [(a, 2, "template") for a in (*ring, 21)]
    sharing += [(a, 3, "template") for a in range(0, N, 2)]  # everybody's frame says nothing
    asked, x = compared(_platform(sharing, [(0, 1), (22, 1)], seed=9), np.array(ring), 3.0)
    tied = dict(zip(asked.tolist(), tied_by_text(x).tolist(), strict=True))
    assert (tied[20], tied[21], tied[22]) == (False, True, True)


def test_every_feature_has_a_sign_and_a_column() -> None:
    asked, x = compared(_platform([(0, 1, "ip"), (1, 1, "ip")], [], seed=7), np.array([0, 1, 2]), 0.0)
    assert tuple(x.columns) == FEATURES == tuple(SIGNS)
    assert len(x) == asked.size >= 3


def test_the_shipped_trees_tell_who_shares_the_ring_s_card_and_frames_from_a_passer_by() -> None:
    model = read_model().belonging
    assert model is not None and model.features == FEATURES
    ring = list(range(12))
    things = ((1, "payment"), (2, "template"), (3, "template"))
    sharing = [(a, thing, kind) for a in (*ring, 20) for thing, kind in things]
    crowded = [(a, 4, "template") for a in (*range(0, 12, 2), *range(22, 40, 2))]
    platform = _platform([*sharing, *crowded], [], seed=8)
    asked, x = compared(platform, np.array(ring), 6.0)
    sure = dict(zip(asked.tolist(), model.probability(x).tolist(), strict=True))
    assert min(sure[a] for a in (*ring, 20)) > 0.5 > sure.get(30, 0.0)
