"""The additive model: parts add up, signs hold, missing is neutral, the fit is the optimum and finds the truth."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

import graphs
from graphs import AdditiveModel, Shape, fit_additive
from graphs.additive import bits_to_probability, probability_to_bits, total_bits
from graphs.logistic import logistic_loss
from tests.graphs.shapes import few


def world(seed, n=1500, missing=0.1):
    """Three measures: one speaks for, one against, one says nothing; some values unknown."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 3))
    y = generator.random(n) < bits_to_probability(3.0 * x[:, 0] - 2.0 * x[:, 1] - 1.0)
    x[generator.random(x.shape) < missing] = np.nan
    return x, y.astype(float)


@given(st.integers(0, 50), st.sampled_from([(1, -1, 0), (1, 1, 1), (-1, -1, -1)]), st.integers(2, 6))
@settings(max_examples=20, deadline=None)
def test_parts_add_up_signs_hold_and_missing_is_neutral(seed, signs, n_knots):
    x, y = world(seed, n=200)
    model = fit_additive(x, y, signs=signs, knots=n_knots)
    parts = model.parts(x)
    assert (model.score_bits(x) == total_bits(model.bias, parts)).all()
    assert model.score_bits(x) == pytest.approx(model.bias + parts.sum(axis=1))
    assert (parts[np.isnan(x)] == 0).all()
    grid = np.linspace(-6, 6, 50)
    for column, sign in enumerate(signs):
        rows = np.full((grid.size, 3), np.nan)
        rows[:, column] = grid
        assert (np.diff(model.parts(rows)[:, column]) * sign >= -1e-9).all()


def test_the_average_known_value_adds_nothing():
    x, y = world(1)
    model = fit_additive(x, y, signs=(1, -1, 0))
    parts = model.parts(x)
    for column in range(3):
        assert parts[~np.isnan(x[:, column]), column].mean() == pytest.approx(0.0, abs=1e-9)


def test_it_finds_the_planted_model():
    x, y = world(2, n=20_000, missing=0.0)
    model = fit_additive(x, y, signs=(1, -1, 1), knots=8, l2=0.1)
    probe = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    bits = model.score_bits(probe)
    assert bits[0] - bits[1] == pytest.approx(3.0, abs=0.35)
    assert bits[2] - bits[1] == pytest.approx(-2.0, abs=0.35)
    assert bits[3] - bits[1] == pytest.approx(0.0, abs=0.2)
    assert graphs.reliability(model.probability(x), y > 0).expected_error < 0.02


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_gradient_is_the_slope_of_the_loss(seed):
    generator = np.random.default_rng(seed)
    columns, answer, weight = generator.normal(size=(8, 3)), generator.random(8), generator.random(8)
    at = generator.normal(size=4)
    _, gradient = logistic_loss(at, columns, answer, weight, 0.7)
    numeric = approx_fprime(at, lambda p: logistic_loss(p, columns, answer, weight, 0.7)[0], 1e-6)
    assert gradient == pytest.approx(numeric, abs=1e-4)


def test_no_step_away_from_the_fit_is_better():
    x, y = world(3, n=300, missing=0.0)
    knots = [np.array([-2.0, 0.0, 2.0])] * 3
    model = fit_additive(x, y, signs=(1, -1, 1), knots=knots, l2=2.0)

    def loss(bias, shapes):
        odds = (bias + sum(np.interp(x[:, j], knots[j], shapes[j]) for j in range(3))) * np.log(2)
        steps = np.concatenate([np.diff(s) for s in shapes]) * np.log(2)
        return (np.logaddexp(0, odds) - y * odds).sum() + (steps**2).sum()

    best = loss(model.bias, [s.bits for s in model.shapes])
    for column, sign in enumerate((1, -1, 1)):
        for step in ([0, 0.02, 0.02], [0, 0, 0.02]):
            moved = [s.bits.copy() for s in model.shapes]
            moved[column] = moved[column] + sign * np.array(step)
            assert loss(model.bias, moved) >= best - 1e-7
    assert loss(model.bias + 0.01, [s.bits for s in model.shapes]) >= best - 1e-7


def test_weights_are_repetitions():
    x, y = world(4, n=150)
    weight = np.random.default_rng(0).integers(1, 4, y.size)
    knots = graphs.quantile_knots(x, 4)
    weighted = fit_additive(x, y, signs=(1, -1, 0), knots=knots, sample_weight=weight)
    repeated = fit_additive(np.repeat(x, weight, axis=0), np.repeat(y, weight), signs=(1, -1, 0), knots=knots)
    assert weighted.score_bits(x) == pytest.approx(repeated.score_bits(x), abs=1e-3)


def test_the_model_survives_a_file_bit_by_bit_and_the_fit_is_repeatable():
    x, y = world(5, n=200)
    model = fit_additive(x, y, signs=(1, -1, 0))
    again = AdditiveModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.score_bits(x).tobytes() == model.score_bits(x).tobytes()
    assert fit_additive(x, y, signs=(1, -1, 0)).to_dict() == model.to_dict()


def test_a_measure_that_is_never_known_stays_level():
    x, y = world(6, n=200)
    x[:, 2] = np.nan
    model = fit_additive(x, y, signs=(1, -1, 1))
    assert (model.shapes[2].bits == 0).all()


@given(st.floats(-40, 40))
@few
def test_bits_and_probability_are_inverse(bits):
    probability = float(bits_to_probability(bits))
    assert 0 < probability <= 1
    if abs(bits) < 30:
        assert float(probability_to_bits(probability)) == pytest.approx(bits, abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"y": [0.0, 0.0]},
        {"y": [0.0, 0.5]},
        {"signs": (1, 1)},
        {"signs": (2,)},
        {"l2": -1.0},
        {"knots": 1},
        {"knots": [[0.0, 0.0]]},
        {"x": [0.0, 1.0]},
        {"sample_weight": [-1.0, 1.0]},
    ],
)
def test_nonsense_is_refused(wrong):
    parameters = {"x": [[0.0], [1.0]], "y": [0.0, 1.0], "signs": (1,)} | wrong
    x, y = parameters.pop("x"), parameters.pop("y")
    with pytest.raises(ValueError, match="must"):
        fit_additive(x, y, **parameters)


def test_a_shape_against_its_sign_is_refused():
    with pytest.raises(ValueError, match="sign"):
        Shape(1, np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    shape = Shape(1, np.array([0.0, 1.0]), np.array([-1.0, 1.0]))
    assert shape([-5.0, 0.5, np.inf, np.nan]).tolist() == [-1.0, 0.0, 1.0, 0.0]
