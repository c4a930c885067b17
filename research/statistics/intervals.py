"""Intervals of means over seeds."""

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05


@dataclasses.dataclass(frozen=True)
class Interval:
    """`mean` ± `half_width` over `n` values; one value has no half-width (None)."""

    mean: float
    half_width: float | None
    n: int


def t_interval(values: ArrayLike, overlap: float = 0.0) -> Interval:
    """The 95 % interval of Student's t for the mean of `values` [n].

    Args:
        values: [n].
        overlap: the correlation of the values, where they share rows: the variance of their mean is
            (1/n + overlap / (1 - overlap)) s² (Nadeau & Bengio, Machine Learning 2003).

    Raises:
        ValueError: if n = 0 or not all are finite.
    """
    x = finite(values)
    n = x.size
    if n == 1:
        return Interval(float(x[0]), None, 1)
    error = x.std(ddof=1) * math.sqrt(1 / n + overlap / (1 - overlap))
    return Interval(float(x.mean()), float(t_quantile(n - 1) * error), n)


@functools.cache
def t_quantile(degrees: int) -> float:
    """The half-width of the 95 % interval of Student's t with so many degrees of freedom, in
    standard errors."""
    # A process that only trains must not wait half a second for this import.
    from scipy import special

    return float(special.stdtrit(degrees, 1 - ALPHA / 2))


def paired_difference(a: ArrayLike, b: ArrayLike) -> Interval:
    """The 95 % t-interval of the mean of `a - b`; a[i] and b[i] [n] share a seed."""
    return t_interval(finite(a) - finite(b))


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """The values [n] as float64. ValueError if n = 0 or not all are finite."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"expected a list of one or more finite numbers, got {array.tolist()}")
    return array
