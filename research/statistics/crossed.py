"""A fixed test set: seeds and test rows as crossed random effects."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

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
    by the moments of the two-way table; its degrees of freedom are Satterthwaite's. A mean has the
    moments of all its seeds, and a difference those of the seeds that both of its columns have.

    there: which seeds each column has, bool [..., s, m]. r: number of rows. seeds, rows, rest: mean
    squares and products [..., m, m] of the columns' two-way tables. together: the same from the
    seeds that all columns have, for contrasts of more than two; None where all have all.

    Reference: Searle, Casella & McCulloch, Variance Components, 1992, chapter 4.
    """

    there: NDArray[np.bool_]
    r: int
    seeds: Floats
    rows: Floats
    rest: Floats
    together: "CrossedRows | None" = None
    count: int = 5_000
    claim: Claim = "new"

    @property
    def n(self) -> NDArray[np.int_]:
        """Number of seeds [..., m] behind the moments of each column."""
        return self.there.sum(-2)

    def can_conclude(self, n: int) -> bool:
        """Whether there is a standard deviation."""
        return n > 1

    def comparing(self, contrasts: Callable[[], Floats]) -> "CrossedRows":
        """The same of contrasts [..., m, k] of the k columns."""
        return self._turned(contrasts())

    def _turned(self, contrasts: Floats) -> "CrossedRows":
        together = self.together and self.together._turned(contrasts)
        if together and (np.count_nonzero(contrasts, -1) > 2).any():
            return together
        turned = np.swapaxes(contrasts, -1, -2)
        products = (self.seeds, self.rows, self.rest)
        seeds, rows, rest = (contrasts @ product @ turned for product in products)
        # A contrast has the seeds that all of its columns have.
        lacking = (~self.there).astype(float) @ (turned != 0)
        return CrossedRows(lacking == 0, self.r, seeds, rows, rest, together, self.count)

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """The standard error [..., m] of means over n seeds and all rows.

        Args:
            sums: not used: the two-way table has the variance.
            squares: not used.
            n: number of pairs [..., m].
        """
        seeds, rows, rest = self._squares()
        known = np.maximum(self.n, 1)
        within = np.maximum(rows - rest, 0) / known
        # The moments' estimate can fall below what either factor alone shows; it is not let to.
        return np.sqrt(np.maximum(seeds / np.maximum(n, 1) + within, rows / known) / self.r)

    def freedom(self, n: NDArray[np.int_]) -> Floats:
        """Satterthwaite's degrees of freedom [..., m]; at least 1, below which the quantile
        explodes."""
        seeds, rows, rest = self._squares()
        total = np.maximum.reduce([seeds + rows - rest, seeds, rows])
        known = np.maximum(self.n - 1, 1)
        parts = seeds**2 / known + rows**2 / (self.r - 1)
        parts = parts + rest**2 / (known * (self.r - 1))
        return np.maximum(np.divide(total**2, parts, out=np.ones_like(total), where=parts > 0), 1.0)

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """Normal means with the correlations of the columns, over errors of their degrees of
        freedom."""
        m = differences.shape[-1]
        freedom = self.freedom(self.n)
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
        chosen = self._turned(np.eye(self.seeds.shape[-1])[[column]])
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
        of_rows = np.maximum(rows - rest, 0) / np.maximum(self.n, 1)
        total = of_rows + seeds
        share = np.divide(of_rows, total, out=np.zeros_like(total), where=total > 0)
        # Where seeds change nothing, no number of them helps.
        return np.minimum(share, 1 - ROUNDING)

    def of_rows(self) -> Floats:
        """The part [..., m] of the variance of the mean that no number of seeds removes; NaN where
        fewer than two seeds show it."""
        share = self.shared()
        part = share / (share + (1 - share) / np.maximum(self.n, 1))
        return np.where(self.n > 1, part, np.nan)

    def _squares(self) -> list[Floats]:
        products = (self.seeds, self.rows, self.rest)
        return [np.diagonal(product, axis1=-2, axis2=-1) for product in products]


