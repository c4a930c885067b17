"""Best of k: hand-worked values, and what simulation says."""

import math

import numpy as np
import pytest

from research.analysis.budget import best_of


def test_by_hand() -> None:
    """The mean best of k drawn without replacement, over all draws by hand, within float64
    rounding."""
    assert best_of([1, 2, 4], "higher").tolist() == pytest.approx([7 / 3, 10 / 3, 4])
    assert best_of([4, 1, 2], "lower").tolist() == pytest.approx([7 / 3, 4 / 3, 1])
    assert best_of([3], "lower").tolist() == [3]


def test_what_diverged_is_as_bad_as_the_worst() -> None:
    """The same values with the worst in place of what diverged, within float64 rounding."""
    assert best_of([1, math.nan, -math.inf], "higher").tolist() == pytest.approx([1, 1, 1])
    assert best_of([1, 2, math.inf], "lower").tolist() == best_of([1, 2, 2], "lower").tolist()
    with pytest.raises(ValueError, match="no value is finite"):
        best_of([math.nan], "lower")


def test_it_is_the_mean_of_random_draws() -> None:
    """0.01 is three standard errors of the best of 20 in 20,000 draws, whose deviation is 0.5."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=200)
    drawn = [generator.choice(values, 20, replace=False).max() for _ in range(20_000)]
    assert best_of(values.tolist(), "higher")[19] == pytest.approx(np.mean(drawn), abs=0.01)
