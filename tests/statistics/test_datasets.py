"""Comparisons over data sets against published values, scipy and hand-worked cases."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.datasets import (
    bayesian_signed_rank,
    interquartile_interval,
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
    ranking,
)

# AUC of C4.5 and three variants on 14 data sets: Demšar, JMLR 2006, table 6, whose ranks have no tie
# in the row of voting, where the printed digits are equal.
DEMSAR = """
0.763 0.768 0.771 0.798
0.599 0.591 0.590 0.569
0.954 0.971 0.968 0.967
0.628 0.661 0.654 0.657
0.882 0.888 0.886 0.898
0.936 0.931 0.916 0.931
0.661 0.668 0.609 0.685
0.583 0.583 0.563 0.625
0.775 0.838 0.866 0.875
1.000 1.000 1.000 1.000
0.940 0.962 0.965 0.962
0.619 0.666 0.614 0.669
0.972 0.981 0.9751 0.975
0.957 0.978 0.946 0.970
"""
AUC = np.array([line.split() for line in DEMSAR.split("\n") if line], float)


def test_ranks_and_critical_difference_are_the_published_ones():
    result = ranking(AUC)
    assert result.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert result.critical_difference == pytest.approx(1.25, abs=5e-3)


def test_friedman_agrees_with_scipy():
    reference = stats.friedmanchisquare(*AUC.T)
    result = ranking(AUC)
    assert result.statistic == pytest.approx(reference.statistic)
    assert result.p == pytest.approx(reference.pvalue)


def test_methods_that_are_always_equal_have_no_statistic():
    assert ranking(np.ones((5, 3))).p == 1


def test_bayesian_signed_rank_by_hand():
    # One difference of 1 beside a prior zero: better wins where the zero's weight, Beta(1/2, 1),
    # is below sqrt(1/2), which has probability sqrt(sqrt(1/2)) = 0.8409.
    worse, equivalent, better = bayesian_signed_rank([1.0], region=0.0)
    assert (worse, equivalent + better) == (0, 1)
    assert better == pytest.approx(0.8409, abs=0.01)  # 20,000 draws
    assert bayesian_signed_rank([-1.0], 0.0)[0] == pytest.approx(better)
    assert bayesian_signed_rank([0.1] * 10, region=0.5) == (0, 1, 0)


def test_the_interquartile_mean_agrees_with_scipys_trimmed_mean():
    scores = np.random.default_rng(0).exponential(1, (10, 6))
    assert interquartile_mean(scores) == pytest.approx(stats.trim_mean(scores, 0.25, axis=None))
    low, high = interquartile_interval(scores)
    assert low < interquartile_mean(scores) < high
    # Data sets are resampled apart: where runs agree, nothing varies.
    same = interquartile_interval(np.tile([0.1, 0.4, 0.9, 0.5], (5, 1)))
    assert same == pytest.approx((0.45, 0.45))


def test_probability_of_improvement_and_profile_by_hand():
    ours = [[1.0, 5.0], [3.0, 5.0]]
    theirs = [[2.0, 5.0], [0.0, 6.0]]
    # First data set: 3 of 4 pairs better; second: 2 ties and 2 worse of 4.
    assert probability_of_improvement(ours, theirs) == (3 / 4 + 1 / 4) / 2
    mann_whitney = stats.mannwhitneyu([1.0, 3.0], [2.0, 0.0]).statistic / 4
    assert mann_whitney == 3 / 4
    assert performance_profile(ours, [0, 2, 5]).tolist() == [1, 3 / 4, 0]
