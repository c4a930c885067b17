"""What differences would look like if nothing differed: on the same rows, and on new rows."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import special

from research.statistics.comparisons import (
    Claim,
    Floats,
    Null,
    observed_t,
    standard_error,
    statistic,
)
from research.statistics.intervals import ALPHA, Interval, t_interval

# Up to so many seeds every sign flip is counted; beyond, DRAWS are drawn with a fixed seed.
EXACT_UP_TO = 14
DRAWS = 20_000
# Normal values that are drawn for one table, a few seconds of work. Larger tables get fewer draws,
# which keep the error, since the observed values are one of them.
MOST_NORMALS = 10**8
LEAST_DRAWS = 1_000


@dataclasses.dataclass(frozen=True)
class SignFlips(Null):
    """On the same rows with other seeds: the differences of a seed change their sign together.

    Assumes that differences are symmetric around zero where nothing differs.
    Reference: Fisher, The Design of Experiments, 1935.
    """

    count: int = DRAWS
    joint: bool = True

    def can_conclude(self, n: int) -> bool:
        """Whether the smallest p, 2^(1-n), is at most ALPHA."""
        return 2.0 ** (1 - n) <= ALPHA

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """s / sqrt(n), moderated where the comparisons vary alike.

        A moderated variance is the average of the comparison's variance and the mean variance of
        all comparisons, which is estimated from more values. The test stays exact: no flip changes
        the sums of squares, which decide whether the comparisons vary alike.

        Args:
            sums: sums of the pairs' differences [..., m].
            squares: sums of their squares [..., m].
            n: number of pairs [..., m].

        Reference: Smyth, Stat. Appl. Genet. Mol. Biol. 2004 (moderated t).
        """
        error = standard_error(sums, squares, n)
        alike = _vary_alike(squares, n)
        if not alike.any():
            return error
        variance = error**2
        shared = (variance + variance.mean(-1, keepdims=True)) / 2
        return np.sqrt(np.where(alike & (variance > 0), shared, variance))

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """|t| [..., f, m] of all flips, the observed signs first."""
        filled = np.nan_to_num(differences)
        n = np.isfinite(differences).sum(-2)[..., None, :]
        squares = (filled**2).sum(-2)[..., None, :]
        signs = self.signs(differences.shape[-2])
        step = max(1, size // max(1, squares.size))
        for start in range(0, len(signs), step):
            yield statistic(self, signs[start : start + step] @ filled, squares, n)

    def signs(self, n: int) -> Floats:
        """[F, n]: every pattern that is not the opposite of another, or drawn ones. The first is
        all plus, as observed."""
        if n <= EXACT_UP_TO:
            # |t| is the same for a pattern and its opposite, so the first sign stays.
            rest = itertools.product((1.0, -1.0), repeat=n - 1)
            return np.array([(1.0, *signs) for signs in rest])
        signs = np.random.default_rng(0).choice((1.0, -1.0), (self.count, n))
        signs[0] = 1
        return signs


@dataclasses.dataclass(frozen=True)
class SharedRows(Null):
    """On new rows of the same source, from seeds that each split the same rows.

    Splits share rows, so their values are correlated by `overlap`, and the variance of a mean of n
    is (1/n + overlap / (1 - overlap)) s². The statistics are a multivariate t with n - 1 degrees of
    freedom and the correlations of the differences themselves.

    Reference: Nadeau & Bengio, Inference for the Generalization Error, Machine Learning 2003.
    """

    overlap: float
    count: int = 5_000
    claim: Claim = "new"
    joint: bool = True

    def can_conclude(self, n: int) -> bool:
        """Whether there is a standard deviation."""
        return n > 1

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """s / sqrt(n), widened for the rows that the splits share.

        Args:
            sums: sums of the pairs' differences [..., m].
            squares: sums of their squares [..., m].
            n: number of pairs [..., m].
        """
        widening = np.sqrt(1 + n * self.overlap / (1 - self.overlap))
        return standard_error(sums, squares, n) * widening

    def interval(self, values: Floats, column: int) -> Interval:
        """The 95 % interval of the mean of values [n], with the widened error."""
        return t_interval(values, self.overlap)

    def shared(self) -> Floats:
        """The correlation of the splits, []."""
        return np.asarray(self.overlap)

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """Each draw is n seeds of normal values with the correlations of the differences.

        Correlations that few seeds estimate are too far from zero by chance, and the maximum of
        |t| then too small, so they are shrunk.
        """
        n, m = differences.shape[-2:]
        there = np.isfinite(differences)
        pairs = there.sum(-2, keepdims=True)
        # A row without pairs has a mean of 0 and no residuals.
        mean = np.nan_to_num(differences).sum(-2, keepdims=True) / np.maximum(pairs, 1)
        residuals = np.where(there, differences - mean, 0.0)
        length = np.sqrt((residuals**2).sum(-2, keepdims=True))
        unit = np.divide(residuals, length, out=np.zeros_like(residuals), where=length > 0)
        shrinkage = _shrinkage(unit)[..., None, None, None]
        # More seeds than comparisons: a triangle [m, m] has the products of the n residuals.
        factor = unit if n <= m else np.asarray(np.linalg.qr(unit, mode="r"))
        k = factor.shape[-2]
        shared = np.sqrt(1 - shrinkage[..., 0]) * factor
        # Draws need no more digits than float32 has, and take half the time.
        shared = shared.astype(np.float32)
        own_share = np.sqrt(shrinkage).astype(np.float32)
        random = np.random.default_rng(0)
        total = min(self.count, max(LEAST_DRAWS, MOST_NORMALS // max(1, n * m)))
        step = max(1, size // max(1, differences.size))
        apart = SharedRows(0.0)
        yield observed_t(differences, self)[..., None, :]
        for start in range(0, total, step):
            count = min(step, total - start)
            values = random.standard_normal((count, n, m), np.float32)
            # Comparisons without correlations, as a single one, have the same draws in all tables.
            if (shrinkage < 1).any():
                # One product of contiguous matrices: a product per draw took most of the time.
                common = random.standard_normal((count * n, k), np.float32) @ shared
                values = own_share * values + common.reshape(*common.shape[:-2], count, n, m)
            if not there.all():
                # A pair that is missing is missing in every draw.
                values = np.where(there[..., None, :, :], values, 0.0)
            squares = np.einsum("...nm,...nm->...m", values, values)
            yield statistic(apart, values.sum(-2), squares, pairs)


def _vary_alike(squares: Floats, n: Floats) -> NDArray[np.bool_]:
    """Whether [..., 1] three or more comparisons of equally many pairs vary alike: their log mean
    squares spread at most twice as far as chance spreads those of equal variances."""
    if squares.shape[-1] < 3:
        return np.zeros((*squares.shape[:-1], 1), bool)
    # Differences that are all 0 have a log of -inf, and are then not alike.
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.log(squares / n).var(-1, ddof=1, keepdims=True)
        alike = spread <= 2 * special.polygamma(1, n.min(-1, keepdims=True) / 2)
    return alike & (n.min(-1, keepdims=True) == n.max(-1, keepdims=True))


def _shrinkage(unit: Floats) -> Floats:
    """How far towards zero [...] the correlations of unit residuals [..., n, m] are shrunk.

    Reference: Schäfer & Strimmer, Stat. Appl. Genet. Mol. Biol. 2005, target D.
    """
    n, m = unit.shape[-2:]
    gram = np.swapaxes(unit, -1, -2) @ unit if m <= n else unit @ np.swapaxes(unit, -1, -2)
    # The sum of squares of all correlations is the same for both products.
    squares = np.maximum((gram**2).sum((-2, -1)) - (unit**2).sum((-2, -1)), 0.0)
    pairs = m * (m - 1)
    # A correlation of zero has the variance 1/(n-1), and r the variance (1-r²)²/(n-1).
    noise = np.maximum(pairs - 2 * squares, 0.0) / max(n - 1, 1)
    return np.clip(np.divide(noise, squares, out=np.ones_like(squares), where=squares > 0), 0, 1)


@dataclasses.dataclass(frozen=True)
class SharedFolds(SharedRows):
    """On new rows of the same source, from the folds of one seed.

    The folds share training rows, and `overlap` is the share of a fold's rows that test, so that
    the variance of the mean of n folds is (1/n + test rows / training rows) s². The test of a
    difference is the corrected repeated k-fold t-test.

    Reference: Bouckaert & Frank, Evaluating the Replicability of Significance Tests for Comparing
    Learning Algorithms, PAKDD 2004.
    """


@dataclasses.dataclass(frozen=True)
class Untested(Null):
    """Values that do not show how others would vary: means and differences have no interval, and
    nothing is tested."""

    untested: str

    def can_conclude(self, n: int) -> bool:
        """Never."""
        return False

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """Infinite, since nothing is known of it.

        Args:
            sums: sums of the pairs' differences [..., m].
            squares: sums of their squares [..., m].
            n: number of pairs [..., m].
        """
        return np.full(np.shape(sums), np.inf)

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """The observed |t| alone, all 0."""
        yield observed_t(differences, self)[..., None, :]

    def interval(self, values: Floats, column: int) -> Interval:
        """The mean of values [n] alone."""
        return Interval(float(values.mean()), None, values.size)
