"""Paired tests by sign flips, their correction, and the rows on a par with the best."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.statistics.intervals import ALPHA, finite

EXACT_UP_TO = 30  # pairs: beyond, the 2^n sign flips are sampled
RESAMPLES = 99_999


def sign_flip_p(differences: ArrayLike, tolerance: float = 0.0) -> float:
    """Two-sided p of the sign-flip permutation test: how often random signs give a sum as far from
    zero.

    Exact over all 2^n flips of the n `differences` up to EXACT_UP_TO, sampled beyond (RESAMPLES
    flips with a fixed seed, p = (1 + hits) / (1 + RESAMPLES)). Sums closer than `tolerance` are
    ties. Fisher, The Design of Experiments, 1935.
    """
    d = finite(differences)
    threshold = abs(d.sum()) - tolerance - 1e-12 * np.abs(d).sum()
    if threshold <= 0:
        return 1.0
    if d.size > EXACT_UP_TO:
        return (1 + _sampled_hits(d, threshold)) / (1 + RESAMPLES)
    # Every sum of n signed terms is a sum of the first half plus one of the second, so sorting one
    # of the halves counts all 2^n sums in 2^(n/2) look-ups. The sums lie symmetrically around zero:
    # count one tail, twice.
    left, right = _signed_sums(d[: d.size // 2]), np.sort(_signed_sums(d[d.size // 2 :]))
    hits = right.size * left.size - int(np.searchsorted(right, threshold - left).sum())
    return float(2 * hits / (right.size * left.size))


def paired_p(a: ArrayLike, b: ArrayLike) -> float:
    """The sign-flip p of `a - b` [n]. Differences as small as the rounding of float32 metrics count
    as ties."""
    a, b = finite(a), finite(b)
    # Each of the 2n values is off by at most 2^-24 of itself, and two sums are compared.
    rounding = a.size * 2.0**-22 * max(np.abs(a).max(), np.abs(b).max())
    return sign_flip_p(a - b, tolerance=rounding)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction over all m entries. None (a row without a test) stays None and
    counts in m.

    The i-th smallest p (from 0) becomes the largest (m - j) p_j over j <= i, at most 1. Holm,
    Scand. J. Stat. 1979.
    """
    m, largest = len(p_values), 0.0
    corrected: list[float | None] = [None] * m
    tested = sorted(
        (p, place) for place, p in enumerate(p_values) if p is not None and not math.isnan(p)
    )
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (m - rank) * p))
        corrected[place] = largest
    return corrected


def can_conclude(n: int, m: int, alpha: float = ALPHA) -> bool:
    """Whether n pairs can reach `alpha` at all in one of m corrected tests: the smallest p is
    2^(1-n)."""
    return m * 2.0 ** (1 - n) <= alpha


def best_group(
    values: Mapping[str, ArrayLike], better: Literal["higher", "lower"], m: int | None = None
) -> frozenset[str]:
    """The rows to set in bold: the best mean and every row on a par with it (paired,
    Holm).

    values: by row, [n] numbers in the order of the same n seeds. m: comparisons corrected for, by
        default all with the best. Empty if there is nothing to compare or if n seeds cannot
        conclude over m rows.
    """
    m = len(values) - 1 if m is None else m
    rows = {label: finite(row) for label, row in values.items()}
    if len(rows) < 2 or not can_conclude(next(iter(rows.values())).size, m):
        return frozenset()
    sign = 1 if better == "higher" else -1
    best = max(rows, key=lambda label: sign * rows[label].mean())
    others = [label for label in rows if label != best]
    untested: list[float | None] = [None] * (m - len(others))
    corrected = holm([paired_p(rows[best], rows[label]) for label in others] + untested)
    worse = {
        label for label, p in zip(others, corrected, strict=False) if p is not None and p <= ALPHA
    }
    return frozenset(rows) - worse


def _signed_sums(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """All 2^k sums of ±d [k]."""
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return sums


def _sampled_hits(d: NDArray[np.float64], threshold: float) -> int:
    signs = np.random.default_rng(0).integers(0, 2, (RESAMPLES, d.size), dtype=np.int8)
    sums = 2 * (signs @ d) - d.sum()
    return int((np.abs(sums) >= threshold).sum())
