"""The rows that cannot be distinguished from the best."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from research.statistics.comparisons import (
    CHUNK,
    Null,
    critical_value,
    normal_scores,
    observed_t,
    scaled,
)
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA

# Numbers that the draws of all pairs may take; beyond, pairs are corrected by Bonferroni.
MOST_DRAWN = 2**23


def best_rows(
    values: ArrayLike, null: Null, higher: bool = True, tolerance: float = 0.0
) -> NDArray[np.bool_]:
    """Which rows [..., k] are the best or cannot be distinguished from it.

    All rows that are tied for best are among them with 95 % confidence; if n seeds cannot conclude,
    no row is. A row leaves if another remaining row is better by more than the critical value of
    all pairs of remaining rows.

    Args:
        values: [..., n, k] of n seeds and k rows.
        null: the joint distribution of the pairs' statistics where nothing differs.
        higher: whether higher values are better.
        tolerance: a sum of differences as small as this is zero.

    References: Hsu, Annals of Statistics 1984, multiple comparisons with the best, here with the
    critical value of all pairs, since Hsu's keeps one of several tied rows and not all of them;
    Hansen, Lunde & Nason, Econometrica 2011, for the steps.
    """
    null, values = null.paired(np.asarray(values, np.float64))
    scale, x = scaled(values)
    x = x if higher else -x
    tolerance = float(tolerance / scale.min())
    n, k = x.shape[-2:]
    if k < 2 or not null.can_conclude(n):
        return np.zeros((*x.shape[:-2], k), bool)
    null = null.comparing(lambda: np.eye(k) / scale)
    if corrected_by_bonferroni(n, k):
        return _by_bonferroni(x, null, tolerance)
    left, right = np.triu_indices(k, 1)
    d = x[..., left] - x[..., right]
    null = null.comparing(lambda: np.eye(k)[left] - np.eye(k)[right])
    freedom = null.freedom(np.full(d.shape[-1], n))
    t = normal_scores(observed_t(d, null, tolerance), freedom)
    left_wins = d.sum(-2) > 0
    remaining = np.ones((*x.shape[:-2], k), bool)
    while True:
        paired = remaining[..., left] & remaining[..., right]
        scores = (normal_scores(drawn, freedom[..., None, :]) for drawn in null.draws(d, CHUNK))
        maxima = [np.where(paired[..., None, :], drawn, 0).max(-1) for drawn in scores]
        critical = critical_value(np.concatenate(maxima, -1))[..., None]
        beaten = paired & (t > critical)
        lost = np.zeros_like(remaining)
        for row in range(k):
            lost[..., row] = (beaten & (left == row) & ~left_wins).any(-1)
            lost[..., row] |= (beaten & (right == row) & left_wins).any(-1)
        if not lost.any():
            return remaining
        remaining &= ~lost


def corrected_by_bonferroni(n: int, k: int) -> bool:
    """Whether k rows of n seeds have too many pairs for their joint distribution."""
    return k * (k - 1) // 2 * 2 ** min(max(n - 1, 12), 14) > MOST_DRAWN


def _by_bonferroni(x: Floats, null: Null, tolerance: float) -> NDArray[np.bool_]:
    n, k = x.shape[-2:]
    best = x.mean(-2).argmax(-1)
    d = np.take_along_axis(x, best[..., None, None], -1) - x
    null = null.comparing(lambda: np.eye(k)[best][..., None, :] - np.eye(k))
    freedom = null.freedom(np.full(d.shape[-1], n))
    critical = special.stdtrit(freedom, 1 - ALPHA / (k * (k - 1)))
    return observed_t(d, null, tolerance) <= critical
