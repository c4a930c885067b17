"""Scaling: x becomes (x - shift) / scale, with shift and scale fitted on the training rows only."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from research.errors import UserError, nearest

_CHUNK = 4096  # examples counted at once, so that no copy of all pixels is made


class Histogram(NamedTuple):
    """The distinct values of one channel or column, ascending, and how often each occurs; both float64 [V]."""

    values: np.ndarray
    counts: np.ndarray

    def mean(self) -> float:
        return float(np.average(self.values, weights=self.counts))

    def std(self) -> float:
        """The population's standard deviation (divided by N)."""
        return float(np.sqrt(np.average((self.values - self.mean()) ** 2, weights=self.counts)))

    def quantile(self, share: float) -> float:
        """Linear interpolation between the two nearest rows, as numpy's default."""
        cumulated = np.cumsum(self.counts)
        place = share * (cumulated[-1] - 1)
        below, above = self.values[np.searchsorted(cumulated, [np.floor(place), np.ceil(place)], side="right")]
        return float(below + (above - below) * (place - np.floor(place)))


def _minmax(column: Histogram) -> tuple[float, float]:
    return column.values[0], column.values[-1] - column.values[0]


def _standard(column: Histogram) -> tuple[float, float]:
    return column.mean(), column.std()


def _robust(column: Histogram) -> tuple[float, float]:
    return column.quantile(0.5), column.quantile(0.75) - column.quantile(0.25)


# Each returns the shift and the spread of a column; a spread of 0 is replaced by the maximum.
_METHODS: dict[str, Callable[[Histogram], tuple[float, float]]] = {
    "none": lambda column: (0.0, 0.0),
    "minmax": _minmax,
    "standard": _standard,
    "robust": _robust,
}
METHODS = tuple(_METHODS)
TARGET_METHODS = ("none", "standard")


def fit(x_train: np.ndarray, method: str, maximum: float) -> tuple[np.ndarray, np.ndarray]:
    """(shift, scale), float64 [C]: per channel over all pixels, or per column. x_train: [N, H, W, C] or [N, D].

    Scaled is (x - shift) / scale: into [0, 1] (minmax), to mean 0 and deviation 1 (standard), to median 0 and
    interquartile range 1 (robust), divided by `maximum` (none: 255 for bytes, 1 for tables). A channel or column
    without spread is only shifted and divided by `maximum`. Raises UserError for another method.
    """
    if method not in _METHODS:
        raise UserError(f"scaling={method}: {nearest(method, METHODS)}")
    shift, scale = np.transpose([_METHODS[method](column) for column in _histograms(x_train)])
    return shift, np.where(scale > 0, scale, maximum)


def fit_target(y_train: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """(shift, scale), float64 []: of a regression's target, y: [N]; `none` leaves it as it is."""
    if method not in TARGET_METHODS:
        raise UserError(f"target_scaling={method}: {nearest(method, TARGET_METHODS)}")
    shift, scale = fit(y_train[:, None], method, maximum=1.0)
    return shift[0], scale[0]


def _histograms(x: np.ndarray) -> list[Histogram]:
    """One histogram a channel; exact, and for bytes without a copy of the data."""
    channels = [x[..., channel].reshape(len(x), -1) for channel in range(x.shape[-1])]
    return [(_count_bytes if x.dtype == np.uint8 else _count)(channel) for channel in channels]


def _count(column: np.ndarray) -> Histogram:
    if np.isnan(column).any():
        raise ValueError("missing values must be filled before scaling is fitted")
    values, counts = np.unique(column.astype(np.float64), return_counts=True)
    return Histogram(values, counts.astype(np.float64))


def _count_bytes(column: np.ndarray) -> Histogram:
    counts = np.zeros(256)
    for start in range(0, len(column), _CHUNK):
        counts += np.bincount(column[start : start + _CHUNK].ravel(), minlength=256)
    present = np.flatnonzero(counts)
    return Histogram(present.astype(np.float64), counts[present])
