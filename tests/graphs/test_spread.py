"""Evenness within groups: hand values, bounds, and independence of order, scale and other groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy, variation

import graphs
from tests.graphs.shapes import few

amounts = st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2)), max_size=40)


def columns(rows):
    values, group = zip(*rows, strict=True) if rows else ((), ())
    return np.array(values, dtype=float), np.array(group, dtype=np.int64)


@given(amounts)
@few
def test_variation_agrees_with_scipy(rows):
    values, group = columns(rows)
    found = graphs.coefficient_of_variation(values, group, 3)
    for one in range(3):
        mine = values[group == one]
        if mine.size < 2 or mine.mean() == 0:
            assert np.isnan(found[one])
        else:
            assert found[one] == pytest.approx(variation(mine, ddof=1), abs=1e-9)


@given(amounts)
@few
def test_gini_is_the_mean_difference(rows):
    values, group = columns(rows)
    found = graphs.gini(values, group, 3)
    for one in range(3):
        mine = values[group == one]
        if mine.sum() <= 0:
            assert np.isnan(found[one])
        else:
            expected = np.abs(mine[:, None] - mine[None, :]).sum() / (2 * mine.size**2 * mine.mean())
            assert found[one] == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=20), st.floats(0.01, 100))
@few
def test_evenness_does_not_depend_on_the_unit(values, factor):
    values, group = np.array(values), np.zeros(len(values), dtype=np.int64)
    for measure in (graphs.coefficient_of_variation, graphs.gini):
        assert measure(values * factor, group, 1)[0] == pytest.approx(measure(values, group, 1)[0], abs=1e-6)


def test_extremes():
    group = np.zeros(4, dtype=np.int64)
    assert graphs.gini([5, 5, 5, 5], group, 1)[0] == 0
    assert graphs.gini([0, 0, 0, 8], group, 1)[0] == pytest.approx(0.75)
    assert graphs.coefficient_of_variation([5, 5, 5, 5], group, 1)[0] == 0


def test_counting_noise_is_taken_off():
    generator = np.random.default_rng(0)
    group = np.repeat([0, 1], 2000)
    served_in_turn = generator.poisson(20, 2000)
    people = generator.poisson(20 * generator.gamma(1.0, 1.0, 2000))
    found = graphs.excess_variation(np.concatenate((served_in_turn, people)), group, 2)
    assert found[0] < 0.07 and found[1] == pytest.approx(1.0, abs=0.1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.floats(0.1, 9)), max_size=40))
@few
def test_entropy_agrees_with_scipy(rows):
    category, group, weight = (np.array(c) for c in zip(*rows, strict=True)) if rows else (np.zeros(0, dtype=int),) * 3
    found = graphs.entropy_bits(category, group, 3, weights=weight)
    share = graphs.normalised_entropy(category, group, 3, n_categories=5, weights=weight)
    largest = graphs.largest_share(category, group, 3, weights=weight)
    for one in range(3):
        table = np.bincount(category[group == one], weights=weight[group == one], minlength=5)
        if table.sum() == 0:
            assert np.isnan([found[one], share[one], largest[one]]).all()
            continue
        assert found[one] == pytest.approx(entropy(table, base=2), abs=1e-9)
        assert -1e-12 <= share[one] <= 1 + 1e-12
        assert largest[one] == pytest.approx(table.max() / table.sum())


@given(amounts)
@few
def test_medians_agree_with_numpy(rows):
    values, group = columns(rows)
    found = graphs.group_median(values, group, 3)
    for one in range(3):
        mine = values[group == one]
        assert found[one] == pytest.approx(np.median(mine) if mine.size else np.nan, nan_ok=True)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        graphs.gini([-1.0], [0], 1)
    with pytest.raises(ValueError, match="length"):
        graphs.gini([1.0, 2.0], [0], 1)
    with pytest.raises(ValueError, match="below 2"):
        graphs.normalised_entropy([3], [0], 1, n_categories=2)
