"""How many seeds a paired comparison needs."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA
from research.statistics.sequential import level

# A comparison that needs more seeds than this is out of reach.
MOST_SEEDS = 10_000


def power(
    effect: ArrayLike, n: ArrayLike, overlap: ArrayLike = 0.0, alpha: float = ALPHA
) -> Floats:
    """The probability [...] that a two-sided paired t-test shows a difference.

    Args:
        effect: the difference in standard deviations of the paired differences, [...].
        n: pairs, at least 2, [...].
        overlap: the correlation of the pairs, where they share rows, [...].
        alpha: the error that is allowed.
    """
    n, overlap = np.asarray(n), np.asarray(overlap)
    shift = np.asarray(effect) / np.sqrt(1 / n + overlap / (1 - overlap))
    critical = special.stdtrit(n - 1, 1 - alpha / 2)
    value = 1 - special.nctdtr(n - 1, shift, critical) + special.nctdtr(n - 1, shift, -critical)
    # scipy has no value far from the centre, where the test shows the difference almost surely.
    return np.where(np.isnan(value), 1.0, value)


def seeds_needed(
    effect: ArrayLike, wanted: float = 0.8, overlap: ArrayLike = 0.0, alpha: float = ALPHA
) -> Floats:
    """The fewest pairs [m] with the wanted power; infinite where no number has it, as where pairs
    share rows.

    Args:
        effect: the differences in standard deviations of the paired differences, [m].
        wanted: the power, the probability that a true effect is found.
        overlap: the correlations of the pairs, where they share rows, [m] or one number.
        alpha: the error that is allowed.
    """
    effect, overlap = np.broadcast_arrays(np.atleast_1d(effect), overlap)

    def lacking(rows: NDArray[np.intp], n: NDArray[np.int_]) -> NDArray[np.bool_]:
        return power(effect[rows], n[rows], overlap[rows], alpha) < wanted

    low = np.full(effect.shape, 2)
    high = low.copy()
    rows = np.arange(len(effect))
    # Twice as many until they are enough, and then halfway between too few and enough.
    while (rows := rows[lacking(rows, high)]).size:
        low[rows] = high[rows]
        high[rows] *= 2
        rows = rows[high[rows] <= MOST_SEEDS]
    within = high <= MOST_SEEDS
    rows = np.flatnonzero(within & (low < high))
    while rows.size:
        middle = (low + high) // 2
        few = lacking(rows, middle)
        low[rows[few]] = middle[rows[few]] + 1
        high[rows[~few]] = middle[rows[~few]]
        rows = rows[low[rows] < high[rows]]
    return np.where(within, high, np.inf)


def rows_factor(effect: float, overlap: float, wanted: float = 0.8, alpha: float = ALPHA) -> float:
    """The factor by which the test rows must grow for the wanted power, with many seeds.

    At most 1: there are enough. Seeds do not remove overlap / (1 - overlap) of the pairs' variance.
    That part is proportional to one over the number of test rows.

    Args:
        effect: as of `power`.
        overlap: as of `power`.
        wanted: as of `seeds_needed`.
        alpha: as of `power`.
    """
    if not overlap:
        return 0.0
    needed = special.ndtri(1 - alpha / 2) + special.ndtri(wanted)
    return float((needed / effect) ** 2 * overlap / (1 - overlap))


def power_of_looks(
    effect: float, looks: Sequence[int], overlap: float | None = None, comparisons: int = 1
) -> tuple[float, float]:
    """(the probability that one of these looks decides, the seeds that are spent on average).

    Each look spends the error that sequential.level gives it, with Bonferroni's correction for the
    comparisons. By simulation with a fixed seed, standard error 0.008 at most.

    Args:
        effect: the difference in standard deviations of the paired differences.
        looks: the numbers of pairs at each look, rising.
        overlap: the correlation of the pairs, where they share rows; None: sign flips decide, whose
            smallest p is 2^(1-n).
        comparisons: how many rows are tested together.
    """
    random = np.random.default_rng(0)
    pairs = effect + random.standard_normal((4_000, looks[-1]))
    waiting = np.ones(len(pairs), bool)
    spent = np.zeros(len(pairs))
    for number, n in enumerate(looks, start=1):
        spent[waiting] = n
        if overlap is None and 2.0 ** (1 - n) > level(number):
            continue
        first = pairs[:, :n]
        shared = overlap or 0.0
        error = first.std(1, ddof=1) * math.sqrt(1 / n + shared / (1 - shared))
        critical = special.stdtrit(n - 1, 1 - level(number) / comparisons / 2)
        waiting &= np.abs(first.mean(1)) <= critical * error
    return float(1 - waiting.mean()), float(spent.mean())
