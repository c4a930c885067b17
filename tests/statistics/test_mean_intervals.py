"""Intervals of skewed values by hand, and the scores of a fixed test set."""

import math

import numpy as np
import pytest
from scipy import stats

from research.statistics.crossed import crossed
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


def test_crossed_effects_by_hand():
    # Two seeds, two rows: row means 3 and 5, seed means 3 and 5, nothing left over.
    result = crossed(np.array([[2.0, 4.0], [4.0, 6.0]]))
    assert result.mean == 4
    assert (result.seeds, result.rows, result.interaction) == (2, 2, 0)
    # variance 2/2 + 2/2; Satterthwaite 8² / (4² + 4²) = 2 degrees of freedom
    assert result.half_width == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(2))


def test_crossed_effects_agree_with_a_crossed_bootstrap():
    random = np.random.default_rng(1)
    n, r = 30, 60
    scores = random.normal(0, 1, (n, r))
    scores += random.normal(0, 0.3, (n, 1)) + random.normal(0, 1, (1, r))
    means = []
    for _ in range(4000):
        seeds = random.integers(0, n, n)
        rows = random.integers(0, r, r)
        means.append(scores[np.ix_(seeds, rows)].mean())
    result = crossed(scores)
    assert result.half_width == pytest.approx(2.0 * np.std(means), rel=0.1)
    assert result.rows_limit(n, r)
