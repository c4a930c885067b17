"""A fixed test set: seeds and test rows as crossed random effects."""

import dataclasses

import numpy as np
from scipy import special

from research.statistics.comparisons import Floats
from research.statistics.intervals import ALPHA


@dataclasses.dataclass(frozen=True)
class Crossed:
    """The mean of scores over seeds and rows, all [...].

    seeds, rows, interaction: variance components of one score. half_width: of the 95 % interval for
    new seeds and new rows, of models that are trained on the same training rows.
    """

    mean: Floats
    half_width: Floats
    seeds: Floats
    rows: Floats
    interaction: Floats

    def rows_limit(self, n: int, r: int) -> np.ndarray:
        """Whether [...] r test rows limit the interval more than n seeds."""
        return self.rows / r > self.seeds / n


def crossed(scores: Floats) -> Crossed:
    """The analysis of scores [..., n, r] of n seeds on the same r test rows, such as right or
    wrong, or of the differences of two arms paired by seed and row.

    The mean's variance is seeds/n + rows/r + interaction/(nr), by the moments of the two-way table;
    its degrees of freedom are Satterthwaite's.

    Reference: Searle, Casella & McCulloch, Variance Components, 1992, chapter 4.
    """
    n, r = scores.shape[-2:]
    mean = scores.mean((-2, -1))
    of_seeds = scores.mean(-1)
    of_rows = scores.mean(-2)
    residual = scores - of_seeds[..., None] - of_rows[..., None, :] + mean[..., None, None]
    square_seeds = r * of_seeds.var(-1, ddof=1)
    square_rows = n * of_rows.var(-1, ddof=1)
    square_rest = (residual**2).sum((-2, -1)) / ((n - 1) * (r - 1))
    # The moments' estimate can fall below what either factor alone shows; it is not let to.
    total = np.maximum.reduce([square_seeds + square_rows - square_rest, square_seeds, square_rows])
    parts = square_seeds**2 / (n - 1) + square_rows**2 / (r - 1)
    parts = parts + square_rest**2 / ((n - 1) * (r - 1))
    freedom = np.divide(total**2, parts, out=np.ones_like(total), where=parts > 0)
    error = np.sqrt(total / (n * r))
    return Crossed(
        mean,
        # Estimated degrees of freedom may fall below 1, where the quantile explodes.
        special.stdtrit(np.maximum(freedom, 1), 1 - ALPHA / 2) * error,
        # A variance component is not negative, its unbiased estimate may be.
        np.maximum(square_seeds - square_rest, 0) / r,
        np.maximum(square_rows - square_rest, 0) / n,
        square_rest,
    )
