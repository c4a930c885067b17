"""Columns of a table that are corrected for each other."""

import dataclasses

import numpy as np
import pytest

from research.statistics.comparisons import Comparisons, compare
from research.statistics.crossed import crossed
from research.statistics.families import ColumnDifferences, compare_columns, holm
from research.statistics.nulls import SharedRows, SignFlips

RANDOM = np.random.default_rng(0)
NONE = np.zeros(2)
CONTRASTS = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])


def columns(null, *differences):
    return [ColumnDifferences(null, values, np.zeros(values.shape[-1])) for values in differences]


def comparisons(*adjusted):
    ones = np.ones(len(adjusted))
    return Comparisons(ones, 0.9 * ones, np.array(adjusted), np.array(adjusted))


def test_columns_are_flipped_together_in_any_unit():
    """Two columns of two rows are one family of four, whatever the unit of the second."""
    first, second = RANDOM.normal(0.5, 1, (2, 9, 2))
    scaled = [values / np.abs(values).max() for values in (first, second)]
    together = compare(np.concatenate(scaled, -1), SignFlips())
    one, other = compare_columns(columns(SignFlips(), first, 1000 * second), "table")
    assert one.adjusted == pytest.approx(together.adjusted[:2])
    assert other.adjusted == pytest.approx(together.adjusted[2:])
    assert other.mean == pytest.approx(1000 * second.mean(0))
    alone = compare_columns(columns(SignFlips(), first, second), "column")
    assert alone[0].half_width == pytest.approx(compare(first, SignFlips()).half_width)


def test_a_column_that_repeats_another_costs_nothing():
    """The maximum over equal columns is that of one, within float64 rounding."""
    first = RANDOM.normal(0.8, 1, (9, 1))
    alone, again = compare_columns(columns(SignFlips(), first, -3 * first), "table")
    assert alone.adjusted == pytest.approx(compare(first, SignFlips()).adjusted)
    assert again.adjusted == pytest.approx(alone.adjusted)


def test_holm_by_hand():
    # Both rows of the first family are shown at 0.025, so the second has the whole 0.05.
    first, second = holm([comparisons(0.01, 0.02), comparisons(0.03, 0.2)])
    assert first.adjusted.tolist() == [0.02, 0.04]
    assert second.adjusted.tolist() == [0.04, 0.2]
    # A row that is shown has an interval without zero.
    assert (second.half_width < 1).tolist() == [True, False]
    # 0.04 of the first family is more than 0.025: nothing is passed on, and 0.03 is not shown.
    first, second = holm([comparisons(0.01, 0.04), comparisons(0.03, 0.2)])
    assert first.adjusted.tolist() == [0.02, 0.08]
    assert second.adjusted.tolist() == [0.06, 0.2]


def test_single_tests_are_holms():
    """Holm's correction by hand, within float64 rounding."""
    p = [0.01, 0.04, 0.03, 0.005]
    adjusted = [float(each.adjusted[0]) for each in holm([comparisons(value) for value in p])]
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("null", [SignFlips(), SharedRows(0.0, 400)], ids=["flips", "t"])
def test_the_table_keeps_its_error_where_columns_apart_do_not(null):
    """Tables of four columns and two rows, all equal: how many have a false verdict."""
    values = np.random.default_rng(1).standard_normal((4, 400, 8, 2))

    def wrong(family):
        compared = compare_columns(columns(null, *values), family)
        shown = np.stack([each.adjusted <= 0.05 for each in compared], -1)
        return shown.any((-2, -1)).mean()

    assert 0.01 <= wrong("table") <= 0.05 + 3 * 0.011  # three standard errors for chance
    assert wrong("column") > 0.1  # four families of 5 % each have 0.19


def test_different_tests_keep_the_error_by_holm():
    wrong = 0
    tables = 150
    random = np.random.default_rng(2)
    for _ in range(tables):
        scores = random.standard_normal((8, 40, 3))
        null = crossed(scores)
        of_rows = ColumnDifferences(
            dataclasses.replace(null, count=300).comparing(lambda: CONTRASTS),
            scores.mean(1) @ CONTRASTS.T,
            NONE,
        )
        other = ColumnDifferences(SignFlips(), random.standard_normal((8, 2)), NONE)
        compared = compare_columns([of_rows, other], "table")
        wrong += any((each.adjusted <= 0.05).any() for each in compared)
    assert 0.01 <= wrong / tables <= 0.05 + 3 * 0.018  # three standard errors
