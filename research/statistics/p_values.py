"""Corrections of p-values whose joint distribution is not known."""

import numpy as np

from research.statistics.floats import Floats


def holm_adjusted(p: Floats) -> Floats:
    """Holm's step-down correction of p-values [m]; NaN stays, and is not counted.

    Example:
        >>> holm_adjusted(np.array([0.01, 0.04, 0.03, 0.005])).tolist()
        [0.03, 0.06, 0.06, 0.02]

    Reference: Holm, Scandinavian Journal of Statistics 1979.
    """
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.isfinite(p).sum()]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
