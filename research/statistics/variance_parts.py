"""Variance components: the variance that one source of randomness has while the others are
fixed."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import special

from research.statistics.intervals import ALPHA, finite


@dataclasses.dataclass(frozen=True)
class VariancePart:
    """A variance with its 95 % interval, None where there is none.

    n: values behind it. degrees: of freedom, None without an interval.
    """

    variance: float
    interval: tuple[float, float] | None
    n: int
    degrees: int | None


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
    return VariancePart(squares / degrees, (float(low), float(high)), n, degrees)


def bootstrap_part(groups: Sequence[Sequence[float]]) -> VariancePart | None:
    """The variance within groups of bootstrap values, pooled over the groups, as `variance_part`.

    It has no interval. Its draws resample the same rows, so their number says only how precisely
    the bootstrap is computed, and not how far these rows' variance is from that of other rows.
    """
    part = variance_part(groups)
    return part and dataclasses.replace(part, interval=None, degrees=None)
