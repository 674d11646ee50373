"""What chance makes is counted against a ring; the ring itself, found again where its links were rewired, is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs import empirical_q
from pipeline.chance import Standing, found_again, q_values, rewirings_of
from pipeline.settings import NullSettings

RING, PAIRED, OTHERS = range(10), range(10, 14), range(20, 60)


def _names(numbers: range) -> list[str]:
    return [f"a{i:02d}" for i in numbers]


def _standing(*groups: tuple[range, float], likely: float = np.inf) -> Standing:
    """Groups as (accounts, bits); from `likely` bits on they are accused, chance aside."""
    accounts = [name for numbers, _ in groups for name in _names(numbers)]
    place = np.repeat(np.arange(len(groups)), [len(numbers) for numbers, _ in groups])
    bits = np.array([bits for _, bits in groups])
    return Standing(bits, bits >= likely, np.array(accounts, dtype=object), place)


def _rewired(*groups: tuple[int, list[str], float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Groups as (rewiring, accounts, bits)."""
    scores = pd.DataFrame(
        [(rewiring, n, bits) for n, (rewiring, _, bits) in enumerate(groups)],
        columns=["rewiring", "community", "score_bits"],
    )
    members = pd.DataFrame(
        [(rewiring, n, name) for n, (rewiring, names, _) in enumerate(groups) for name in names],
        columns=["rewiring", "community", "account_id"],
    )
    return scores, members


@pytest.mark.parametrize(
    ("accounts", "bits", "again"),
    [
        (_names(range(2, 8)), 4.0, True),  # a part of the ring
        (_names(range(5)) + _names(range(20, 25)), 4.0, True),  # half of it
        (_names(range(4)) + _names(range(20, 25)), 4.0, False),  # less than half
        (_names(range(2, 8)), 6.5, True),  # a part may look a little surer than the whole
        (_names(range(2, 8)), 7.5, False),  # far surer than the ring ever was: chance can do better than it
        (_names(range(8, 12)), 6.5, False),  # most of it is of a group that scores too low
        (_names(range(7, 11)) + _names(range(20, 24)), 4.0, True),  # half of it in two groups that both score as high
        (_names(range(8, 11)) + _names(range(20, 24)), 4.0, False),
        (_names(OTHERS), 4.0, False),
    ],
)  # fmt: skip
def test_a_ring_found_again_in_a_rewired_graph_is_not_chance(accounts: list[str], bits: float, again: bool) -> None:
    real = _standing((range(9), 5.0), (range(9, 14), 3.0))
    assert found_again(real, *_rewired((0, accounts, bits))).tolist() == [again]


@pytest.mark.parametrize(
    ("accounts", "again"),
    [
        (_names(range(2, 5)), True),  # three of the likely ring
        (_names(range(7, 11)), True),  # half of it
        (_names(range(10, 13)), False),  # of the doubtful group: whoever scores so high there is no ring
        (_names(range(8, 9)) + _names(range(20, 23)), False),
    ],
)
def test_a_part_of_a_likely_ring_is_that_ring_again_however_high_it_scores(accounts: list[str], again: bool) -> None:
    """It accuses nobody but members of that ring, so it is no discovery that chance made."""
    real = _standing((range(9), 5.0), (range(9, 14), 3.0), likely=4.0)
    assert found_again(real, *_rewired((0, accounts, 25.0))).tolist() == [again]


def test_the_ring_found_again_does_not_hold_it_back_and_chance_does() -> None:
    """Seven rewirings, each with a weak group; in all of them a group as high as the ring, its own or of others."""
    real = _standing((RING, 5.0), (PAIRED, -4.0))
    weak = [(n, _names(range(60, 64)), -6.0 - n / 10) for n in range(7)]
    own = q_values(real, *_rewired(*weak, *[(n, _names(RING), 5.0) for n in range(7)]))
    others = q_values(real, *_rewired(*weak, *[(n, _names(OTHERS), 5.0) for n in range(7)]))
    assert own[0] == pytest.approx(q_values(real, *_rewired(*weak))[0])
    assert own[0] < 0.05
    assert others[0] > 0.5


