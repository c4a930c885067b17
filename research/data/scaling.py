"""Scaling: x becomes (x - shift) / scale, with shift and scale fitted on the training rows only.
Scalings of other forms are in curves.py."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from research.data.one_hot import OneHot
from research.errors import UserError, nearest

# Bytes counted at once; counting needs a few times as much.
_CHUNK = 4 << 20


class Histogram(NamedTuple):
    """The distinct values of one channel or column, ascending, and how often each occurs; both
    float64 [V]."""

    values: np.ndarray
    counts: np.ndarray

    def mean(self) -> float:
        """The mean of all rows."""
        return float(np.average(self.values, weights=self.counts))

    def std(self) -> float:
        """The population's standard deviation (divided by N)."""
        # In two passes: E[x²] - E[x]² cancels where the mean is far from 0.
        return float(np.sqrt(np.average((self.values - self.mean()) ** 2, weights=self.counts)))

    def quantile(self, share: float) -> float:
        """Linear interpolation between the two nearest rows, as numpy's default."""
        # By counts, without a sort of all rows: bytes have 256 values however many rows.
        cumulated = np.cumsum(self.counts)
        # numpy's linear quantile, from counts alone: the rows may not fit in memory.
        place = share * (cumulated[-1] - 1)
        below, above = self.values[
            np.searchsorted(cumulated, [np.floor(place), np.ceil(place)], side="right")
        ]
        return float(below + (above - below) * (place - np.floor(place)))


def _minmax(column: Histogram) -> tuple[float, float]:
    return column.values[0], column.values[-1] - column.values[0]


def _maxabs(column: Histogram) -> tuple[float, float]:
    return 0.0, max(abs(column.values[0]), abs(column.values[-1]))


def _standard(column: Histogram) -> tuple[float, float]:
    return column.mean(), column.std()


def _robust(column: Histogram) -> tuple[float, float]:
    return column.quantile(0.5), column.quantile(0.75) - column.quantile(0.25)


# Each returns the shift and the spread of a column; a spread of 0 is replaced by the maximum.
_METHODS: dict[str, Callable[[Histogram], tuple[float, float]]] = {
    "minmax": _minmax,
    "maxabs": _maxabs,
    "standard": _standard,
    "robust": _robust,
}
METHODS = ("none", *_METHODS)
# Scalings of the numbers of tables that are no shift and division; see curves.py.
CURVED = ("quantile", "power", "log")
# Scalings that depend on where a column's 0 is.
FROM_ZERO = ("maxabs", "power", "log")


def into_unit(method: str, maximum: float) -> bool:
    """Whether what is scaled by the method lies in [0, 1], training rows at least; maximum: what
    `none` divides by."""
    return method == "minmax" or (method == "none" and maximum > 1)


TARGET_METHODS = ("none", "standard")


def fit(
    x: np.ndarray | OneHot, method: str, maximum: float, rows: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The shift and scale of each channel (over all pixels) or column.

    Scaled is (x - shift) / scale: into [0, 1] (minmax), into [-1, 1]
    with 0 where it was (maxabs), to mean 0 and deviation 1 (standard), to
    median 0 and interquartile range 1 (robust), or divided by `maximum` (none). A channel or column
    without spread is only shifted and divided by `maximum`.

    Args:
        x: inputs, [N, H, W, C] or [N, D]. Bytes are never copied, so they may exceed memory; of
            numbers
            one column is copied at a time.
        method: one of METHODS.
        maximum: 255 for bytes, 1 for tables.
        rows: the training rows, on which the scaling is fitted; None: all.

    Returns:
        shift, scale: float64 [C] or [D].

    Raises:
        UserError: there is no such method.
    """
    if method not in METHODS:
        raise UserError(f"scaling={method}: {nearest(method, METHODS)}")
    if method == "none" or not x.shape[-1]:
        return np.zeros(x.shape[-1]), np.full(x.shape[-1], float(maximum))
    chosen = np.arange(len(x)) if rows is None else rows
    columns = _histograms(x, chosen)
    shift, scale = np.transpose([_METHODS[method](column) for column in columns])
    # A column without spread is shifted and divided by the maximum: 0 would make it NaN.
    return shift, np.where(scale > 0, scale, maximum)


def fit_target(y_train: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """(shift, scale), float64 []: of a regression's target, y: [N, ...]; `none` leaves it as it
    is."""
    if method not in TARGET_METHODS:
        raise UserError(f"target_scaling={method}: {nearest(method, TARGET_METHODS)}")
    shift, scale = fit(y_train.reshape(-1, 1), method, maximum=1.0)
    return shift[0], scale[0]


def _histograms(x: np.ndarray | OneHot, rows: np.ndarray) -> list[Histogram]:
    """One histogram per channel or column of the rows of x."""
    if isinstance(x, OneHot):
        stored = [_count_categories(x.values[rows, c], kind) for c, kind in enumerate(x.kinds)]
        return list(itertools.chain.from_iterable(stored))
    if x.dtype == np.uint8:
        return _count_bytes(x, rows)
    return [_count(x[..., channel][rows]) for channel in range(x.shape[-1])]


def _count(column: np.ndarray) -> Histogram:
    """The histogram of all numbers of an array."""
    if np.isnan(column).any():
        raise ValueError("missing values must be filled before scaling is fitted")
    # Sums of many float32 lose digits, so the statistics are taken in float64; the sort before
    # them is twice as fast as the column is.
    values, counts = np.unique(column, return_counts=True)
    return Histogram(values.astype(np.float64), counts.astype(np.float64))


def _count_categories(column: np.ndarray, kind: int) -> list[Histogram]:
    """The histograms of the columns that a stored column of OneHot is read as."""
    if not kind:
        return [_count(column)]
    ones = np.bincount(column[column >= 0].astype(np.int64), minlength=kind)
    both = np.array([0.0, 1.0])
    counts = [np.array([len(column) - count, count], np.float64) for count in ones]
    return [
        Histogram(both[occurrences > 0], occurrences[occurrences > 0]) for occurrences in counts
    ]


def _count_bytes(x: np.ndarray, rows: np.ndarray) -> list[Histogram]:
    """One histogram a channel of the rows of x, gathered a chunk at a time."""
    channels = x.shape[-1]
    counts = np.zeros((channels, 256))
    size = max(1, _CHUNK // max(1, x[0].nbytes))
    for first in range(0, len(rows), size):
        chunk = x[rows[first : first + size]].reshape(-1, channels)
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel], minlength=256)
    present = [np.flatnonzero(occurrences) for occurrences in counts]
    return [
        Histogram(p.astype(np.float64), occurrences[p])
        for p, occurrences in zip(present, counts, strict=True)
    ]
