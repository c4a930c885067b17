"""Verdicts where the smallest difference of interest is declared."""

from typing import Literal

Judgement = Literal["better", "worse", "equivalent", "not inferior", "undecided"]


def judge(difference: float, half_width: float, margin: float, higher: bool = True) -> Judgement:
    """What the interval of a difference says about a margin.

    Equivalent: the whole interval lies between -margin and margin. Not inferior: the interval
    includes zero, and no part of it is worse by the margin. A cheaper row needs no more than that.

    Args:
        difference: the middle of the interval.
        half_width: half its width.
        margin: the smallest difference that matters, above 0.
        higher: whether a larger value is better.

    Reference: Schuirmann, J. Pharmacokinetics and Biopharmaceutics 1987.
    """
    gain = difference if higher else -difference
    low = gain - half_width
    high = gain + half_width
    if -margin < low and high < margin:
        return "equivalent"
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "not inferior" if low > -margin else "undecided"
