"""Intervals of skewed values by hand."""

import math

import numpy as np
import pytest

from research.statistics.mean_intervals import bootstrap_t, johnson, logit, student

X = np.array([1.0, 2.0, 6.0])  # mean 3, variance 7, third moment 18 * 3 / (2 * 1) = 27
SHARES = np.array([0.99, 0.98, 0.999, 0.9])


def test_johnson_moves_the_interval_by_the_skewness():
    low, high = student(X)
    moved_low, moved_high = johnson(X)
    assert moved_low - low == pytest.approx(27 / (6 * 3 * 7))
    assert moved_high - high == pytest.approx(27 / (6 * 3 * 7))


def test_the_logit_interval_stays_between_0_and_1():
    low, high = logit(SHARES)
    mean = SHARES.mean()
    assert 0 < low < mean < high < 1
    assert student(SHARES)[1] > 1
    both = math.log(high / (1 - high)) + math.log(low / (1 - low))
    assert both == pytest.approx(2 * math.log(mean / (1 - mean)))


def test_bootstrap_t_is_students_on_normal_values_and_longer_upwards_on_skewed_ones():
    values = np.random.default_rng(0).normal(5, 1, 200)
    assert np.array(bootstrap_t(values)) == pytest.approx(np.array(student(values)), abs=0.03)
    values = np.random.default_rng(0).exponential(1, 30)
    low, high = bootstrap_t(values)
    assert high - values.mean() > values.mean() - low
