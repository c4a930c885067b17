"""Power against published sample sizes and simulation."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.power import power, seeds_needed


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_are_those_of_g_power(effect, n):
    # G*Power 3.1, t test of matched pairs, two-sided, 0.05, power 0.80
    assert seeds_needed(effect) == n
    assert power(effect, n) >= 0.8 > power(effect, n - 1)


def test_power_is_what_simulated_tests_have():
    draws = np.random.default_rng(0).normal(1.0, 1.0, (20_000, 8))
    shown = (stats.ttest_1samp(draws, 0, axis=1).pvalue <= 0.05).mean()
    assert power(1.0, 8) == pytest.approx(shown, abs=0.01)
    assert power(0.0, 8) == pytest.approx(0.05)


def test_where_splits_share_rows_no_number_of_seeds_may_do():
    assert seeds_needed(0.5, overlap=0.1) is None
    assert seeds_needed(2.0, overlap=0.1) > seeds_needed(2.0)