def test_only_rewired_groups_whose_members_are_known_can_be_a_ring_again() -> None:
    scores, members = _rewired((0, _names(RING), 4.0), (1, _names(RING), 4.0))
    real = _standing((RING, 5.0))
    assert found_again(real, scores, members[members["rewiring"] == 1]).tolist() == [False, True]
    assert found_again(real, scores, members.iloc[:0]).tolist() == [False, False]


@given(
    st.lists(st.floats(-8, 8).map(lambda v: round(v, 2)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 6), st.floats(-8, 8).map(lambda v: round(v, 2)), st.booleans()), max_size=20),
)
def test_what_is_found_again_never_raises_q(bits: list[float], chance: list[tuple[int, float, bool]]) -> None:
    """Nor does q rise with the score."""
    real = _standing(*[(range(5 * i, 5 * i + 5), b) for i, b in enumerate(bits)])
    best = int(np.argmax(bits))
    mine, strangers = _names(range(5 * best, 5 * best + 5)), _names(range(80, 85))
    groups = [(n, mine if own else strangers, b) for n, b, own in chance]
    q = q_values(real, *_rewired(*groups))
    order = np.argsort(-np.array(bits), kind="stable")
    assert (np.diff(q[order]) >= 0).all()
    assert ((q >= 0) & (q <= 1)).all()
    counted = [np.array([b for m, b, own in chance if m == n]) for n in sorted({n for n, *_ in chance})]
    assert (q <= empirical_q(bits, counted if counted else [np.zeros(0)]) + 1e-12).all()


def _of_graphs(graphs: list[np.ndarray]) -> tuple[pd.DataFrame, pd.DataFrame]:
    sizes = [bits.size for bits in graphs]
    columns = {
        "rewiring": np.repeat(np.arange(len(graphs)), sizes),
        "community": np.concatenate([np.arange(size) for size in sizes]),
        "score_bits": np.concatenate(graphs),
    }
    scores = pd.DataFrame(columns)
    return scores, pd.DataFrame({c: [] for c in ("rewiring", "community", "account_id")})


@pytest.mark.parametrize(("n_graphs", "n_groups"), [(7, 600), (2, 2_000), (1, 4_200)])
def test_few_large_rewired_graphs_tell_chance_as_truly_as_seven_small_ones(n_graphs: int, n_groups: int) -> None:
    """The best group of one more graph falls below a stated 0.05 about as often as that says, never far more often."""
    dice = np.random.default_rng(11)
    below = 0
    for _ in range(400):
        graphs = [dice.normal(-6.0, 2.0, n_groups) for _ in range(n_graphs)]
        one_more = float(dice.normal(-6.0, 2.0, n_groups).max())
        # alone among a thousand groups that are found: counting says little, the law has to
        q = q_values(_standing((RING, one_more)), *_of_graphs(graphs))
        below += int(q[0] <= 0.05)
    assert 4 <= below <= 36, below


def test_a_single_ring_far_above_chance_passes_with_one_large_rewired_graph() -> None:
    graph = np.random.default_rng(12).normal(-6.0, 2.0, 4_000)
    assert q_values(_standing((RING, 12.0)), *_of_graphs([graph]))[0] < 0.01
    assert q_values(_standing((RING, 12.0)), *_of_graphs([graph[:150]]))[0] == pytest.approx(1.0)  # too small to tell


def test_rewired_graphs_are_fewer_where_they_are_large() -> None:
    sizes = {0: 7, 1: 7, 19_999: 7, 35_000: 4, 100_000: 2, 120_000: 1, 350_000: 1}
    assert {n: rewirings_of(NullSettings(), n) for n in sizes} == sizes
    assert rewirings_of(NullSettings(rewirings=3), 10) == 3
