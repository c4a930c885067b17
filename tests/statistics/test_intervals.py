"""Intervals against scipy and hand-worked cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from research.statistics.intervals import paired_difference, t_interval


def test_t_interval_by_hand():
    """mean ± t(0.975, 4)·sqrt(2.5 / 5), beside scipy's quantile."""
    # mean 3, standard deviation sqrt(2.5)
    interval = t_interval([1, 2, 3, 4, 5])
    assert interval.mean == 3
    assert interval.half_width == pytest.approx(
        stats.t.ppf(0.975, 4) * math.sqrt(2.5 / 5), rel=1e-6
    )
    assert interval.n == 5


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40).filter(lambda x: np.std(x) > 1e-6))
def test_t_interval_agrees_with_scipy(values):
    """The bounds are scipy's; 1e-9: float64 rounding of values of any size."""
    interval = t_interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval.mean - interval.half_width == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert interval.mean + interval.half_width == pytest.approx(high, rel=1e-9, abs=1e-9)


def test_one_value_has_no_half_width():
    interval = t_interval([0.25])
    assert (interval.mean, interval.half_width, interval.n) == (0.25, None, 1)


def test_equal_values_have_none_either_way():
    assert t_interval([2.0, 2.0, 2.0]).half_width == 0


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]])
def test_intervals_refuse_what_they_cannot_mean(values):
    with pytest.raises(ValueError, match="finite numbers"):
        t_interval(values)


def test_paired_difference_is_the_interval_of_the_differences():
    """scipy's paired t-interval, within float64 rounding."""
    a, b = [3.0, 5.0, 9.0], [1.0, 4.0, 4.0]
    interval = paired_difference(a, b)
    low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert interval.mean == pytest.approx(8 / 3)
    assert interval.half_width == pytest.approx((high - low) / 2)


@pytest.mark.parametrize("n", [5, 10])
def test_intervals_cover_95_percent(n):
    """Of 20,000 intervals 95 % hold the mean; 0.006 is four standard errors."""
    draws = np.random.default_rng(n).normal(0.3, 2.0, (20_000, n))
    covered = [abs(i.mean - 0.3) <= i.half_width for i in map(t_interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.006)  # four standard errors
