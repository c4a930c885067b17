"""Several differences tested together: corrected p, and simultaneous intervals that agree with it.

Every function takes differences [..., n, m]: n seeds, m comparisons, any number of tables before
them. A missing pair is NaN.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA, Interval, t_interval

# What a verdict is about: the same rows with other seeds, or new rows from the same source.
Claim = Literal["rows", "new"]
# Numbers worked on at a time (16 MiB), whatever the number of tables, comparisons and draws. More
# took twice as long for ten thousand rows: fresh large buffers cost more than the arithmetic.
CHUNK = 2**21
# Variances below this share of the mean square are rounding.
ROUNDING = 1e-12


class Null:
    """The joint distribution of the t statistics where nothing differs.

    claim: what its verdicts are about. untested: why nothing is tested; "" where there is a test.
    joint: whether columns with an equal null can be flipped or drawn together. over_seeds: whether
    more seeds, or folds, make the interval of a difference narrower.
    """

    claim: Claim = "rows"
    untested: str = ""
    joint: bool = False
    over_seeds: bool = True

    def can_conclude(self, n: int) -> bool:
        """Whether n pairs can reach ALPHA at all."""
        raise NotImplementedError

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """The standard error [..., m] of means.

        Args:
            sums: sums of the pairs' differences [..., m].
            squares: sums of their squares [..., m].
            n: number of pairs [..., m].
        """
        raise NotImplementedError

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """|t| [..., f, m] of draws of the null distribution, of at most `size` numbers at a time.
        The observed |t| are one of them, so that no p is zero."""
        raise NotImplementedError

    def freedom(self, n: NDArray[np.int_]) -> Floats:
        """The degrees of freedom [..., m] of the statistics of n pairs [..., m]."""
        return np.maximum(n - 1.0, 1.0)

    def comparing(self, contrasts: Callable[[], Floats]) -> "Null":
        """The same of other comparisons: contrasts [..., m, k] of the k present ones. They are made
        only where they are read: of ten thousand rows they take 800 MB."""
        return self

    def paired(self, values: Floats) -> tuple["Null", Floats]:
        """The test and what it pairs: values [..., n, m] of n seeds, unless others are at hand."""
        return self, values

    def compared(
        self, differences: Floats, tolerance: Floats | float = 0.0, alpha: float = ALPHA
    ) -> "Comparisons":
        """What differences [n, m] show.

        Args:
            differences: n pairs of m comparisons; NaN where a pair is missing.
            tolerance: as of `compare`.
            alpha: the error that the intervals allow, all together.
        """
        return compare(differences, self, tolerance, alpha)

    def interval(self, values: Floats, column: int) -> Interval:
        """The 95 % interval of the mean of one column's values [n]."""
        return t_interval(values)

    def shared(self) -> Floats:
        """The correlation of the pairs, [m] or []: more pairs do not remove its part of the
        variance."""
        return np.zeros(())


@dataclasses.dataclass(frozen=True)
class Comparisons:
    """What m comparisons show, all [..., m]; NaN where a comparison has no pair.

    half_width: of simultaneous 95 % intervals; NaN where so few pairs give none. p: of each
    comparison alone. adjusted: p corrected for all of them.
    """

    mean: Floats
    half_width: Floats
    p: Floats
    adjusted: Floats


def compare(
    differences: ArrayLike, null: Null, tolerance: Floats | float = 0.0, alpha: float = ALPHA
) -> Comparisons:
    """Step-down tests by the maximum of |t|, and single-step intervals from the same draws.

    An interval excludes zero where, and only where, its adjusted p is at most alpha: one that only
    a later step decides is cut off just short of zero.

    Args:
        differences: [..., n, m]; NaN where a pair is missing.
        null: the joint distribution of the statistics where nothing differs.
        tolerance: [..., m] or one number; a sum of differences as small as this is zero.
        alpha: the error that the intervals allow, all together.

    Reference: Westfall & Young, Resampling-Based Multiple Testing, 1993, algorithm 2.8.
    """
    null, differences = null.paired(np.asarray(differences, np.float64))
    scale, d = scaled(differences)
    null = null.comparing(lambda: np.eye(d.shape[-1]) / scale)
    n = np.isfinite(d).sum(-2)
    freedom = null.freedom(n)
    observed = normal_scores(observed_t(d, null, tolerance / scale[..., 0, :]), freedom)
    # Stable, so that tied rows keep their order and the table its bits.
    order = np.argsort(-observed, axis=-1, kind="stable")
    ranked = np.take_along_axis(observed, order, -1)
    alone = np.zeros(observed.shape)
    stepped = np.zeros(observed.shape)
    maxima = []
    for drawn in null.draws(d, CHUNK):
        drawn = normal_scores(drawn, freedom[..., None, :])
        drawn = np.take_along_axis(drawn, order[..., None, :], -1)
        alone += (drawn >= ranked[..., None, :]).sum(-2)
        # Each step's maximum is over the comparisons that no earlier step has decided.
        drawn = np.maximum.accumulate(drawn[..., ::-1], -1)[..., ::-1]
        stepped += (drawn >= ranked[..., None, :]).sum(-2)
        maxima.append(drawn[..., 0])
    largest = np.concatenate(maxima, -1)
    count = largest.shape[-1]
    # Step-down p-values must not fall from one rank to the next.
    adjusted = _unsorted(np.maximum.accumulate(stepped / count, -1), order)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(d, -2) / n
    critical = _of_normal_scores(critical_value(largest, alpha)[..., None], freedom)
    half_width = _half_widths(d, null, critical, mean, adjusted <= alpha)
    return Comparisons(
        mean * scale[..., 0, :],
        half_width * scale[..., 0, :],
        np.where(n > 0, _unsorted(alone / count, order), np.nan),
        np.where(n > 0, adjusted, np.nan),
    )


