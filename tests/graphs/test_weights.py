"""Bits: rare things prove more, a group cannot make its own entity common, families count once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphs
from tests.graphs.shapes import few


def test_sharing_bits_by_hand():
    # of 1,000 accounts 2 have it: another account has it with chance 1.5 / 1000
    assert graphs.sharing_bits([2], 1000, match_probability=0.5) == pytest.approx([np.log2(0.5 / 0.0015)])
    assert graphs.sharing_bits([2], 1000, match_probability=0.5, cap=4.0) == pytest.approx([4.0])
    # nine in ten have it, ring members only half of the time: sharing it speaks against
    assert graphs.sharing_bits([900], 1000, match_probability=0.5)[0] < 0


@given(st.integers(2, 10_000), st.floats(0.01, 1.0), st.data())
@few
def test_rarer_proves_more(population, match_probability, data):
    spread = data.draw(st.integers(1, population - 1))
    bits = graphs.sharing_bits([spread, spread + 1], population, match_probability=match_probability)
    assert bits[0] > bits[1]


def test_leave_group_out_by_hand():
    # all 30 accounts with the card are members: outside half of one among 970 + 1
    assert graphs.leave_group_out(30, 30, 1000, 30) == pytest.approx(0.5 / 971)
    assert graphs.leave_group_out(40, 30, 1000, 30) == pytest.approx(10.5 / 971)
    # everybody has it; and a group that is the whole population
    assert graphs.leave_group_out(10, 3, 10, 3) == pytest.approx(7.5 / 8)
    assert graphs.leave_group_out(5, 4, 5, 4) == pytest.approx(1.5 / 2)
    assert graphs.leave_group_out(5, 5, 5, 5) == pytest.approx(0.5)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 500))
@few
def test_a_ring_does_not_make_its_own_entity_common(inside, outside, more):
    population = 5000
    one = graphs.leave_group_out(inside + outside, inside, population, inside)
    two = graphs.leave_group_out(inside + more + outside, inside + more, population, inside + more)
    # the growing ring leaves fewer outsiders, so the rate outside rises by no more than that
    assert two == pytest.approx(one * (population - inside + 1) / (population - inside - more + 1))
    assert 0 < one < 1


@pytest.mark.parametrize("wrong", [(1, 2, 10, 5), (5, 4, 10, 3), (9, 1, 10, 3), (5, 5, 4, 5)])
def test_impossible_counts_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        graphs.leave_group_out(*wrong)


def test_group_bits_is_the_ratio_of_two_binomial_laws():
    k, n, rate, match = 4, 7, 0.01, 0.6
    with_ring = match ** (k - 1) * (1 - match) ** (n - k)
    without = rate ** (k - 1) * (1 - rate) ** (n - k)
    found = graphs.group_bits(k, n, rate, match_probability=match)
    assert found == pytest.approx(np.log2(with_ring / without))
    assert graphs.group_bits(1, 50, rate, match_probability=match) < 0


rows = st.lists(
    st.tuples(st.floats(-20, 20, allow_nan=False), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30
)


@given(rows)
@few
def test_family_maximum_counts_each_family_once(lines):
    bits, group, family = (np.array(column) for column in zip(*lines, strict=True))
    counted = graphs.family_maximum(bits, group, family)
    for g in range(4):
        expected = sum(
            bits[(group == g) & (family == f)].max() for f in range(3) if ((group == g) & (family == f)).any()
        )
        assert counted[group == g].sum() == pytest.approx(expected, abs=1e-12)
    carriers = graphs.family_carriers(bits, group, family)
    assert len({(group[c], family[c]) for c in carriers}) == carriers.size
    assert ((counted == bits) | (counted == 0)).all()


@given(rows, st.floats(0, 1))
@few
def test_a_damped_sum_lies_between_maximum_and_sum(lines, damping):
    bits, group, _ = (np.array(column) for column in zip(*lines, strict=True))
    bits = np.abs(bits)
    low, high = (graphs.damped_sum(bits, group, 4, damping=d) for d in (0.0, 1.0))
    found = graphs.damped_sum(bits, group, 4, damping=damping)
    assert (found >= low - 1e-9).all() and (found <= high + 1e-9).all()
    for g in range(4):
        assert low[g] == pytest.approx(bits[group == g].max(initial=0.0))
        assert high[g] == pytest.approx(bits[group == g].sum())


def test_decay_halves():
    assert graphs.decay([0, 30, 60], half_life_days=30) == pytest.approx([1, 0.5, 0.25])
    with pytest.raises(ValueError, match="half_life"):
        graphs.decay([0], half_life_days=0)
