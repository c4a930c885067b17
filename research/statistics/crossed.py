"""A fixed test set: seeds and test rows as crossed random effects."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from research.statistics.comparisons import ROUNDING, Claim, Null, observed_t
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA, Interval


@dataclasses.dataclass(frozen=True)
class CrossedRows(Null):
    """On new rows, from scores of the same test rows by every seed; training rows stay.

    The variance of a mean over n seeds and r rows is seeds/n + rows/r + interaction/(nr), estimated
    by the moments of the two-way table; its degrees of freedom are Satterthwaite's.

    seeds, rows, rest: mean squares and products [..., m, m] of the columns' two-way tables.

    Reference: Searle, Casella & McCulloch, Variance Components, 1992, chapter 4.
    """

    n: int
    r: int
    seeds: Floats
    rows: Floats
    rest: Floats
    count: int = 5_000
    claim: Claim = "new"

    def can_conclude(self, n: int) -> bool:
        """Whether there is a standard deviation."""
        return n > 1

    def comparing(self, contrasts: Floats) -> "CrossedRows":
        """The same of contrasts [..., m, k] of the k columns."""
        turned = np.swapaxes(contrasts, -1, -2)
        products = (self.seeds, self.rows, self.rest)
        seeds, rows, rest = (contrasts @ product @ turned for product in products)
        return dataclasses.replace(self, seeds=seeds, rows=rows, rest=rest)

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """The standard error [..., m] of means over n seeds and all rows.

        Args:
            sums: not used: the two-way table has the variance.
            squares: not used.
            n: number of pairs [..., m], where some are missing fewer than `self.n`.
        """
        seeds, rows, rest = self._squares()
        within = np.maximum(rows - rest, 0) / self.n
        # The moments' estimate can fall below what either factor alone shows; it is not let to.
        return np.sqrt(np.maximum(seeds / np.maximum(n, 1) + within, rows / self.n) / self.r)

    def freedom(self, n: NDArray[np.int_]) -> Floats:
        """Satterthwaite's degrees of freedom [..., m]; at least 1, below which the quantile
        explodes."""
        seeds, rows, rest = self._squares()
        total = np.maximum.reduce([seeds + rows - rest, seeds, rows])
        parts = seeds**2 / (self.n - 1) + rows**2 / (self.r - 1)
        parts = parts + rest**2 / ((self.n - 1) * (self.r - 1))
        return np.maximum(np.divide(total**2, parts, out=np.ones_like(total), where=parts > 0), 1.0)

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """Normal means with the correlations of the columns, over errors of their degrees of
        freedom."""
        m = differences.shape[-1]
        freedom = self.freedom(np.full(m, self.n))
        factor = _factor(self.seeds + self.rows)
        random = np.random.default_rng(0)
        yield observed_t(differences, self)[..., None, :]
        shape = freedom.shape[:-1]
        step = max(1, size // max(1, freedom.size))
        for start in range(0, self.count, step):
            count = min(step, self.count - start)
            normal = random.standard_normal((*shape, count, m)) @ np.swapaxes(factor, -1, -2)
            drawn = random.chisquare(freedom[..., None, :], (*shape, count, m))
            yield np.abs(normal) / np.sqrt(drawn / freedom[..., None, :])

    def interval(self, values: Floats, column: int) -> Interval:
        """The 95 % interval of the mean of one column's values [n]."""
        chosen = self.comparing(np.eye(self.seeds.shape[-1])[[column]])
        n = len(values)
        if n < 2:
            return Interval(float(values[0]), None, n)
        error = chosen.error(np.zeros(1), np.zeros(1), np.full(1, n))
        quantile = special.stdtrit(chosen.freedom(np.full(1, n)), 1 - ALPHA / 2)
        return Interval(float(np.mean(values)), float((quantile * error)[0]), n)

    def shared(self) -> Floats:
        """The part [..., m] of a pair's variance that is of the rows, and so the same in all
        pairs."""
        seeds, rows, rest = self._squares()
        of_rows = np.maximum(rows - rest, 0) / self.n
        total = of_rows + seeds
        share = np.divide(of_rows, total, out=np.zeros_like(total), where=total > 0)
        # Where seeds change nothing, no number of them helps.
        return np.minimum(share, 1 - ROUNDING)

    def of_rows(self) -> Floats:
        """The part [..., m] of the variance of the mean that no number of seeds removes."""
        share = self.shared()
        return share / (share + (1 - share) / self.n)

    def _squares(self) -> list[Floats]:
        products = (self.seeds, self.rows, self.rest)
        return [np.diagonal(product, axis1=-2, axis2=-1) for product in products]


def crossed(scores: ArrayLike) -> CrossedRows:
    """The analysis of scores [..., n, r, m] of n seeds on the same r test rows, such as right or
    wrong, in m columns."""
    x = np.asarray(scores, np.float64)
    n, r = x.shape[-3:-1]
    mean = x.mean((-3, -2), keepdims=True)
    of_seeds = x.mean(-2, keepdims=True) - mean
    of_rows = x.mean(-3, keepdims=True) - mean
    rest = x - mean - of_seeds - of_rows
    flat = rest.reshape(*rest.shape[:-3], n * r, rest.shape[-1])
    return CrossedRows(
        n,
        r,
        r * _products(of_seeds[..., 0, :]) / (n - 1),
        n * _products(of_rows[..., 0, :, :]) / (r - 1),
        _products(flat) / ((n - 1) * (r - 1)),
    )


def _products(x: Floats) -> Floats:
    """Sums of products [..., m, m] of values [..., n, m]."""
    return np.swapaxes(x, -1, -2) @ x


def _factor(covariance: Floats) -> Floats:
    """[..., m, m]: independent normal values become correlated ones of variance 1 by it."""
    deviation = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    both = deviation[..., :, None] * deviation[..., None, :]
    correlation = np.divide(covariance, both, out=np.zeros_like(covariance), where=both > 0)
    values, vectors = np.linalg.eigh(correlation)
    # Rounding can make an eigenvalue of zero negative.
    return vectors * np.sqrt(np.maximum(values, 0))[..., None, :]
