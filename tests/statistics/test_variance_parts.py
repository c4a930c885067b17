"""Variance parts: by hand, and coverage on a problem with known components."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.variance_parts import bootstrap_part, variance_part


def test_the_pooled_variance_and_its_interval_by_hand() -> None:
    """The pooled variance by hand and scipy's chi-squared quantiles, within float64 rounding."""
    # Within the groups: squares 2 and 8, with 2 + 1 degrees of freedom.
    part = variance_part([[1.0, 2.0, 3.0], [5.0, 9.0], [4.0]])
    assert part is not None
    assert (part.variance, part.n, part.degrees) == (pytest.approx(10 / 3), 5, 3)
    low, high = (10 / stats.chi2.ppf(share, 3) for share in (0.975, 0.025))
    assert part.interval == pytest.approx((low, high))


def test_values_that_do_not_vary_have_no_variance() -> None:
    part = variance_part([[0.5, 0.5, 0.5]])
    assert part is not None
    assert (part.variance, part.interval) == (0, (0, 0))
    assert variance_part([[1.0], []]) is None


def test_a_bootstrap_has_the_same_variance_and_no_interval() -> None:
    groups = [[1.0, 2.0, 3.0], [5.0, 9.0]]
    part, drawn = variance_part(groups), bootstrap_part(groups)
    assert part is not None
    assert drawn is not None
    assert (drawn.variance, drawn.n) == (part.variance, part.n)
    assert (drawn.interval, drawn.degrees) == (None, None)
    assert bootstrap_part([[1.0]]) is None


def test_known_components_are_estimated_and_covered() -> None:
    """A metric is a sum of an effect of its initial parameters (sd 2) and of its order (sd 1)."""
    random = np.random.default_rng(0)
    sizes = {"init": 2.0, "order": 1.0}
    covered = dict.fromkeys(sizes, 0)
    estimates: dict[str, list[float]] = {name: [] for name in sizes}
    tables = 1000
    for _ in range(tables):
        for name, size in sizes.items():
            others = random.normal(size=(3, 1)) * 5  # what is fixed differs between the bases
            part = variance_part((others + size * random.normal(size=(3, 8))).tolist())
            assert part is not None
            assert part.interval is not None
            low, high = part.interval
            covered[name] += low <= size**2 <= high
            estimates[name].append(part.variance)
    for name, size in sizes.items():
        assert np.mean(estimates[name]) == pytest.approx(size**2, rel=0.03)
        # Three standard errors of 95 % over 1,000 tables are 2.1 points.
        assert covered[name] / tables == pytest.approx(0.95, abs=0.021)
