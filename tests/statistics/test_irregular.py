"""Which rows count as skewed or collapsed, against scipy and by simulation."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.irregular import collapsed, skewness, strongly_skewed
from research.statistics.simulated import LAWS


def drawn(law: str, n: int, rows: int = 2000) -> np.ndarray:
    return LAWS[law][0](np.random.default_rng(0), (rows, n))


def test_skewness_agrees_with_scipy():
    """The bias-corrected skewness is scipy's, within float64 rounding."""
    x = drawn("skewed", 8, rows=5)
    assert skewness(x) == pytest.approx(stats.skew(x, axis=-1, bias=False))
    assert skewness(np.ones(4)) == 0


def test_collapsed_runs_by_hand():
    # The median distance from the median, 3 and 2, is 1, so far is beyond 20 * 1.4826 = 29.652.
    assert collapsed(np.array([1.0, 2, 3, 4, 32])).tolist() == [False] * 5
    assert collapsed(np.array([1.0, 2, 3, 4, -28])).tolist() == [False] * 4 + [True]
    assert not collapsed(np.array([1.0, 1, 1, 0])).any()
    assert strongly_skewed(np.array([1.0] * 9 + [0.0]))


@pytest.mark.parametrize("n", [5, 10, 20, 50])
def test_normal_rows_are_seldom_called_irregular(n):
    x = drawn("normal", n)
    irregular = strongly_skewed(x) | collapsed(x).any(-1)
    assert irregular.mean() <= 0.02


def test_every_run_that_collapsed_is_seen_and_many_skewed_rows_are():
    x = drawn("collapsing", 10)
    failed = x < 0.7
    few = failed.sum(-1) < 5
    assert (collapsed(x) == failed)[few].mean() >= 0.99
    assert strongly_skewed(drawn("very skewed", 20)).mean() >= 0.5


def test_two_values_are_not_judged():
    assert not strongly_skewed(np.array([[1.0, 9.0]])).any()
