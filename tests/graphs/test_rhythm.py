"""Rhythm: planted synchrony is seen, common rhythm is not mistaken for it, formulas agree with plain ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
from tests.graphs.shapes import few


def table(series):
    """Rows (member, bin) of a 0-1 array members x bins."""
    return np.nonzero(series)


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(4, 30))
@settings(max_examples=60, deadline=None)
def test_synchrony_is_the_mean_pearson_correlation(seed, n, n_bins):
    generator = np.random.default_rng(seed)
    series = generator.random((n, n_bins)) < 0.4
    member, time_bin = table(series)
    found = graphs.synchrony(member, time_bin, np.zeros(n, dtype=int), 1, n_bins=n_bins)[0]
    varied = series[(series.any(axis=1)) & (~series.all(axis=1))]
    if len(varied) < 2:
        assert np.isnan(found)
    else:
        matrix = np.corrcoef(varied)
        expected = (matrix.sum() - len(varied)) / (len(varied) * (len(varied) - 1))
        assert found == pytest.approx(expected, abs=1e-9)


def test_members_of_one_machine_are_in_step_and_strangers_are_not():
    generator = np.random.default_rng(1)
    n_bins = 24 * 30
    machine = generator.random(n_bins) < 0.2
    together = machine & (generator.random((20, n_bins)) < 0.8)
    alone = generator.random((20, n_bins)) < 0.16
    member, time_bin = table(np.concatenate((together, alone)))
    group = np.repeat([0, 1], 20)
    found = graphs.synchrony(member, time_bin, group, 2, n_bins=n_bins)
    assert found[0] > 0.6 and abs(found[1]) < 0.03


def test_office_hours_are_no_synchrony_once_the_common_rhythm_is_known():
    generator = np.random.default_rng(2)
    day = np.where((np.arange(24 * 30) % 24 >= 9) & (np.arange(24 * 30) % 24 < 17), 0.3, 0.02)
    people = generator.random((40, day.size)) < day
    member, time_bin = table(people)
    group = np.zeros(40, dtype=int)
    naive = graphs.synchrony(member, time_bin, group, 1, n_bins=day.size)[0]
    known = graphs.synchrony(member, time_bin, group, 1, n_bins=day.size, baseline=day)[0]
    assert naive > 0.08 and abs(known) < 0.02


def test_turn_taking_is_negative():
    n = 5
    series = np.tile(np.eye(n, dtype=bool), (1, 20))
    member, time_bin = table(series)
    found = graphs.synchrony(member, time_bin, np.zeros(n, dtype=int), 1, n_bins=20 * n)[0]
    assert found == pytest.approx(-1 / (n - 1))


def test_blocks_of_groups_do_not_change_the_result(monkeypatch):
    generator = np.random.default_rng(3)
    series = generator.random((30, 48)) < 0.3
    member, time_bin = table(series)
    group = np.arange(30) % 7
    whole = [f(member, time_bin, group, 7, n_bins=48) for f in (graphs.synchrony, graphs.quiet_excess)]
    monkeypatch.setattr("graphs.rhythm._CELLS_AT_ONCE", 100)
    parts = [f(member, time_bin, group, 7, n_bins=48) for f in (graphs.synchrony, graphs.quiet_excess)]
    assert np.array_equal(whole, parts, equal_nan=True)


def test_order_and_doubled_rows_do_not_matter():
    generator = np.random.default_rng(4)
    member, time_bin = table(generator.random((6, 48)) < 0.3)
    group = np.array([0, 0, 0, 1, 1, 1])
    order = generator.permutation(np.concatenate((np.arange(member.size), np.arange(5))))
    one = graphs.synchrony(member, time_bin, group, 2, n_bins=48)
    other = graphs.synchrony(member[order], time_bin[order], group, 2, n_bins=48)
    assert (one == other).all()


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 20))
@settings(max_examples=50, deadline=None)
def test_quiet_excess_is_observed_less_the_product(seed, n, n_bins):
    generator = np.random.default_rng(seed)
    series = generator.random((n, n_bins)) < 0.3
    member, time_bin = table(series)
    found = graphs.quiet_excess(member, time_bin, np.zeros(n, dtype=int), 1, n_bins=n_bins)[0]
    if not series.any():
        assert np.isnan(found)
    else:
        expected = np.prod(1 - series.mean(axis=1))
        assert found == pytest.approx((~series.any(axis=0)).mean() - expected, abs=1e-9)


def test_silence_together_is_seen():
    generator = np.random.default_rng(5)
    stopped = np.arange(240) < 120
    series = (generator.random((10, 240)) < 0.5) & ~stopped
    member, time_bin = table(series)
    assert graphs.quiet_excess(member, time_bin, np.zeros(10, dtype=int), 1, n_bins=240)[0] > 0.4


def test_flat_days_and_single_hours():
    group = np.repeat([0, 1, 2], [24, 3, 12])
    hours = np.concatenate((np.arange(24), [5, 5, 5], np.arange(12)))
    assert graphs.hour_flatness(hours, group, 4) == pytest.approx([1.0, 1 / 24, 0.5, np.nan], nan_ok=True)
    weighted = graphs.hour_flatness([1, 2, 2], [0, 0, 0], 1, weights=[2.0, 1.0, 1.0])
    assert weighted[0] == pytest.approx(2 / 24)


def test_weekends_by_hand():
    weekend = np.array([True, False, False])
    found = graphs.weekend_ratio(weekend, [0, 0, 0], 2, weekend_share=2 / 7)
    assert found[0] == pytest.approx((1.5 / (2 / 7)) / (2.5 / (5 / 7)))
    assert np.isnan(found[1])
    many = graphs.weekend_ratio(weekend, [0, 0, 0], 1, weekend_share=2 / 7, weights=[2000.0, 2500.0, 2500.0])
    assert many[0] == pytest.approx(1.0, abs=0.01)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 2)), min_size=1, max_size=30), st.integers(0, 40))
@few
def test_bursts_agree_with_the_plain_window(rows, window):
    start, group = (np.array(column) for column in zip(*rows, strict=True))
    found = graphs.start_burst(start, group, 3, window=window)
    for one in range(3):
        mine = start[group == one]
        if mine.size == 0:
            assert np.isnan(found[one])
        else:
            best = max(((mine >= t) & (mine <= t + window)).sum() for t in mine)
            assert found[one] == pytest.approx(best / mine.size)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="below 24"):
        graphs.hour_flatness([24], [0], 1)
    with pytest.raises(ValueError, match="weekend_share"):
        graphs.weekend_ratio(np.array([True]), [0], 1, weekend_share=1.0)
    with pytest.raises(ValueError, match="baseline"):
        graphs.synchrony([0], [0], [0], 1, n_bins=2, baseline=[0.0, 0.0])
    with pytest.raises(ValueError, match="window"):
        graphs.start_burst([0.0], [0], 1, window=-1.0)
