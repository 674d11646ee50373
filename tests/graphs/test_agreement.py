"""Agreement measures against hand examples, plain loops and igraph."""

from itertools import combinations

import igraph
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, mannwhitneyu

import graphs
from tests.graphs.shapes import few

labels = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(-1, 3), min_size=n, max_size=n),
        st.lists(st.integers(-1, 3), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
    )
)


def together(values, i, j):
    return values[i] == values[j] and values[i] >= 0


def group_of(values, i):
    return {j for j in range(len(values)) if j == i or together(values, i, j)}


@given(labels)
@few
def test_pairwise_is_the_count_over_all_pairs(drawn):
    found, truth, wanted = drawn
    pairs = [(i, j) for i, j in combinations(range(len(found)), 2) if wanted[i] or wanted[j]]
    both = sum(together(found, *p) and together(truth, *p) for p in pairs)
    n_found, n_true = sum(together(found, *p) for p in pairs), sum(together(truth, *p) for p in pairs)
    rates = graphs.pairwise(found, truth, of_interest=np.array(wanted))
    assert rates.precision == pytest.approx(both / n_found if n_found else np.nan, nan_ok=True)
    assert rates.recall == pytest.approx(both / n_true if n_true else np.nan, nan_ok=True)


@given(labels)
@few
def test_b_cubed_is_the_mean_over_accounts(drawn):
    found, truth, wanted = drawn
    rates = graphs.b_cubed(found, truth, of_interest=np.array(wanted))
    precision, recall = [], []
    for i in np.flatnonzero(wanted):
        one, other = group_of(found, i), group_of(truth, i)
        precision.append(len(one & other) / len(one))
        recall.append(len(one & other) / len(other))
    if not precision:
        assert np.isnan(rates.f1)
        return
    assert (rates.precision, rates.recall) == pytest.approx((np.mean(precision), np.mean(recall)))
    assert rates.f1 == pytest.approx(2 * rates.precision * rates.recall / (rates.precision + rates.recall))


def test_b_cubed_by_hand():
    # two true rings {0,1,2} and {3,4}; found {0,1} and {2,3,4}
    rates = graphs.b_cubed([0, 0, 1, 1, 1], [0, 0, 0, 1, 1])
    assert rates.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert rates.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=20))
@few
def test_adjusted_rand_agrees_with_igraph(rows):
    found, truth = (list(column) for column in zip(*rows, strict=True))
    expected = igraph.compare_communities(found, truth, method="adjusted_rand")
    if not np.isnan(expected):  # igraph has no value where both put all together or all apart
        assert graphs.adjusted_rand(found, truth) == pytest.approx(expected)


@given(labels)
@few
def test_names_of_groups_do_not_matter_and_equal_groupings_agree_fully(drawn):
    found, truth, _ = drawn
    renamed = [7 - v if v >= 0 else -1 for v in found]
    assert graphs.b_cubed(renamed, truth) == graphs.b_cubed(found, truth)
    assert graphs.adjusted_rand(found, renamed) == 1.0
    assert graphs.b_cubed(found, renamed).f1 == pytest.approx(1.0)


def test_ring_recovery_by_hand():
    truth = [0, 0, 0, 0, 5, 5, -1, -1]
    found = [2, 2, 2, 9, 1, 1, 1, -1]
    result = graphs.ring_recovery(found, truth, jaccard=0.7)
    assert result.best_jaccard == pytest.approx([3 / 4, 2 / 3])
    assert (result.n_true, result.n_recovered, result.share) == (2, 1, 0.5)
    assert graphs.ring_recovery(found, truth, jaccard=0.7, min_size=3).n_true == 1
    assert np.isnan(graphs.ring_recovery([-1], [-1]).share)


