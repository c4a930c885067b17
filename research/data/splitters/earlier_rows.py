"""Time series: each fold trains on the rows before those on which it tests."""

from typing import Annotated

import numpy as np

from research.data.splitters.index_sets import Parts, ValidationShare, splitter
from research.errors import ShapeError
from research.options import Range
from research.registry import SPLITTERS


def time_series(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    folds: Annotated[int, Range(2), "how many folds"] = 5,
    gap: Annotated[int, Range(0), "rows left out before those that test or validate"] = 0,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """Rows in the order of time: a fold tests on the next rows, and trains on all before them.

    They are scikit-learn's `TimeSeriesSplit(folds, gap=gap)`. The last of a fold's training rows
    validate.

    Args:
        rows: number of rows, the earliest first.
        labels: not used.
        groups: not used.
        seed: not used.
        folds: number of folds.
        gap: rows left out before those that test, and before those that validate.
        validation: share of each fold's training rows that validate.

    Example:
        >>> for train, _, test in time_series(6, np.zeros(6, int), None, seed=0, folds=2):
        ...     print(train, test)
        [0 1] [2 3]
        [0 1 2 3] [4 5]
    """
    # Imported here: it takes most of a second, which programs without such a split should not pay.
    from sklearn.model_selection import TimeSeriesSplit

    first = rows - folds * (rows // (folds + 1)) - gap
    if rows < folds + 1 or first < 1:
        raise ShapeError(
            f"split=time_series({folds},gap={gap}) of {rows} rows leaves the first fold none to"
            " train on"
        )
    parts: list[Parts] = []
    for before, test in TimeSeriesSplit(folds, gap=gap).split(np.arange(rows)):
        size = int(len(before) * validation + 0.5)
        train = before[: len(before) - size - gap * bool(size)]
        parts.append((train, before[len(before) - size :], test))
    return parts


SPLITTERS.add(splitter(time_series, seeded=False))
