"""The sign-flip test and Holm against scipy, hand-worked cases and their own laws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from research.statistics import sign_flips
from research.statistics.sign_flips import best_group, can_conclude, holm, paired_p, sign_flip_p

NUMBERS = st.integers(-1000, 1000)  # sums of them are exact, so ties are ties
PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def by_hand(differences: list[int]) -> float:
    """The definition: the share of all sign patterns whose sum is as far from zero."""
    patterns = itertools.product((1, -1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in patterns]
    return sum(total >= abs(sum(differences)) for total in sums) / len(sums)


# The sign-flip test
# -----------------------------------------------------------------------------------


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
    ],
)
def test_sign_flip_by_hand(differences, p):
    assert sign_flip_p(differences) == p


@given(st.lists(NUMBERS, min_size=1, max_size=9))
def test_sign_flip_is_its_definition(differences):
    assert sign_flip_p(differences) == by_hand(differences)


@pytest.mark.parametrize("n", [3, 8, 13])
def test_sign_flip_agrees_with_scipy(n):
    differences = np.random.default_rng(n).normal(0.6, 1.0, n)
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(differences) == pytest.approx(reference.pvalue, abs=1e-12)


@given(st.lists(NUMBERS, min_size=1, max_size=16))
def test_sign_flip_is_symmetric_and_possible(differences):
    p = sign_flip_p(differences)
    assert sign_flip_p([-d for d in differences]) == p
    assert 2.0 ** (1 - len(differences)) <= p <= 1


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.randoms())
def test_sign_flip_forgets_the_order(differences, random):
    shuffled = random.sample(differences, len(differences))
    assert sign_flip_p(shuffled) == sign_flip_p(differences)


def test_sampled_p_is_near_the_exact_one(monkeypatch):
    differences = np.random.default_rng(3).normal(0.3, 1.0, 24)
    exact = sign_flip_p(differences)
    monkeypatch.setattr(sign_flips, "EXACT_UP_TO", 20)
    sampled = sign_flip_p(differences)
    assert sampled == pytest.approx(
        exact, abs=4 * math.sqrt(exact * (1 - exact) / sign_flips.RESAMPLES)
    )
    assert sampled != exact
    assert sampled == sign_flip_p(differences)


def test_sampled_p_is_never_zero():
    assert sign_flip_p(np.ones(40)) == 1 / (sign_flips.RESAMPLES + 1)


def test_false_alarms_keep_to_their_level():
    draws = np.random.default_rng(0).normal(0, 1, (4000, 10))
    alarms = np.mean([sign_flip_p(row) <= 0.05 for row in draws])
    assert alarms == pytest.approx(0.05, abs=0.014)  # four standard errors


def test_float32_accuracies_tie_as_their_counts_do():
    ours = np.array([350, 352, 349, 351, 350, 353, 348, 351, 352, 350])
    theirs = np.array([349, 350, 349, 352, 349, 351, 349, 350, 350, 350])
    in_float32 = [(np.float32(x) / np.float32(360)).astype(float) for x in (ours, theirs)]
    assert paired_p(*in_float32) == sign_flip_p(ours - theirs)


# Holm
# -------------------------------------------------------------------------------------------------


def test_holm_by_hand():
    # sorted .01 .02 .03 .04: 4*.01, 3*.02, 2*.03, then .04 may not fall below .06
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_counts_rows_without_a_test():
    assert holm([0.01, None, math.nan]) == [pytest.approx(0.03), None, None]
    assert holm([]) == []


@given(PROBABILITIES)
def test_holm_lies_between_raw_and_bonferroni_and_keeps_the_order(p):
    corrected = holm(p)
    assert all(
        raw <= q <= min(1, raw * len(p) + 1e-12) or raw == q
        for raw, q in zip(p, corrected, strict=True)
    )
    assert all(q <= 1 for q in corrected)
    for (a, qa), (b, qb) in itertools.combinations(zip(p, corrected, strict=True), 2):
        assert a == b or (a < b) == (qa < qb) or qa == qb


@given(PROBABILITIES, st.randoms())
def test_holm_forgets_the_order(p, random):
    order = random.sample(range(len(p)), len(p))
    shuffled = holm([p[i] for i in order])
    assert shuffled == [holm(p)[i] for i in order]


# What can be concluded
# --------------------------------------------------------------------------------


def test_five_seeds_never_conclude_and_ten_up_to_25_rows():
    assert not any(can_conclude(5, m) for m in range(1, 50))
    assert [can_conclude(10, m) for m in (1, 25, 26)] == [True, True, False]
    assert can_conclude(6, 1)


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(1, 40))
def test_can_conclude_is_what_the_test_can_reach(n, m):
    smallest = holm([sign_flip_p(range(1, n + 1)), *[1.0] * (m - 1)])[0]
    assert can_conclude(n, m) == (smallest <= 0.05)


# Bold
# -------------------------------------------------------------------------------------------------

NOISE = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 0.25])


def test_bold_is_the_best_and_what_cannot_be_told_from_it():
    rows = {"best": 10 + NOISE, "close": 10 - 0.1 * NOISE[::-1] - 0.01, "far": 5 + NOISE}
    assert best_group(rows, "higher") == {"best", "close"}
    assert best_group(rows, "lower") == {"far"}


def test_equal_rows_are_bold_together():
    assert best_group({"a": NOISE, "b": NOISE, "c": NOISE - 9}, "higher") == {"a", "b"}


def test_nothing_is_bold_where_nothing_can_be_concluded():
    rows = {"a": np.arange(5.0), "b": np.arange(5.0) + 100}
    assert best_group(rows, "higher") == frozenset()
    assert best_group({"a": 10 + NOISE, "b": NOISE}, "higher", m=26) == frozenset()
    assert best_group({"a": NOISE}, "higher") == frozenset()
    assert best_group({}, "higher") == frozenset()
