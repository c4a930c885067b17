"""Intervals of means where values are bounded or skewed: four ways, all (low, high) [...]."""

import numpy as np
from scipy import special

from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA, t_quantile

RESAMPLES = 999


def student(x: Floats) -> tuple[Floats, Floats]:
    """Student's t interval of values [..., n]."""
    half_width = t_quantile(x.shape[-1] - 1) * _error(x)
    return x.mean(-1) - half_width, x.mean(-1) + half_width


def johnson(x: Floats) -> tuple[Floats, Floats]:
    """The t interval moved against the skewness. Johnson, JASA 1978."""
    n = x.shape[-1]
    mean = x.mean(-1)
    variance = x.var(-1, ddof=1)
    third = ((x - mean[..., None]) ** 3).sum(-1) * n / ((n - 1) * (n - 2))
    shift = np.divide(third, 6 * n * variance, out=np.zeros_like(mean), where=variance > 0)
    low, high = student(x)
    return low + shift, high + shift


def logit(x: Floats) -> tuple[Floats, Floats]:
    """The t interval of a share on the logit scale (delta method), for values between 0 and 1."""
    mean = x.mean(-1)
    slope = mean * (1 - mean)
    centre = special.logit(mean)
    width = np.divide(
        t_quantile(x.shape[-1] - 1) * _error(x), slope, out=np.zeros_like(mean), where=slope > 0
    )
    return special.expit(centre - width), special.expit(centre + width)


def bootstrap_t(x: Floats, resamples: int = RESAMPLES) -> tuple[Floats, Floats]:
    """The interval of the bootstrapped t statistic, with a fixed seed. Efron 1981; Hall 1988."""
    n = x.shape[-1]
    # All columns use the same draws, so that they stay comparable.
    places = np.random.default_rng(0).integers(0, n, (resamples, n))
    drawn = x[..., places]
    error = _error(drawn)
    deviation = drawn.mean(-1) - x.mean(-1)[..., None]
    # A resample of equal values has no spread; its statistic is infinite, as its limit.
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(deviation / error, nan=0.0, posinf=np.inf, neginf=-np.inf)
    low, high = np.quantile(t, [ALPHA / 2, 1 - ALPHA / 2], axis=-1, method="higher")
    return x.mean(-1) - high * _error(x), x.mean(-1) - low * _error(x)


def _error(x: Floats) -> Floats:
    return x.std(-1, ddof=1) / np.sqrt(x.shape[-1])
