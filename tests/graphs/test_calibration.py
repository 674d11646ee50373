"""Calibration: monotone, optimal where it claims to be, and honest on new data."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

import graphs
from graphs import Isotonic, fit_beta, fit_isotonic, fit_platt, pool_adjacent_violators, reliability, shift_prior
from graphs.additive import bits_to_probability
from tests.graphs.shapes import few


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 4)), min_size=1, max_size=30))
@few
def test_pooling_agrees_with_scipy(rows):
    values, weights = (np.array(column) for column in zip(*rows, strict=True))
    expected = isotonic_regression(values, weights=weights).x
    assert pool_adjacent_violators(values, weights) == pytest.approx(expected, abs=1e-9)


def distorted(seed, n=6000):
    """Scores in bits that boast: the truth has half the slope and is shifted."""
    generator = np.random.default_rng(seed)
    bits = generator.normal(scale=4.0, size=n)
    return bits, (generator.random(n) < bits_to_probability(0.5 * bits - 1.0)).astype(float)


def test_platt_finds_slope_and_offset():
    bits, y = distorted(1, n=30_000)
    line = fit_platt(bits, y)
    assert (line.slope, line.offset) == pytest.approx((0.5, -1.0), abs=0.05)


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_calibrated_scores_keep_their_word_on_new_data(kind):
    bits, y = distorted(1)
    new_bits, new_y = distorted(2)
    stated = bits_to_probability(bits)
    new_stated = bits_to_probability(new_bits)
    assert reliability(new_stated, new_y > 0).expected_error > 0.1
    if kind == "platt":
        calibrated = fit_platt(bits, y)(new_bits)
    elif kind == "beta":
        calibrated = fit_beta(stated, y)(new_stated)
    else:
        calibrated = fit_isotonic(stated, y)(new_stated)
    assert reliability(calibrated, new_y > 0).expected_error < 0.03
    order = np.argsort(new_bits)
    assert (np.diff(calibrated[order]) >= -1e-12).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


def test_separated_answers_give_a_finite_line():
    line = fit_platt([-1.0, -2.0, 3.0, 4.0], [0, 0, 1, 1])
    assert np.isfinite([line.slope, line.offset]).all()
    assert 0 < float(line(-10.0)) < float(line(10.0)) < 1


def test_equal_scores_share_one_value_and_the_staircase_survives_a_file():
    line = fit_isotonic([1.0, 1.0, 2.0, 3.0], [0, 1, 0, 1])
    assert line([1.0, 2.0, 3.0, 9.0]) == pytest.approx([1 / 3, 1 / 3, 1.0, 1.0])
    again = Isotonic.from_dict(json.loads(json.dumps(line.to_dict())))
    assert again([1.5, 2.5]).tolist() == line([1.5, 2.5]).tolist()


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.5), st.floats(0.001, 0.5))
@few
def test_a_new_base_rate_multiplies_the_odds(probability, before, after):
    moved = float(shift_prior(probability, from_rate=before, to_rate=after))
    ratio = (after / (1 - after)) / (before / (1 - before))
    assert moved / (1 - moved) == pytest.approx(probability / (1 - probability) * ratio, rel=1e-6)
    assert float(shift_prior(moved, from_rate=after, to_rate=before)) == pytest.approx(probability, rel=1e-6)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="y must"):
        graphs.fit_platt([1.0], [0.5])
    with pytest.raises(ValueError, match="row"):
        graphs.fit_isotonic([], [])
    with pytest.raises(ValueError, match="weights"):
        pool_adjacent_violators([1.0], [0.0])
    with pytest.raises(ValueError, match="rates"):
        shift_prior(0.5, from_rate=0.0, to_rate=0.5)
