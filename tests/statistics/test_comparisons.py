"""Joint tests against their definitions, scipy and hand-worked cases."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from research.statistics.comparisons import compare
from research.statistics.nulls import SharedRows, SignFlips

FLIPS = SignFlips()
NUMBERS = st.integers(-1000, 1000)  # sums of them are exact, so ties are ties


def column(*values: float) -> np.ndarray:
    return np.array(values, float)[:, None]


def by_hand(differences: list[int]) -> float:
    """The definition: the share of all sign patterns whose sum is as far from zero."""
    patterns = itertools.product((1, -1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in patterns]
    return sum(total >= abs(sum(differences)) for total in sums) / len(sums)


# Sign flips of one comparison
# --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3, 4, 5], 2 / 32),  # only all plus and all minus are as extreme
        ([1, 1, 1, 1, -1], 12 / 32),  # |sum| >= 3: at most one sign off, either way: 2 * (1 + 5)
        ([2, -1], 1.0),  # sums 3, 1, -1, -3: all at least 1
        ([3, 1, 0], 0.5),  # 4 is reached by 2 of 4 patterns, the zero doubles both
        ([5], 1.0),
        ([0, 0, 0], 1.0),
        ([1, -1], 1.0),
        ([0.1] * 6, 2 / 64),  # no spread at all
    ],
)
def test_sign_flips_by_hand(differences, p):
    result = compare(column(*differences), FLIPS)
    assert result.p.tolist() == [p]
    assert result.adjusted.tolist() == [p]


@given(st.lists(NUMBERS, min_size=1, max_size=9))
def test_sign_flips_are_their_definition(differences):
    assert compare(column(*differences), FLIPS).p[0] == by_hand(differences)


@pytest.mark.parametrize("n", [3, 8, 13])
def test_sign_flips_agree_with_scipy(n):
    """Exact p over all sign patterns; 1e-12 is float64 rounding of a count over 2**n."""
    differences = np.random.default_rng(n).normal(0.6, 1.0, n)
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert compare(differences[:, None], FLIPS).p[0] == pytest.approx(reference.pvalue, abs=1e-12)


def test_many_seeds_are_drawn_and_near_the_t_test():
    """The same seeds draw the same 20,000 patterns; 0.01 is their error and that of the t-test."""
    differences = np.random.default_rng(3).normal(0.3, 1.0, 40)
    result = compare(differences[:, None], FLIPS)
    assert result.p[0] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)
    assert result.p[0] == compare(differences[:, None], FLIPS).p[0]
    assert compare(np.ones((40, 1)), FLIPS).p[0] == 1 / 20_000


def test_differences_within_the_tolerance_are_ties():
    d = np.array([0.5, -0.5 + 1e-9, 0.25, -0.25, 1e-9, 0.0])
    assert compare(d[:, None], FLIPS, tolerance=1e-6).p[0] == 1
    assert compare(d[:, None], FLIPS).p[0] < 1


# Several comparisons
# --------------------------------------------------------------------------------------------


def test_two_comparisons_are_the_definition_of_the_step_down_maximum():
    """Adjusted p by the definition over all 128 patterns; 1e-9 lets equal statistics count as
    equal."""
    d = np.random.default_rng(5).normal([0.9, 0.4], 1.0, (7, 2))
    patterns = np.array(list(itertools.product((1, -1), repeat=7)))
    flipped = patterns[:, :, None] * d
    t = np.abs(flipped.mean(1)) / (flipped.std(1, ddof=1) / math.sqrt(7))
    observed = np.abs(stats.ttest_1samp(d, 0).statistic)
    first, second = np.argsort(-observed)
    p_first = (t.max(1) >= observed[first] - 1e-9).mean()
    p_second = max(p_first, (t[:, second] >= observed[second] - 1e-9).mean())
    result = compare(d, FLIPS)
    assert result.adjusted[[first, second]].tolist() == pytest.approx([p_first, p_second])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(2, 9), st.booleans())
def test_an_interval_excludes_zero_where_p_says_so_and_only_there(seed, m, n, new):
    random = np.random.default_rng(seed)
    d = random.normal(random.normal(0, 1, m), random.uniform(0.2, 2, m), (n, m))
    null = SharedRows(0.1, 200) if new else FLIPS
    result = compare(d, null)
    assert (result.adjusted >= result.p - 1e-12).all()
    if null.can_conclude(n):
        excluded = np.abs(result.mean) > result.half_width
        assert excluded.tolist() == (result.adjusted <= 0.05).tolist()
    else:
        assert np.isnan(result.half_width).all()


def test_missing_pairs_and_rows_without_any():
    """A column has the mean of its own pairs, within float64 rounding."""
    d = np.random.default_rng(0).normal(1, 0.5, (10, 3))
    d[4:, 1] = np.nan
    d[:, 2] = np.nan
    result = compare(d, FLIPS)
    assert result.mean[1] == pytest.approx(d[:4, 1].mean())
    assert result.p[1] >= 2 / 16
    assert math.isnan(result.half_width[1])  # four pairs cannot conclude
    assert result.adjusted[0] <= 0.05  # and they take no power from the others
    assert np.isnan([result.mean[2], result.p[2], result.adjusted[2]]).all()


def test_tables_side_by_side_are_the_same_tables_alone():
    """A stack of tables has each table's p exactly, and its intervals within float64 rounding."""
    d = np.random.default_rng(1).normal(0.5, 1, (3, 8, 4))
    together = compare(d, FLIPS)
    for index in range(3):
        alone = compare(d[index], FLIPS)
        assert together.adjusted[index].tolist() == alone.adjusted.tolist()
        assert together.half_width[index] == pytest.approx(alone.half_width)


