"""Tests over the rows of one test set, of models as they were trained."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import special

from research.statistics.comparisons import (
    Claim,
    Comparisons,
    Null,
    compare,
    consistent,
    observed_t,
    standard_error,
    statistic,
)
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA
from research.statistics.p_values import holm_adjusted


@dataclasses.dataclass(frozen=True, eq=False)
class Resamples(Null):
    """On new rows: rows that are drawn with replacement, all columns together.

    A draw is |mean of the resample - mean| over the resample's standard error (bootstrap-t), so
    that the interval of a mean is as wide as its test requires.

    Reference: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 12 and 16.
    """

    count: int = 5_000
    claim: Claim = "new"

    def can_conclude(self, n: int) -> bool:
        """Whether rows show a standard deviation."""
        return n > 1

    def error(self, sums: Floats, squares: Floats, n: Floats) -> Floats:
        """s / sqrt(n).

        Args:
            sums: sums of the rows' differences [..., m].
            squares: sums of their squares [..., m].
            n: number of rows [..., m].
        """
        return standard_error(sums, squares, n)

    def draws(self, differences: Floats, size: int) -> Iterator[Floats]:
        """|t| [f, m] of resamples of differences [r, m], about their mean."""
        r, m = differences.shape
        n = np.full(m, float(r))
        about = differences - differences.mean(0)
        random = np.random.default_rng(0)
        yield observed_t(differences, self)[None]
        step = max(1, size // r)
        for start in range(0, self.count, step):
            count = min(step, self.count - start)
            drawn = random.integers(0, r, (count, r))
            drawn += r * np.arange(count)[:, None]
            # How often each row is drawn [count, r].
            times = np.bincount(drawn.ravel(), minlength=count * r).reshape(count, r).astype(float)
            yield statistic(self, times @ about, times @ about**2, n)


@dataclasses.dataclass(frozen=True, eq=False)
class RowBootstrap(Null):
    """On new rows, for the models as they were trained: a paired bootstrap over the test rows.

    Each row has the mean over the seeds of its difference. The intervals of the table's means stay
    over seeds, so that a reader sees both sources of variance.

    scores: [s, r, m] of s seeds and r test rows, such as right or wrong. there: which seeds each
    column has, bool [s, m].
    """

    scores: Floats
    there: NDArray[np.bool_]
    claim: Claim = "new"
    over_seeds: bool = False

    def can_conclude(self, n: int) -> bool:
        """Always: one model of each row is enough."""
        return True

    def comparing(self, contrasts: Callable[[], Floats]) -> "RowBootstrap":
        """The same of contrasts [m, k] of the k columns, on the seeds that all of them have."""
        turned = contrasts().T
        lacking = (~self.there).astype(float) @ (turned != 0)
        return dataclasses.replace(self, scores=self.scores @ turned, there=lacking == 0)

    def paired(self, values: Floats) -> tuple[Null, Floats]:
        """Resamples of the rows, and the mean over seeds of each row [r, m]."""
        there = self.there[:, None, :]
        n = np.maximum(there.sum(0), 1)
        return Resamples(), np.where(there, self.scores, 0.0).sum(0) / n


@dataclasses.dataclass(frozen=True, eq=False)
class McNemar(RowBootstrap):
    """McNemar's exact test: of the rows that one of two models has right and the other wrong, each
    is as likely to be either's.

    Of several seeds, p is twice their median p, which no dependence of the seeds makes too small.
    Holm's procedure corrects for the columns. Intervals are those of the paired bootstrap.

    mid: whether the probability of the observed count itself is halved (mid-p), which is less
    conservative.

    References: McNemar, Psychometrika 1947; Fagerland, Lydersen & Laake, BMC Medical Research
    Methodology 2013, for mid-p; Rüschendorf, Advances in Applied Probability 1982, for the median.
    """

    mid: bool = False

    def compared(
        self, differences: Floats, tolerance: Floats | float = 0.0, alpha: float = ALPHA
    ) -> Comparisons:
        """What differences show.

        Args:
            differences: [n, m] of n seeds and m comparisons; the rows' scores are read instead.
            tolerance: as of `compare`.
            alpha: the error that the intervals allow, all together.
        """
        resampled = compare(differences, self, tolerance, alpha)
        p = self.p_values()
        adjusted = holm_adjusted(p)
        width = consistent(resampled.half_width, resampled.mean, adjusted <= alpha)
        return dataclasses.replace(resampled, half_width=width, p=p, adjusted=adjusted)

    def p_values(self) -> Floats:
        """p of each comparison alone [m]; NaN where it has no seed."""
        ours = (self.scores > 0).sum(1)
        theirs = (self.scores < 0).sum(1)
        of_seeds = mcnemar_p(ours, theirs, self.mid)
        # Of each direction the p of one side, so that seeds which disagree do not add up.
        better = np.where(ours > theirs, of_seeds / 2, 1 - of_seeds / 2)
        worse = np.where(ours < theirs, of_seeds / 2, 1 - of_seeds / 2)
        seeds = self.there.sum(0)
        result = np.full(len(seeds), np.nan)
        for column in np.flatnonzero(seeds):
            there = self.there[:, column]
            if seeds[column] == 1:
                (result[column],) = of_seeds[there, column]
                continue
            sides = (2 * np.median(side[there, column]) for side in (better, worse))
            result[column] = min(1.0, 2 * min(sides))
        return result


def mcnemar_p(ours: NDArray[np.int_], theirs: NDArray[np.int_], mid: bool = False) -> Floats:
    """McNemar's two-sided p of discordant rows.

    Args:
        ours: how many rows only one model has right, [...].
        theirs: how many only the other has right, [...].
        mid: whether the probability of the observed count is halved.

    Example:
        >>> mcnemar_p(np.array(5), np.array(1)).item()  # 2 (1 + 6) / 2^6
        0.21875
    """
    total = ours + theirs
    fewer = np.minimum(ours, theirs)
    below = special.bdtr(fewer, total, 0.5)
    if mid:
        before = np.where(fewer > 0, special.bdtr(np.maximum(fewer - 1, 0), total, 0.5), 0.0)
        below = (below + before) / 2
    # Where both have equally many, twice the lower tail counts their own probability twice.
    return np.minimum(2 * below, 1.0)
