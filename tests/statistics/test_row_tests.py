"""McNemar's test and the paired bootstrap over test rows, by hand and against scipy."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.best import best_rows
from research.statistics.comparisons import compare
from research.statistics.p_values import holm_adjusted
from research.statistics.row_tests import McNemar, Resamples, RowBootstrap, mcnemar_p

RANDOM = np.random.default_rng(0)
# Of 12 rows the first model alone has 1 right, and the second 5.
FIRST = np.array([1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1.0])
SECOND = np.array([0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1.0])
PAIR = np.array([[-1.0, 1.0]])


def null(kind, *seeds, **options):
    """Of seeds with two models each: their difference over the rows."""
    scores = np.stack([np.stack(models, -1) for models in seeds])
    there = np.ones((len(seeds), 2), bool)
    return kind(scores, there, **options).comparing(lambda: PAIR)


def differences(*seeds):
    return np.array([[second.mean() - first.mean()] for first, second in seeds])


def test_mcnemar_by_hand():
    """Binomial tails by hand, within float64 rounding."""
    # 1 of 6 discordant rows: 2 (1 + 6) / 64 exactly; half of 2 · 6 / 64 less by mid-p.
    seed = (FIRST, SECOND)
    exact = null(McNemar, seed).compared(differences(seed))
    mid = null(McNemar, seed, mid=True).compared(differences(seed))
    assert exact.p == exact.adjusted == pytest.approx(14 / 64)
    assert mid.p == pytest.approx(8 / 64)
    assert exact.mean == pytest.approx(4 / 12)
    assert exact.half_width > 4 / 12  # as p says


@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (0, 7), (3, 3), (2, 9), (40, 21)])
def test_mcnemar_agrees_with_the_binomial_test(ours, theirs):
    """p and mid-p are scipy's binomial tails, within float64 rounding."""
    total = ours + theirs
    reference = stats.binomtest(ours, total, 0.5).pvalue if total else 1.0
    assert mcnemar_p(np.array(ours), np.array(theirs)) == pytest.approx(reference)
    # statsmodels' definition of mid-p: the exact p less the probability of the smaller count.
    fewer = min(ours, theirs)
    mid = 2 * stats.binom.cdf(fewer, total, 0.5) - stats.binom.pmf(fewer, total, 0.5)
    assert mcnemar_p(np.array(ours), np.array(theirs), mid=True) == pytest.approx(mid)


def test_mcnemar_agrees_with_statsmodels():
    """statsmodels 0.15.0: `mcnemar([[6, 9], [2, 0]], exact=True).pvalue`."""
    assert mcnemar_p(np.array(9), np.array(2)) == pytest.approx(0.0654296875)


def test_of_several_seeds_p_is_twice_the_median():
    """Twice the median of the seeds' p by hand, within float64 rounding."""
    equal = (FIRST, FIRST)
    seeds = [(FIRST, SECOND), (FIRST, SECOND), equal]
    assert null(McNemar, *seeds).p_values() == pytest.approx(2 * 14 / 64)
    assert null(McNemar, (FIRST, SECOND), equal, equal).p_values() == 1
    lacking = null(McNemar, *seeds)
    lacking.there[1:] = False
    assert lacking.p_values() == pytest.approx(14 / 64)


def test_holms_correction_is_that_of_scipy_by_hand():
    """Holm's correction by hand, within float64 rounding."""
    assert holm_adjusted(np.array([0.01, np.nan, 0.04, 0.03])) == pytest.approx(
        [0.03, np.nan, 0.06, 0.06], nan_ok=True
    )


def test_the_bootstrap_of_rows_agrees_with_scipys():
    """Rows of one seed: width and p are near those of scipy's bootstrap and of the t-test."""
    first = RANDOM.normal(0.0, 1.0, 150)
    seed = (first, first + RANDOM.normal(0.2, 1.0, 150))
    rows = seed[1] - seed[0]
    shown = null(RowBootstrap, seed).compared(differences(seed))
    reference = stats.bootstrap((rows,), np.mean, method="BCa", random_state=0)
    low, high = reference.confidence_interval
    assert shown.mean == pytest.approx(rows.mean())
    assert shown.half_width == pytest.approx((high - low) / 2, rel=0.06)
    assert shown.p == pytest.approx(stats.ttest_1samp(rows, 0).pvalue, abs=0.02)


def test_each_row_has_the_mean_of_its_seeds():
    """The mean within float64 rounding; interval and p have the same draws, and so the same
    bits."""
    seeds = [tuple(RANDOM.normal(0, 1, (2, 30))) for _ in range(3)]
    rows = np.mean([second - first for first, second in seeds], 0)
    shown = null(RowBootstrap, *seeds).compared(differences(*seeds))
    alone = compare(rows[:, None], Resamples())
    assert shown.mean == pytest.approx(rows.mean())
    assert (shown.half_width, shown.p) == (alone.half_width, alone.p)


def test_equal_models_are_seldom_told_apart():
    """Three models beside an equal one, right in 80 % of 100 rows: any false verdict."""
    tables = 200
    right = np.random.default_rng(1).random((tables, 100, 4)) < 0.8
    scores = right[..., 1:].astype(float) - right[..., :1]
    shown = [(compare(rows, Resamples(300)).adjusted <= 0.05).any() for rows in scores]
    assert 0.01 <= np.mean(shown) <= 0.05 + 3 * 0.016  # three standard errors
    exact = mcnemar_p((scores > 0).sum(1), (scores < 0).sum(1))
    adjusted = np.stack([holm_adjusted(p) for p in exact])
    assert (
        0.01 <= (adjusted <= 0.05).any(-1).mean() <= np.mean(shown)
    )  # the exact test is conservative


def test_bold_is_over_the_rows():
    scores = np.stack([FIRST, FIRST, np.zeros(12)], -1)[None]
    models = RowBootstrap(np.tile(scores, (1, 10, 1)), np.ones((1, 3), bool))
    assert best_rows(scores.mean(1), models).tolist() == [True, True, False]