def test_units_do_not_matter():
    """Scaled differences have the same p exactly; intervals scale, within float64 rounding."""
    d = np.random.default_rng(2).normal(0.5, 1, (8, 3))
    small, large = compare(1e-200 * d, FLIPS), compare(1e200 * d, FLIPS)
    assert small.adjusted.tolist() == large.adjusted.tolist()
    assert small.half_width * 1e200 == pytest.approx(large.half_width / 1e200)


def test_six_seeds_conclude_with_eleven_rows():
    d = np.random.default_rng(0).normal(0, 1, (6, 11))
    d[:, 0] = [5, 6, 5, 6, 5, 6]
    assert compare(d, FLIPS).adjusted[0] == 2 / 64
    assert not FLIPS.can_conclude(5)


def test_the_family_keeps_its_error_and_its_intervals_cover():
    d = np.random.default_rng(4).normal(0, 1, (600, 8, 5))
    result = compare(d, FLIPS)
    wrong = (result.adjusted <= 0.05).any(-1).mean()
    assert 0.02 <= wrong <= 0.08  # 0.05, three standard errors of 600 tables
    assert (np.abs(result.mean) <= result.half_width).all(-1).mean() == 1 - wrong


# New rows
# --------------------------------------------------------------------------------------------


def test_the_corrected_variance_by_hand():
    """3 % and 0.006: the quantile and the p of 20,000 draws, by their standard errors."""
    # Nadeau & Bengio: (1/n + n_test/n_train) s² with 8 : 2 is overlap 0.2, so 1/5 + 1/4
    d = column(1, 2, 3, 4, 5)
    result = compare(d, SharedRows(0.2))
    error = math.sqrt((1 / 5 + 1 / 4) * 2.5)
    assert result.half_width[0] == pytest.approx(
        stats.t.ppf(0.975, 4) * error, rel=0.03
    )  # 20,000 draws
    t = 3 / error
    assert result.p[0] == pytest.approx(2 * stats.t.sf(t, 4), abs=0.006)


def test_missing_pairs_on_new_rows():
    """A column's t-test has its own pairs; 0.006 is the error of a p from 20,000 draws."""
    d = np.random.default_rng(0).normal(1, 0.5, (10, 3))
    d[6:, 1] = np.nan
    d[:, 2] = np.nan
    result = compare(d, SharedRows(0.0))
    t = math.sqrt(6) * d[:6, 1].mean() / d[:6, 1].std(ddof=1)
    assert result.p[1] == pytest.approx(2 * stats.t.sf(t, 5), abs=0.006)
    assert np.isnan([result.mean[2], result.p[2], result.adjusted[2]]).all()


def test_without_overlap_many_seeds_agree_with_dunnett():
    """4,000 draws, and scipy's own: p within 0.03, the quantile within 8 %."""
    random = np.random.default_rng(6)
    groups = random.normal([0, 0.1, 0.2, 0.3], 1.0, (300, 4))
    reference = stats.dunnett(*groups.T[1:], control=groups.T[0], random_state=1)
    result = compare(groups[:, 1:] - groups[:, :1], SharedRows(0.0, 4000))
    # Unlike Dunnett's step, ours is step-down: only the largest has the same p.
    largest = int(np.argmax(np.abs(reference.statistic)))
    assert result.adjusted[largest] == pytest.approx(reference.pvalue[largest], abs=0.03)
    low, high = reference.confidence_interval(0.95)
    assert result.half_width == pytest.approx((high - low) / 2, rel=0.08)