def crossed(scores: ArrayLike, there: NDArray[np.bool_] | None = None) -> CrossedRows:
    """The analysis of scores of s seeds on the same r test rows, such as right or wrong.

    Args:
        scores: [..., s, r, m] in m columns; those of a seed that a column lacks are not read.
        there: which seeds each column has, [s, m]; None: all.
    """
    x = np.asarray(scores, np.float64)
    s, r, m = x.shape[-3:]
    if there is None or there.all():
        return CrossedRows(np.ones((s, m), bool), r, *_mean_products(x))
    common = there.all(-1)
    together = crossed(x[..., common, :, :]) if common.sum() > 1 else None
    return CrossedRows(there, r, *_of_pairs(x, there), together=together)


def _of_pairs(x: Floats, there: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Mean squares and products such that each column has the square of its seeds, and each
    difference of two columns the square of the seeds that both have.

    With squares S of the columns and the square D of a difference, the product is (S + S - D) / 2.
    A square of fewer than two seeds is 0.
    """
    m = x.shape[-1]
    squares = [np.zeros((*x.shape[:-3], m)) for _ in range(3)]
    for column in range(m):
        alone = x[..., there[:, column], :, column : column + 1]
        if alone.shape[-3] > 1:
            for square, product in zip(squares, _mean_products(alone), strict=True):
                square[..., column] = product[..., 0, 0]
    products = [(square[..., :, None] + square[..., None, :]) / 2 for square in squares]
    by_seeds: dict[bytes, list[tuple[int, int]]] = {}
    for i, j in itertools.combinations(range(m), 2):
        by_seeds.setdefault((there[:, i] & there[:, j]).tobytes(), []).append((i, j))
    for pattern, pairs in by_seeds.items():
        common = np.frombuffer(pattern, bool)
        if common.sum() < 2:
            continue
        columns = sorted({column for pair in pairs for column in pair})
        places = {column: place for place, column in enumerate(columns)}
        # Seeds first, then columns: numpy would move the axes of two advanced indices.
        shared = _mean_products(x[..., common, :, :][..., columns])
        for product, of_common in zip(products, shared, strict=True):
            for i, j in pairs:
                left, right = places[i], places[j]
                mean_square = (of_common[..., left, left] + of_common[..., right, right]) / 2
                product[..., i, j] += of_common[..., left, right] - mean_square
                product[..., j, i] = product[..., i, j]
    seeds, rows, rest = products
    return seeds, rows, rest


def _mean_products(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean squares and products [..., m, m] of seeds, rows and the rest, of scores
    [..., n, r, m]."""
    n, r = x.shape[-3:-1]
    mean = x.mean((-3, -2), keepdims=True)
    of_seeds = x.mean(-2, keepdims=True) - mean
    of_rows = x.mean(-3, keepdims=True) - mean
    rest = x - mean - of_seeds - of_rows
    flat = rest.reshape(*rest.shape[:-3], n * r, rest.shape[-1])
    return (
        r * _products(of_seeds[..., 0, :]) / (n - 1),
        n * _products(of_rows[..., 0, :, :]) / (r - 1),
        _products(flat) / ((n - 1) * (r - 1)),
    )


def _products(x: Floats) -> Floats:
    """Sums of products [..., m, m] of values [..., n, m]."""
    return np.swapaxes(x, -1, -2) @ x


def _factor(covariance: Floats) -> Floats:
    """[..., m, m]: independent normal values become correlated ones of variance 1 by it."""
    deviation = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0))
    both = deviation[..., :, None] * deviation[..., None, :]
    correlation = np.divide(covariance, both, out=np.zeros_like(covariance), where=both > 0)
    values, vectors = np.linalg.eigh(correlation)
    # An eigenvalue below 0 comes from rounding, or from pairs that do not share the same seeds.
    factor = vectors * np.sqrt(np.maximum(values, 0))[..., None, :]
    length = np.linalg.norm(factor, axis=-1, keepdims=True)
    # Without it, the eigenvalues that were raised to 0 would leave variances above 1.
    return np.divide(factor, length, out=np.zeros_like(factor), where=length > 0)
