"""Values over seeds for which a t-interval covers their mean less often than it says."""

import numpy as np
from numpy.typing import NDArray

from research.statistics.floats import Floats

# A collapsed run lies this many robust standard deviations from the median of its row: of normal
# values, and of t with 3 degrees of freedom, fewer than one row in a hundred has such a run.
FAR = 20
# The standard deviation of normal values in units of their median absolute deviation.
NORMAL_SPREAD = 1.4826
# Normal values have a skewness beyond three of its standard errors in about one row in two hundred.
STANDARD_ERRORS = 3
# In large samples, the skewness below which coverage is within two points of 95 %.
LEAST_SKEWNESS = 1.5


def collapsed(x: Floats) -> NDArray[np.bool_]:
    """Which values [..., n] lie far from the others; none where half of them are equal."""
    distance = np.abs(x - np.median(x, -1, keepdims=True))
    spread = NORMAL_SPREAD * np.median(distance, -1, keepdims=True)
    return (spread > 0) & (distance > FAR * spread)


def strongly_skewed(x: Floats) -> NDArray[np.bool_]:
    """Whether [...] values [..., n] are more skewed than chance makes normal values."""
    n = x.shape[-1]
    if n < 3:
        return np.zeros(x.shape[:-1], bool)
    error = np.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    return np.abs(skewness(x)) > max(LEAST_SKEWNESS, STANDARD_ERRORS * error)


def skewness(x: Floats) -> Floats:
    """The bias-corrected skewness [...] of values [..., n], n at least 3; 0 where all are equal.

    Reference: Joanes & Gill, The Statistician 1998, G1.
    """
    n = x.shape[-1]
    deviation = x - x.mean(-1, keepdims=True)
    variance = (deviation**2).mean(-1)
    third = (deviation**3).mean(-1)
    ratio = np.divide(third, variance**1.5, out=np.zeros_like(third), where=variance > 0)
    return ratio * np.sqrt(n * (n - 1)) / (n - 2)
