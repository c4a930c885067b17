"""The 5x2 cv F test: two folds, divided five times."""

import dataclasses

import numpy as np
from scipy import special

from research.statistics.comparisons import ROUNDING, Comparisons
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA
from research.statistics.nulls import SharedFolds
from research.statistics.p_values import holm_adjusted

REPEATS = 5


@dataclasses.dataclass(frozen=True)
class TwoFold(SharedFolds):
    """On new rows, from five repeats of two folds: the combined 5x2 cv F test.

    F is the sum of all ten squared differences over twice the sum of the five variances within a
    repeat, with 10 and 5 degrees of freedom; there is no F where these variances are 0. It gives no
    interval of a difference. Holm's procedure corrects for the rows of the table.

    Reference: Alpaydin, Combined 5x2 cv F Test for Comparing Supervised Classification Learning
    Algorithms, Neural Computation 1999.
    """

    overlap: float = 0.5
    joint: bool = False

    def compared(
        self, differences: Floats, tolerance: Floats | float = 0.0, alpha: float = ALPHA
    ) -> Comparisons:
        """What differences show.

        Args:
            differences: [10, m], the two folds of a repeat one after the other.
            tolerance: not used.
            alpha: not used: there are no intervals.
        """
        p = five_by_two_p(differences)
        mean = differences.mean(0)
        return Comparisons(mean, np.full(mean.shape, np.nan), p, holm_adjusted(p))


def five_by_two_p(differences: Floats) -> Floats:
    """p [m] of the 5x2 cv F test; 1 where nothing differs. NaN where a fold is missing, and where
    the folds of every repeat agree: their variance is then 0 by chance, which shows nothing.

    Args:
        differences: [10, m], the two folds of a repeat one after the other.
    """
    folds = differences.reshape(REPEATS, 2, -1)
    within = ((folds - folds.mean(1, keepdims=True)) ** 2).sum((0, 1))
    squares = (folds**2).sum((0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        f = squares / (2 * within)
    p = special.fdtrc(2 * REPEATS, REPEATS, f)
    # Rounding must not make a variance of what is equal.
    p = np.where(within > ROUNDING * squares, p, np.nan)
    return np.where(squares == 0, 1.0, p)