@given(labels)
@few
def test_recovery_is_complete_exactly_when_groups_are_equal(drawn):
    found, truth, _ = drawn
    complete = graphs.ring_recovery(found, truth, jaccard=1.0)
    expected = 0
    for name in {t for t in truth if t >= 0}:
        members = {i for i, t in enumerate(truth) if t == name}
        expected += any({i for i, f in enumerate(found) if f == g} == members for g in set(found) if g >= 0)
    assert complete.n_recovered == expected


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
@few
def test_auc_is_the_rank_sum_statistic(rows):
    scores, truth = (np.array(column) for column in zip(*rows, strict=True))
    found = graphs.auc(scores, truth)
    if truth.all() or not truth.any():
        assert np.isnan(found)
    else:
        statistic = mannwhitneyu(scores[truth], scores[~truth]).statistic
        assert found == pytest.approx(statistic / (truth.sum() * (~truth).sum()))


def test_precision_at_shares_places_among_equal_scores():
    assert graphs.precision_at([3, 2, 1], [True, False, True], 2) == 0.5
    # one place is left for two equal scores, one of them true
    assert graphs.precision_at([3, 2, 2], [True, True, False], 2) == 0.75
    assert graphs.precision_at([1.0], [True], 10) == 1.0
    assert np.isnan(graphs.precision_at([], [], 3))


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.8, 0.95, 0.99]))
@few
def test_wilson_agrees_with_scipy(hits, misses, level):
    n = hits + misses
    if n == 0:
        assert graphs.wilson_interval(0, 0) == (0.0, 1.0)
        return
    expected = binomtest(hits, n).proportion_ci(confidence_level=level, method="wilson")
    assert graphs.wilson_interval(hits, n, level=level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_yes_and_no():
    rates = graphs.precision_recall([True, True, False, False], [True, False, True, False])
    assert (rates.precision, rates.recall, rates.f1) == (0.5, 0.5, 0.5)
    assert np.isnan(graphs.precision_recall([False], [False]).precision)


def test_reliability_by_hand():
    stated = [0.1, 0.1, 0.9, 0.9]
    found = graphs.reliability(stated, [False, False, True, False], n_bins=2)
    assert found.stated == pytest.approx([0.1, 0.9])
    assert found.observed == pytest.approx([0.0, 0.5])
    assert found.expected_error == pytest.approx((0.1 + 0.4) / 2)
    assert found.brier == pytest.approx((0.01 + 0.01 + 0.01 + 0.81) / 4)
    assert found.skill == pytest.approx(1 - found.brier / (0.25 * 0.75))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 12))
@few
def test_reliability_counts_every_row_once_and_keeps_the_means(rows, n_bins):
    stated, truth = (np.array(column) for column in zip(*rows, strict=True))
    found = graphs.reliability(stated, truth, n_bins=n_bins)
    assert found.n.sum() == stated.size and found.n_true.sum() == truth.sum()
    assert found.n.size <= n_bins
    assert (found.n * found.stated).sum() == pytest.approx(stated.sum())
    assert 0 <= found.expected_error <= 1


def test_nothing_stated_says_nothing():
    found = graphs.reliability([], [])
    assert found.n.size == 0 and np.isnan([found.expected_error, found.brier, found.skill]).all()


def test_honest_probabilities_have_little_error():
    generator = np.random.default_rng(0)
    stated = generator.random(20_000)
    found = graphs.reliability(stated, generator.random(20_000) < stated)
    assert found.expected_error < 0.015 and found.skill == pytest.approx(1 / 3, abs=0.02)
    boastful = graphs.reliability(np.clip(2 * stated - 0.5, 0, 1), generator.random(20_000) < stated)
    assert boastful.expected_error > 0.1


@pytest.mark.parametrize(
    "call",
    [
        lambda: graphs.b_cubed([0, 1], [0]),
        lambda: graphs.b_cubed([0.5], [0]),
        lambda: graphs.b_cubed([[0]], [0]),
        lambda: graphs.b_cubed([0], [0], of_interest=np.array([True, False])),
        lambda: graphs.precision_at([1.0], [True], 0),
        lambda: graphs.wilson_interval(2, 1),
        lambda: graphs.wilson_interval(1, 1, level=1.0),
        lambda: graphs.reliability([1.5], [True]),
        lambda: graphs.auc([1.0], [True, False]),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError, match="must"):
        call()