def scaled(values: ArrayLike) -> tuple[Floats, Floats]:
    """(a scale, the values [..., n, m] in its units), so that no square overflows or vanishes."""
    x = np.asarray(values, np.float64)
    size = np.where(np.isfinite(x), np.abs(x), 0.0).max((-2, -1), keepdims=True, initial=0.0)
    # All zeros need no scale, and must not be divided by 0.
    scale = np.where(size > 0, size, 1.0)
    return scale, x / scale


def critical_value(maxima: Floats, alpha: float = ALPHA) -> Floats:
    """The value [...] that a statistic exceeds where its p is at most alpha. maxima: [..., F]."""
    rank = int(alpha * maxima.shape[-1])
    return np.partition(maxima, -rank - 1, -1)[..., -rank - 1]


def standard_error(sums: Floats, squares: Floats, n: Floats) -> Floats:
    """s / sqrt(n), from sums.

    Args:
        sums: sums of n values [...].
        squares: sums of their squares [...].
        n: number of values [...].
    """
    spread = np.maximum(n * squares - sums**2, ROUNDING * n * squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(spread / (n - 1)) / n


def statistic(null: Null, sums: Floats, squares: Floats, n: Floats) -> Floats:
    """|t| [..., m]; 0 where the sum is 0 or has only one pair.

    Args:
        null: what a standard error is under the null hypothesis.
        sums: sums of the pairs' differences [..., m].
        squares: sums of their squares [..., m].
        n: number of pairs [..., m].
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(sums) / n / null.error(sums, squares, n)
    return np.where((sums == 0) | (n < 2), 0.0, t)


def observed_t(d: Floats, null: Null, tolerance: Floats | float = 0.0) -> Floats:
    """|t| [..., m] of the differences.

    Args:
        d: differences [..., n, m]; NaN is a missing pair.
        null: what a standard error is under the null hypothesis.
        tolerance: sums up to this distance from zero count as zero.
    """
    filled = np.nan_to_num(d)
    # Rounding must not part a sum from its own tie among the draws.
    slack = tolerance + ROUNDING * np.abs(filled).sum(-2)
    sums = np.maximum(np.abs(filled.sum(-2)) - slack, 0.0)
    return statistic(null, sums, (filled**2).sum(-2), np.isfinite(d).sum(-2))


def normal_scores(t: Floats, freedom: Floats) -> Floats:
    """|t| [..., m] with different degrees of freedom [..., m] as |z| of the same p, so that their
    maximum is fair; unchanged where the degrees of freedom are equal."""
    if freedom.size == 0 or freedom.min() == freedom.max():
        return t
    return -special.ndtri(special.stdtr(freedom, -t))


def _of_normal_scores(scores: Floats, freedom: Floats) -> Floats:
    """The inverse of `normal_scores`."""
    if freedom.size == 0 or freedom.min() == freedom.max():
        return scores
    return -special.stdtrit(freedom, special.ndtr(-scores))


def _half_widths(
    d: Floats, null: Null, critical: Floats, mean: Floats, decided: NDArray[np.bool_]
) -> Floats:
    n = np.isfinite(d).sum(-2)
    filled = np.nan_to_num(d)
    with np.errstate(invalid="ignore"):
        width = critical * null.error(filled.sum(-2), (filled**2).sum(-2), n)
    width = consistent(width, mean, decided)
    able = np.vectorize(null.can_conclude, otypes=[bool])(n)
    return np.where(able, width, np.nan)


def consistent(width: Floats, mean: Floats, decided: NDArray[np.bool_]) -> Floats:
    """Half-widths [..., m] that exclude zero where, and only where, the test does: ties, rounding
    and later steps may part them.

    Args:
        width: half-widths [..., m].
        mean: the middles of the intervals [..., m].
        decided: whether the test shows a difference [..., m].
    """
    size = np.abs(mean)
    inside = np.minimum(width, np.nextafter(size, 0))
    return np.where(decided, inside, np.maximum(width, size))


def _unsorted(values: Floats, order: NDArray[np.intp]) -> Floats:
    result = np.empty_like(values)
    np.put_along_axis(result, order, values, -1)
    return result
