"""A fixed test set: by hand, against a crossed bootstrap, and its error where nothing differs."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from research.statistics.best import best_rows
from research.statistics.comparisons import compare
from research.statistics.crossed import crossed

BY_HAND = np.array([[2.0, 4.0], [4.0, 6.0]])  # two seeds, two rows


def simulated(
    tables: int, arms: int, seeds: float, rows: float, n: int = 10, r: int = 100
) -> np.ndarray:
    """Scores [tables, n, r, arms] of equal arms with these standard deviations."""
    random = np.random.default_rng(0)
    scores = random.normal(0, 1, (tables, n, r, arms))
    scores += random.normal(0, seeds, (tables, n, 1, arms))
    return scores + random.normal(0, rows, (tables, 1, r, arms))


def test_by_hand():
    """Mean squares, variance and degrees of freedom of a table of two by two, within float64
    rounding."""
    null = crossed(BY_HAND[..., None])
    # Seed means 3 and 5, row means 3 and 5, and nothing left over: mean squares 2 * 2, 2 * 2 and 0.
    assert (null.seeds.item(), null.rows.item(), null.rest.item()) == (4, 4, 0)
    interval = null.interval(BY_HAND.mean(1), 0)
    assert interval.mean == 4
    # variance 2/2 + 2/2; Satterthwaite 8² / (4² + 4²) = 2 degrees of freedom
    assert interval.half_width == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(2))
    assert null.of_rows() == pytest.approx([0.5])
    assert null.shared() == pytest.approx(
        [1 / 3]
    )  # a seed's mean varies by 2 of seeds and 1 of rows


def test_contrasts_are_those_of_the_scores():
    """Mean squares of contrasts are those of contrasted scores, within float64 rounding."""
    scores = np.random.default_rng(0).normal(0, 1, (4, 9, 3))
    contrasts = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, -1.0]])
    direct = crossed(scores @ contrasts.T)
    turned = crossed(scores).comparing(lambda: contrasts)
    for part in ("seeds", "rows", "rest"):
        assert getattr(turned, part) == pytest.approx(getattr(direct, part))


def test_the_error_agrees_with_a_crossed_bootstrap():
    """Within 10 % of a bootstrap of seeds and rows, which is itself an estimate from 4,000
    draws."""
    random = np.random.default_rng(1)
    n, r = 30, 60
    scores = random.normal(0, 1, (n, r))
    scores += random.normal(0, 0.3, (n, 1)) + random.normal(0, 1, (1, r))
    means = []
    for _ in range(4000):
        seeds = random.integers(0, n, n)
        rows = random.integers(0, r, r)
        means.append(scores[np.ix_(seeds, rows)].mean())
    null = crossed(scores[..., None])
    assert null.interval(scores.mean(1), 0).half_width == pytest.approx(
        2.0 * np.std(means), rel=0.1
    )
    assert null.of_rows()[0] > 0.5


@pytest.mark.parametrize(("seeds", "rows"), [(0.3, 0.3), (0.02, 1.0), (1.0, 0.02)])
def test_the_family_keeps_its_error(seeds, rows):
    scores = simulated(400, 6, seeds, rows)
    differences = (scores[..., 1:] - scores[..., :1]).mean(2)
    contrasts = np.eye(6)[1:] - np.eye(6)[0]
    null = crossed(scores).comparing(lambda: contrasts)
    result = compare(differences, dataclasses.replace(null, count=500))
    wrong = (result.adjusted <= 0.05).any(-1).mean()
    assert 0.01 <= wrong <= 0.05 + 3 * 0.011  # three standard errors
    excluded = np.abs(result.mean) > result.half_width
    assert (excluded == (result.adjusted <= 0.05)).all()


def test_rows_that_are_tied_for_best_are_bold():
    scores = simulated(100, 5, 0.3, 0.3)
    null = crossed(scores)
    bold = best_rows(scores.mean(2), dataclasses.replace(null, count=500))
    assert bold.all(-1).mean() >= 0.95 - 3 * 0.022
    clear = scores + np.array([0, 0, 0, 0, 5.0])
    assert best_rows(clear[0].mean(1), crossed(clear[0])).tolist() == [False] * 4 + [True]


def test_seeds_that_change_nothing_leave_the_rows():
    """With equal seeds the interval is the t-interval over rows, within float64 rounding."""
    scores = np.tile(np.random.default_rng(0).normal(0, 1, (1, 50, 2)), (8, 1, 1))
    null = crossed(scores)
    interval = null.interval(scores.mean(1)[:, 0], 0)
    rows = scores[0, :, 0]
    assert interval.half_width == pytest.approx(
        stats.t.ppf(0.975, 49) * rows.std(ddof=1) / math.sqrt(50)
    )
    assert null.shared() == pytest.approx([1, 1])


def test_a_missing_seed_is_fewer_pairs():
    scores = simulated(1, 2, 0.5, 0.5)[0]
    null = crossed(scores[:8])
    ten, eight = (null.error(np.zeros(2), np.zeros(2), np.full(2, n)) for n in (10, 8))
    assert (ten < eight).all()
    assert crossed(scores).interval(scores.mean(1)[:1, 0], 0).half_width is None


def test_each_difference_has_the_moments_of_the_seeds_that_both_columns_have():
    """A, C and D have 40 seeds, of which D shares 20 with them, B has 8, and E a single one."""
    scores = simulated(1, 5, 0.5, 0.2, n=60, r=30)[0]
    seeds = np.zeros((60, 5), bool)
    for column, (first, last) in enumerate([(0, 40), (0, 8), (0, 40), (20, 60), (0, 1)]):
        seeds[first:last, column] = True
    unread = np.where(seeds[:, None], scores, np.nan)
    null = crossed(unread, seeds)
    pairs = np.eye(5)[1:] - np.eye(5)[0]
    turned = null.comparing(lambda: pairs)
    assert turned.n.tolist() == [8, 40, 20, 1]
    difference = scores - scores[..., :1]
    nothing = np.zeros(4)
    for place, column in enumerate((1, 2, 3)):
        both = seeds[:, column] & seeds[:, 0]
        alone = crossed(difference[both][..., [column]])
        n = turned.n
        assert turned.error(nothing, nothing, n)[place] == pytest.approx(
            alone.error(nothing, nothing, alone.n)[0]
        )
        assert turned.freedom(n)[place] == pytest.approx(alone.freedom(alone.n)[0])
        arm = crossed(scores[seeds[:, column]][..., [column]])
        values = scores.mean(1)[seeds[:, column], column]
        expected = arm.interval(values, 0).half_width
        assert null.interval(values, column).half_width == pytest.approx(expected)
    assert np.isnan(turned.of_rows()).tolist() == [False, False, False, True]
    compared = compare(
        np.where(seeds[:, 1:] & seeds[:, :1], difference.mean(1)[:, 1:], np.nan), turned
    )
    assert np.isnan(compared.half_width).tolist() == [False, False, False, True]
    assert compared.p[3] == 1


def test_a_contrast_of_more_columns_has_the_seeds_that_all_have():
    """Mean squares of a contrast are those of its scores on the common seeds, within float64
    rounding."""
    scores = simulated(1, 4, 0.5, 0.5)[0]
    seeds = np.ones((10, 4), bool)
    seeds[7:, 3] = False
    contrast = np.array([[1.0, -1.0, -1.0, 1.0]])
    turned = crossed(scores, seeds).comparing(lambda: contrast)
    direct = crossed(scores[:7] @ contrast.T)
    for part in ("seeds", "rows", "rest"):
        assert getattr(turned, part) == pytest.approx(getattr(direct, part))
    assert turned.n.tolist() == [7]


def test_equal_columns_with_different_seeds_keep_their_error():
    scores = simulated(400, 5, 0.3, 0.3, n=20)
    seeds = np.ones((20, 5), bool)
    seeds[6:, 1] = False
    seeds[12:, 2] = False
    null = dataclasses.replace(crossed(scores, seeds), count=500)
    differences = (scores[..., 1:] - scores[..., :1]).mean(2)
    there = np.where(seeds[:, 1:], differences, np.nan)
    result = compare(there, null.comparing(lambda: np.eye(5)[1:] - np.eye(5)[0]))
    wrong = (result.adjusted <= 0.05).any(-1).mean()
    assert 0.01 <= wrong <= 0.05 + 3 * 0.011  # three standard errors


def test_units_do_not_matter():
    """Scaled scores have the same p, and intervals scale, within float64 rounding."""
    scores = simulated(1, 3, 0.5, 0.5)[0]
    results = []
    for unit in (1e-100, 1e100):
        null = crossed(unit * scores).comparing(lambda: np.eye(3)[1:] - np.eye(3)[0])
        results.append(compare((unit * (scores[..., 1:] - scores[..., :1])).mean(1), null))
    assert results[0].adjusted == pytest.approx(results[1].adjusted)
    assert results[0].half_width * 1e100 == pytest.approx(results[1].half_width / 1e100)
