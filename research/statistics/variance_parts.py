"""Variance components: the variance that one source of randomness has while the others are
fixed."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import special

from research.statistics.intervals import ALPHA, finite


@dataclasses.dataclass(frozen=True)
class VariancePart:
    """A variance with the ends of its 95 % interval. n: values behind it. degrees: of freedom."""

    variance: float
    low: float
    high: float
    n: int
    degrees: int


def variance_part(groups: Sequence[Sequence[float]]) -> VariancePart | None:
    """The variance within groups of values, pooled over the groups.

    In each group one source is redrawn while all others have the group's own values, so that the
    mean of the groups' variances estimates the component of that source and its interactions. The
    interval is that of normal values: degrees · s² / variance is chi-squared.

    Args:
        groups: the values of each group; one with fewer than two says nothing.

    Returns:
        The component; None where no group has two values.

    Reference: Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys
    2021.
    """
    arrays = [finite(values) for values in groups if len(values) > 1]
    if not arrays:
        return None
    degrees = sum(len(values) - 1 for values in arrays)
    squares = sum(float(np.sum((values - values.mean()) ** 2)) for values in arrays)
    # chdtri takes the probability of the upper tail.
    low = squares / special.chdtri(degrees, ALPHA / 2)
    high = squares / special.chdtri(degrees, 1 - ALPHA / 2)
    n = sum(map(len, arrays))
    return VariancePart(squares / degrees, float(low), float(high), n, degrees)
