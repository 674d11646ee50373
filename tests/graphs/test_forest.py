"""Forests against the library that grew them, and against the law that parts add up."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from graphs.forest import Forest, Tree
from tests.benchmarks.grow import grow


@pytest.fixture(scope="module")
def case() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 4))
    y = ((x[:, 0] > 0) & (x[:, 1] < 0.5) | (x[:, 2] > 1.2)).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, y


def test_scores_as_the_library_does(case: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = case
    settings: dict[str, Any] = {"max_iter": 30, "max_leaf_nodes": 8, "random_state": 0, "early_stopping": False}
    forest = grow(x, y, np.ones(y.size), signs=[0, 0, 0, 0], **settings)
    theirs = HistGradientBoostingClassifier(**settings).fit(x, y).decision_function(x) / np.log(2)
    np.testing.assert_allclose(forest.score_bits(x), theirs, atol=1e-9)
    np.testing.assert_allclose(forest.total_bits(x), theirs, atol=1e-9)
    left = forest.total_bits(x, leave_below=0.0)
    assert (left[left >= 0.0] == forest.total_bits(x)[left >= 0.0]).all()
    assert 0 < (left != forest.total_bits(x)).sum() < y.size


def test_parts_and_bias_add_up_and_survive_a_file(case: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = case
    forest = grow(x, y, np.ones(y.size), signs=[1, 0, 0, 0], max_iter=10, max_leaf_nodes=4)
    np.testing.assert_allclose(forest.parts(x).sum(axis=1) + forest.bias, forest.score_bits(x), atol=1e-9)
    again = Forest.from_dict(json.loads(json.dumps(forest.to_dict())))
    np.testing.assert_array_equal(again.score_bits(x), forest.score_bits(x))


def test_a_sign_binds(case: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = case
    forest = grow(x, y, np.ones(y.size), signs=[1, -1, 0, 0], max_iter=20, max_leaf_nodes=6)
    base = np.nan_to_num(x[:50])
    for column, sign in ((0, 1), (1, -1)):
        higher = base.copy()
        higher[:, column] += 1.0
        assert (sign * (forest.score_bits(higher) - forest.score_bits(base)) >= -1e-9).all()


def test_a_measure_that_is_never_asked_has_no_part() -> None:
    leaf = Tree(*(np.array(c) for c in ([-1], [0.0], [False], [0], [0], [2.0])))
    forest = Forest(3, 2.0, (leaf,))
    assert forest.parts(np.zeros((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert forest.score_bits(np.zeros((2, 3))).tolist() == [2.0, 2.0]


def test_trees_that_run_in_circles_are_refused() -> None:
    with pytest.raises(ValueError, match="children"):
        Tree(*(np.array(c) for c in ([0, -1], [0.0, 0.0], [False, False], [0, 0], [1, 0], [0.0, 1.0])))
