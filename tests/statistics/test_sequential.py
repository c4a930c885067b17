"""Looks at a growing table: their levels add up, and equal rows are rarely told apart."""

import numpy as np
import pytest

from research.statistics.comparisons import Null
from research.statistics.intervals import ALPHA
from research.statistics.margins import judge
from research.statistics.nulls import SharedRows, SignFlips
from research.statistics.sequential import compared, level, looks


def test_levels_add_up_to_the_error_that_is_allowed() -> None:
    """The telescoping sum of the levels, within float64 rounding."""
    assert list(looks(30)) == [8, 12, 18, 27]
    # 1/2 + 1/6 + 1/12 + ... = 1 - 1/(k+1)
    assert sum(map(level, range(1, 1000))) == pytest.approx(ALPHA * (1 - 1 / 1000))


def test_the_first_look_can_decide() -> None:
    clear = np.linspace(1.0, 1.1, 8)[:, None]
    first, third = (compared(clear, SignFlips(), look) for look in (1, 3))
    assert first.adjusted[0] == third.adjusted[0] == 2.0**-7
    assert level(3) < 2.0**-7 <= level(1)
    assert abs(first.mean[0]) > first.half_width[0]
    assert abs(third.mean[0]) <= third.half_width[0]


@pytest.mark.parametrize("null", [SignFlips(2_000), SharedRows(0.0, 500)], ids=["flips", "t"])
def test_equal_rows_are_rarely_told_apart_and_a_better_one_is_found(null: Null) -> None:
    tables, rows = 400, 4
    random = np.random.default_rng(0)
    # The baseline's noise is in every difference.
    values = random.normal(size=(tables, 18, rows + 1))
    differences = values[..., 1:] - values[..., :1]
    found = np.zeros((tables, rows), bool)
    for look, seeds in enumerate(looks(18), start=1):
        found |= compared(differences[:, :seeds], null, look).adjusted <= level(look)
    # Three standard errors of 400 tables above 5 %.
    assert found.any(1).mean() <= 0.05 + 3 * (0.05 * 0.95 / tables) ** 0.5
    shifted = differences.copy()
    shifted[..., 0] += 2.5
    hits = np.zeros(tables, bool)
    for look, seeds in enumerate(looks(18), start=1):
        hits |= compared(shifted[:, :seeds], null, look).adjusted[:, 0] <= level(look)
    assert hits.mean() > 0.9


def test_a_row_that_is_worse_by_the_margin_is_rarely_equivalent() -> None:
    random = np.random.default_rng(0)
    differences = random.normal(-1.0, 1, (400, 18, 1))  # worse by the margin exactly
    wrong = np.zeros(400, bool)
    for look, seeds in enumerate(looks(18), start=1):
        result = compared(differences[:, :seeds], SignFlips(2_000), look)
        pairs = zip(result.mean[:, 0], result.half_width[:, 0], strict=True)
        wrong |= [judge(*pair, margin=1.0) in ("equivalent", "better") for pair in pairs]
    assert wrong.mean() <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
