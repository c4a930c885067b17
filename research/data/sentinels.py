"""Sentinels: numbers such as -999 that stand for a missing value in a column of others."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Sentinel(NamedTuple):
    """A number of nines, how often it comes, and the least and the largest of all others."""

    value: float
    occurrences: int
    least: float
    largest: float

    def note(self, column: str, rows: int, remedy: str) -> str:
        """A note on the number that may mean a missing value.

        Args:
            column: the column's name.
            rows: number of rows.
            remedy: what to do where it means a missing value.
        """
        return (
            f"column '{column}': {self.value:.0f}, in {self.occurrences} of {rows} rows, lies far"
            f" from all other values ({self.least:g} to {self.largest:g}); {remedy}"
        )


def sentinels(numbers: np.ndarray) -> Iterator[Sentinel]:
    """The numbers of nines at the ends of a column [N] that occur several times, far from all
    others; NaN is passed over."""
    present = numbers[~np.isnan(numbers)]
    for end in (present.min(initial=np.inf), present.max(initial=-np.inf)):
        # -99 is seldom a measurement; 99 often is, so positive ones need three digits.
        nines = np.isfinite(end) and re.fullmatch(r"-9{2,}|9{3,}", f"{end:.0f}")
        if not nines or end != np.floor(end):
            continue
        others = present[present != end]
        least = others.min(initial=np.inf)
        largest = others.max(initial=-np.inf)
        count = len(present) - len(others)
        distance = min(abs(end - least), abs(end - largest))
        if count > 1 and least < largest and distance > largest - least:
            yield Sentinel(float(end), count, float(least), float(largest))
