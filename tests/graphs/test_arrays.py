"""Work by group, against plain loops."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphs
from graphs import arrays
from tests.graphs.shapes import few

sorted_labels = st.lists(st.integers(0, 5), max_size=20).map(sorted)


@given(sorted_labels)
@few
def test_runs(values):
    column = np.array(values, dtype=np.int64)
    starts = arrays.run_starts(column)
    lengths = arrays.run_lengths(starts, column.size)
    assert [(column[s], n) for s, n in zip(starts, lengths, strict=True)] == [
        (v, values.count(v)) for v in sorted(set(values))
    ]
    assert arrays.rank_in_run(starts, column.size).tolist() == [values[:i].count(v) for i, v in enumerate(values)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=10))
@few
def test_ranges(rows):
    first = np.array([f for f, _ in rows], dtype=np.int64)
    length = np.array([n for _, n in rows], dtype=np.int64)
    assert arrays.ranges(first, length).tolist() == [f + k for f, n in rows for k in range(n)]


@given(st.lists(st.integers(-3, 5), max_size=20))
@few
def test_numbers_follow_first_occurrence(values):
    numbered = arrays.number_by_first(np.array(values, dtype=np.int64)).tolist()
    seen = list(dict.fromkeys(values))
    assert numbered == [seen.index(v) for v in values]


def test_sums_of_nothing_are_real_numbers():
    none = np.zeros(0, dtype=np.int64)
    assert arrays.sum_by(none, none, 3).dtype == np.float64
    assert arrays.count_by(none, 3).tolist() == [0, 0, 0]


def test_public_names_exist_and_the_import_is_light():
    assert all(hasattr(graphs, name) for name in graphs.__all__)
    code = "import sys, graphs; print(*(m for m in ('igraph', 'scipy', 'pandas', 'networkx') if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("values", [[[1.0]], [np.inf], [1.0, 2.0]])
def test_wrong_values_are_refused(values):
    with pytest.raises(ValueError, match="must"):
        arrays.as_values(values, "values", 1)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=8))
@few
def test_connected_numbers_by_the_smallest_vertex(rows):
    a, b = (np.array([row[side] for row in rows], dtype=np.int64) for side in (0, 1))
    label = list(range(8))
    for one, other in rows:
        low, high = sorted((label[one], label[other]))
        label = [low if v == high else v for v in label]
    assert arrays.connected(a, b, 8).tolist() == [sorted(set(label)).index(v) for v in label]


@pytest.mark.parametrize("values", [[0.5], [[1]], [-1], [7]])
def test_wrong_indices_are_refused(values):
    with pytest.raises(ValueError, match="must"):
        arrays.as_index(values, "index", 5)
