"""Origins: what is subtracted from the numbers of a column before they become float32, which would
merge them.

float32 has 24 bits: 100,000,000.3 and 100,000,001.7 are the same number there. As differences from
an origin they stay apart. A fitted scaling subtracts a shift in any case, so what a network sees is
the same, only exact.
"""

from typing import NamedTuple

import numpy as np

# Of many random numbers with 17 digits a few are neighbours by chance. A smaller share than this
# counts as chance.
_CHANCE = 0.01
# A larger share of merged values is reported.
_NAMED = 0.1


class Narrowed(NamedTuple):
    """A column as float32: `values` [...] are differences from `origin`, which is 0 where float32
    needs none.

    distinct: how many different values the column has. left: how many of them float32 tells apart.
    """

    values: np.ndarray
    origin: float
    distinct: int
    left: int

    def notes(self, what: str) -> list[str]:
        """What to say of it: a note if float32 merges more than a tenth of the different values."""
        if self.left >= (1 - _NAMED) * self.distinct:
            return []
        return [
            f"{what} has {self.distinct:,} different values, and float32 tells only {self.left:,}"
            " of them apart"
        ]


def narrow(values: np.ndarray) -> Narrowed:
    """The numbers of a column [...] as float32 differences from an origin, if that keeps apart what
    float32 merges.

    The origin is the middle one of the values that float32 merges with a neighbour. NaN stays NaN.
    """
    # Numbers beyond float32 become infinite here; a warning would name no row and no column.
    with np.errstate(over="ignore", invalid="ignore"):
        plain = values.astype(np.float32)
        if np.array_equal(plain.astype(values.dtype), values, equal_nan=values.dtype.kind == "f"):
            return Narrowed(plain, 0.0, 0, 0)
        values = _wide(values)
        ordered = np.sort(values[np.isfinite(values)])  # a third of the time of np.unique
        different = ordered[np.append(True, np.diff(ordered) > 0)]
        # Rounding keeps the order, so values that are merged are neighbours here.
        merged = np.flatnonzero(np.diff(different.astype(np.float32)) == 0)
        count = len(different)
        if len(merged) <= _CHANCE * count:
            return Narrowed(plain, 0.0, count, count - len(merged))
        # An integer beyond 2**53 is rounded first, since an origin is kept as a float.
        origin = values.dtype.type(float(different[merged[len(merged) // 2]]))
        still = int(np.sum(np.diff((different - origin).astype(np.float32)) == 0))
        # An origin that separates less than half of the merged values is not worth its note.
        if 2 * still > len(merged):
            return Narrowed(plain, 0.0, count, count - len(merged))
        return Narrowed((values - origin).astype(np.float32), float(origin), count, count - still)


def _wide(values: np.ndarray) -> np.ndarray:
    """Integers as int64, whose differences are exact; as float64 where these may overflow, and any
    other numbers."""
    if (
        values.dtype.kind not in "iu"
        or max(abs(int(values.min())), abs(int(values.max()))) >= 2**62
    ):
        return values.astype(np.float64)
    return values.astype(np.int64)


def differences(values: np.ndarray, origin: np.ndarray | float) -> np.ndarray:
    """Other numbers [N, ...] as float32 differences from the origins of a data set."""
    # Subtracted in the wide type: after the cast the digits to be saved are gone.
    return (values - origin).astype(np.float32)
