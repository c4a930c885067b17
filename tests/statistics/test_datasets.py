"""Comparisons over data sets against scipy and hand-worked cases."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.datasets import (
    bayesian_signed_rank,
    improvement_interval,
    interquartile_interval,
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
    ranking,
)

SCORES = np.random.default_rng(3).normal([0.0, 0.3, 0.6, 0.9], 1, (9, 4))


def test_ranks_by_hand():
    # Highest first: ranks 1 2 3; 2 1 3; a tie for 1 and 2, shared; 1 3 2.
    scores = [[9.0, 8.0, 7.0], [5.0, 6.0, 4.0], [2.0, 2.0, 1.0], [3.0, 1.0, 2.0]]
    assert ranking(scores).ranks.tolist() == [5.5 / 4, 7.5 / 4, 11 / 4]


@pytest.mark.parametrize("scores", [SCORES, SCORES.round()], ids=["no ties", "ties"])
def test_friedman_agrees_with_scipy(scores):
    """Statistic and p are scipy's, within float64 rounding."""
    reference = stats.friedmanchisquare(*scores.T)
    result = ranking(scores)
    assert result.statistic == pytest.approx(reference.statistic)
    assert result.p == pytest.approx(reference.pvalue)


def test_nemenyis_difference_is_exceeded_by_tukeys_error():
    """The critical difference has the error 0.05 by scipy's studentized range, within its float64
    integration."""
    # Ranks of k methods have the variance k (k + 1) / 12 on each data set. The range of k means of
    # N, in standard errors, follows the studentized range with infinitely many degrees of freedom.
    datasets, methods = SCORES.shape
    difference = ranking(SCORES).critical_difference
    error = np.sqrt(methods * (methods + 1) / 12 / datasets)
    assert stats.studentized_range.sf(difference / error, methods, np.inf) == pytest.approx(0.05)


def test_nemenyis_error_holds_for_ranks_that_are_drawn():
    """Random ranks exceed the critical difference in 5 % of 4,000 draws, within four standard
    errors."""
    random = np.random.default_rng(0)
    ranks = random.permuted(np.tile(np.arange(1.0, 5.0), (4000, 30, 1)), axis=-1)
    spans = np.ptp(ranks.mean(1), axis=-1)
    exceeded = (spans > ranking(np.tile(SCORES, (4, 1))[:30]).critical_difference).mean()
    assert exceeded == pytest.approx(0.05, abs=0.014)  # four standard errors


def test_methods_that_are_always_equal_have_no_statistic():
    assert ranking(np.ones((5, 3))).p == 1


def test_bayesian_signed_rank_by_hand():
    """The posterior by its formula; 0.01 is four standard errors of 20,000 draws."""
    # One difference of 1 beside a prior zero: better wins where the zero's weight, Beta(1/2, 1),
    # is below sqrt(1/2), which has probability sqrt(sqrt(1/2)) = 0.8409.
    worse, equivalent, better = bayesian_signed_rank([1.0], region=0.0)
    assert (worse, equivalent + better) == (0, 1)
    assert better == pytest.approx(0.8409, abs=0.01)  # 20,000 draws
    assert bayesian_signed_rank([-1.0], 0.0)[0] == pytest.approx(better)
    assert bayesian_signed_rank([0.1] * 10, region=0.5) == (0, 1, 0)


def test_the_interquartile_mean_agrees_with_scipys_trimmed_mean():
    """The mean of the middle half is scipy's, within float64 rounding."""
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


# Numbers of other packages, installed beside with `pip install autorank rliable 'pandas<3'`
# --------------------------------------------------------------------------------------------


def test_agreement_with_autorank_on_its_example():
    """autorank 1.3.0: `autorank(data)` of the six populations of its README; baycomp 1.0.3:
    `SignedRankTest.probs(x, y, rope=0.1, nsamples=50000)` of the sixth and the fourth."""
    random = np.random.RandomState(42)
    means = (0.2, 0.3, 0.5, 0.8, 0.85, 0.9)
    data = np.stack([random.normal(mean, 0.3, 50).clip(0, 1) for mean in means], -1)
    result = ranking(data)
    assert result.ranks == pytest.approx([5.40, 4.71, 3.95, 2.47, 2.29, 2.18])
    assert result.p == pytest.approx(2.3412212612346733e-28)
    # autorank's table of quantiles has three decimals.
    assert result.critical_difference == pytest.approx(1.0662484349869374, rel=2e-5)
    worse, equivalent, better = bayesian_signed_rank(data[:, 5] - data[:, 3], 0.1)
    # Both draw: four standard errors of 20,000 draws.
    assert (worse, equivalent, better) == pytest.approx((0.1737, 0.0997, 0.7266), abs=0.013)
    worse, equivalent, better = bayesian_signed_rank(data[:, 5] - data[:, 4], 0.02)
    assert (worse, equivalent, better) == pytest.approx((0.3478, 0.0, 0.6522), abs=0.014)


def test_agreement_with_rliable():
    """rliable 1.2.0: aggregate_iqm, probability_of_improvement, create_performance_profile, and
    get_interval_estimates of the first two, with 20,000 and 3,000 resamples."""
    random = np.random.default_rng(0)
    ours = random.normal(1.0, 0.4, (5, 6))
    theirs = random.normal(0.8, 0.4, (5, 6))
    assert interquartile_mean(ours) == pytest.approx(0.9419353549895084)
    assert interquartile_interval(ours) == pytest.approx((0.85439913, 1.04903635), abs=0.01)
    assert probability_of_improvement(ours, theirs) == 0.5
    interval = improvement_interval(ours, theirs)
    assert interval == pytest.approx((0.34666667, 0.66), abs=0.02)
    profile = performance_profile(ours, np.linspace(0, 2, 5))
    assert profile == pytest.approx([1, 0.93333333, 0.46666667, 0.06666667, 0])
