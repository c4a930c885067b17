"""Encodings of categories as numbers, fitted on the training rows only.

An entry's `build(**options)` is `fit(places [n], count, y) -> codes [count + 1, K]`, float64, of
one column: the numbers of each of its categories, and at last of one that no training row has. A
missing category is a category too, the last one that is counted. `y` is [n, K], what target
encoding averages.
"""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from research.options import NonNegative, options_of
from research.registry import ENCODINGS, Entry

Encode = Callable[[np.ndarray, int, np.ndarray], np.ndarray]


def onehot() -> None:
    """A column for each category; the engine expands them, batch by batch.

    Example:
        >>> onehot() is None
        True
    """


def ordinal() -> Encode:
    """The number of the category among those of the training rows, in their order; unseen ones
    are -1, as OrdinalEncoder(handle_unknown='use_encoded_value', unknown_value=-1) has it.

    Example:
        >>> ordinal()(np.array([2, 0, 2]), 3, np.zeros((3, 1))).ravel()
        array([ 0., -1.,  1., -1.])
    """

    def fit(places: np.ndarray, count: int, y: np.ndarray) -> np.ndarray:
        codes = np.full((count + 1, 1), -1.0)
        present = np.unique(places)
        codes[present, 0] = np.arange(len(present))
        return codes

    return fit


def frequency() -> Encode:
    """The share of the training rows that have the category, 0 for unseen ones.

    Example:
        >>> frequency()(np.array([2, 0, 2, 2]), 3, np.zeros((4, 1))).ravel()
        array([0.25, 0.  , 0.75, 0.  ])
    """

    def fit(places: np.ndarray, count: int, y: np.ndarray) -> np.ndarray:
        return np.bincount(places, minlength=count + 1)[:, None] / len(places)

    return fit


def target(
    smoothing: Annotated[
        NonNegative, "rows with the overall mean that are added to each category"
    ] = 10.0,
) -> Encode:
    """The mean target of the category's training rows, shrunk to that of all: (sum + s mean) / (n +
    s), as TargetEncoder(smooth=s).fit(...).transform(...) has it; unseen ones are the mean of all.

    Args:
        smoothing: s.

    Example:
        >>> target(1.0)(np.array([0, 0, 1]), 2, np.array([[3.0], [6.0], [0.0]])).ravel()
        array([4. , 1.5, 3. ])
    """

    def fit(places: np.ndarray, count: int, y: np.ndarray) -> np.ndarray:
        mean = y.mean(axis=0)
        sums = np.stack([np.bincount(places, column, count + 1) for column in y.T], axis=1)
        rows = np.bincount(places, minlength=count + 1)[:, None]
        # Without smoothing an unseen category is 0 / 0.
        weight = np.where(rows > 0, rows + smoothing, 1)
        return np.where(rows > 0, (sums + smoothing * mean) / weight, mean)

    return fit


def averaged(y: np.ndarray, classes: int) -> np.ndarray:
    """What target encoding averages of targets [n]: float64 [n, K].

    Numbers, or 1 for the second of two classes (K = 1), or a column for each of K classes.
    """
    if not classes:
        return y.astype(np.float64)[:, None]
    return np.eye(classes)[y][:, -outputs(classes) :]


def outputs(classes: int) -> int:
    """How many numbers target encoding makes of a category, K."""
    return classes if classes > 2 else 1


def _add(name: str, build: Callable[..., Any], text: str, source: str = "") -> None:
    ENCODINGS.add(Entry(name, build, text, source, options=options_of(build)))


_add("onehot", onehot, "a column for each category")
_add("ordinal", ordinal, "the category's number among those of the training rows")
_add("frequency", frequency, "the share of training rows that have the category")
_add(
    "target",
    target,
    "the mean target of the training rows that have the category, shrunk to the mean of all",
    "Micci-Barreca 2001",
)
