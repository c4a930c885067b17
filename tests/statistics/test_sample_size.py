"""Power against scipy's noncentral t and simulation."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.sample_size import power, power_of_looks, rows_factor, seeds_needed


def noncentral(effect, n):
    """The power of a two-sided paired t-test at 0.05, from the noncentral t itself."""
    critical = stats.t.ppf(0.975, n - 1)
    beyond = stats.nct(n - 1, effect * np.sqrt(n))
    return beyond.sf(critical) + beyond.cdf(-critical)


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8, 2.0])
def test_seeds_are_the_fewest_with_the_power_of_the_noncentral_t(effect):
    """Power is that of scipy's noncentral t, within float64 rounding."""
    fewest = next(n for n in range(2, 1000) if noncentral(effect, n) >= 0.8)
    assert seeds_needed(effect) == fewest
    assert power(effect, fewest) == pytest.approx(noncentral(effect, fewest))


def test_power_is_that_of_statsmodels():
    """statsmodels 0.15.0, `pip install statsmodels pandas`: `TTestPower().power(0.5, nobs=34,
    alpha=0.05)`, and `solve_power(0.5, power=0.8, alpha=0.05)`, which is 33.37."""
    assert power(0.5, 34) == pytest.approx(0.8077775012792737)
    assert power(0.5, 33) < 0.8
    assert seeds_needed(0.5) == 34


def test_power_is_what_simulated_tests_have():
    """0.01 is three standard errors of 20,000 tests; without an effect the power is the error,
    within float64 rounding."""
    draws = np.random.default_rng(0).normal(1.0, 1.0, (20_000, 8))
    shown = (stats.ttest_1samp(draws, 0, axis=1).pvalue <= 0.05).mean()
    assert power(1.0, 8) == pytest.approx(shown, abs=0.01)
    assert power(0.0, 8) == pytest.approx(0.05)


def test_seeds_of_several_effects_are_those_of_each_alone():
    effects, overlaps = np.array([0.2, 0.5, 2.0, 0.0, 9.0]), np.array([0.0, 0.1, 0.1, 0.0, 0.0])
    alone = [
        seeds_needed(effect, overlap=overlap).item()
        for effect, overlap in zip(effects, overlaps, strict=True)
    ]
    assert seeds_needed(effects, overlap=overlaps).tolist() == alone
    assert alone[1] == alone[3] == np.inf


def test_where_splits_share_rows_no_number_of_seeds_may_do():
    assert seeds_needed(0.5, overlap=0.1) == np.inf
    assert seeds_needed(2.0, overlap=0.1) > seeds_needed(2.0)


def test_a_large_effect_is_shown_almost_surely():
    """scipy's noncentral t has no value there."""
    assert power(3.1, 8, alpha=0.05 / 4) == 1.0


def test_one_look_has_the_power_of_a_test_at_its_level():
    """0.03 is more than three standard errors of 4,000 simulated tests, 0.008 each."""
    shown, spent = power_of_looks(1.0, [12], 0.0, comparisons=3)
    # The first look spends half of the error.
    assert shown == pytest.approx(power(1.0, 12, alpha=0.05 / 2 / 3), abs=0.03)
    assert spent == 12
    assert power_of_looks(0.0, [8, 12, 18], 0.0)[0] <= 0.05
    # 2^-4 is more than 0.05 / 2: five sign flips decide nothing.
    assert power_of_looks(9.0, [5])[0] == 0.0
    assert power_of_looks(9.0, [5], 0.0)[0] > 0.9
    more, fewer = power_of_looks(3.0, [8, 12, 18])
    assert more > 0.99
    assert fewer < 9


def test_more_rows_are_needed_where_no_number_of_seeds_is_enough():
    """The factor by hand, to the three decimals that are written."""
    assert rows_factor(0.5, 0.0) == 0.0
    assert (rows_factor(0.5, 0.1) > 1) == (seeds_needed(0.5, overlap=0.1) == np.inf)
    assert (rows_factor(2.0, 0.1) > 1) == (seeds_needed(2.0, overlap=0.1) == np.inf)
    # (1.96 + 0.8416)² / 0.25 x 1/9
    assert rows_factor(0.5, 0.1) == pytest.approx(3.488, abs=0.001)
