"""How many seeds a paired comparison needs."""

import math

from scipy import special

from research.statistics.intervals import ALPHA

# A comparison that needs more seeds than this is out of reach.
MOST_SEEDS = 10_000


def power(effect: float, n: int, overlap: float = 0.0, alpha: float = ALPHA) -> float:
    """The probability that a two-sided paired t-test shows a difference.

    Args:
        effect: the difference in standard deviations of the paired differences.
        n: pairs, at least 2.
        overlap: the correlation of the pairs, where they share rows.
        alpha: the error that is allowed.
    """
    shift = effect / math.sqrt(1 / n + overlap / (1 - overlap))
    critical = special.stdtrit(n - 1, 1 - alpha / 2)
    above = 1 - special.nctdtr(n - 1, shift, critical)
    return float(above + special.nctdtr(n - 1, shift, -critical))


def seeds_needed(
    effect: float, wanted: float = 0.8, overlap: float = 0.0, alpha: float = ALPHA
) -> int | None:
    """The fewest pairs with the wanted power; None where no number has it, as where pairs share
    rows.

    Args:
        effect: the difference in standard deviations of the paired differences.
        wanted: the power, the probability that a true effect is found.
        overlap: the correlation of the pairs, where they share rows.
        alpha: the error that is allowed.
    """
    low, high = 2, 2
    while power(effect, high, overlap, alpha) < wanted:
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return None
    while low < high:
        middle = (low + high) // 2
        if power(effect, middle, overlap, alpha) < wanted:
            low = middle + 1
        else:
            high = middle
    return high
