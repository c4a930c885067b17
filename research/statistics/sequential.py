"""Looks at a table while seeds are added: how many there are, and the error that each may spend."""

import math
from collections.abc import Iterator

from research.statistics.comparisons import Comparisons, Null, compare
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA

# Sign flips of eight seeds give p = 2^-7 at least, which the first look's level allows.
FIRST_LOOK = 8
GROWTH = 1.5


def looks(most: int) -> Iterator[int]:
    """The numbers of seeds at which the table is looked at: 8, 12, 18, 27, ... up to `most`."""
    seeds = FIRST_LOOK
    while seeds <= most:
        yield seeds
        seeds = math.ceil(GROWTH * seeds)


def level(look: int) -> float:
    """The error that look number 1, 2, ... may spend; those of all looks add up to ALPHA.

    By Bonferroni's inequality, the probability of any false verdict at any look is then at most
    ALPHA, however many looks there will be and whatever made them stop.
    """
    return ALPHA / (look * (look + 1))


def compared(
    differences: Floats, null: Null, look: int, tolerance: Floats | float = 0.0
) -> Comparisons:
    """What a look shows within the error that it may spend, which its intervals keep too.

    A row that is decided leaves the later looks. The first false verdict falls in a look where all
    rows without a difference are still there, so the step-down test holds the look's level.

    Args:
        differences: [n, m] of n pairs and m rows.
        null: what a standard error is under the null hypothesis.
        look: which look, from 1.
        tolerance: sums up to this distance from zero count as zero.
    """
    return compare(differences, null, tolerance, level(look))
