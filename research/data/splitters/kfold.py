"""K-fold cross-validation: each row tests once."""

from typing import Annotated

import numpy as np

from research.data.splitters.index_sets import (
    Parts,
    ValidationShare,
    drawn_validation,
    splitter,
)
from research.errors import ShapeError
from research.options import Range
from research.registry import SPLITTERS


def kfold(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    folds: Annotated[int, Range(2), "how many folds"] = 5,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """Folds of equal size to a row; each row tests in one of them and trains in the others.

    The test rows are those of scikit-learn's `KFold(folds, shuffle=True, random_state=seed)`.

    Args:
        rows: number of rows.
        labels: their classes, [N], not used.
        groups: not used.
        seed: seed of the folds.
        folds: number of folds.
        validation: share of each fold's training rows that validate.

    Example:
        >>> for train, _, test in kfold(5, np.zeros(5, int), None, seed=0, folds=2):
        ...     print(train, test)
        [3 4] [2 0 1]
        [0 1 2] [3 4]
    """
    if folds > rows:
        raise ShapeError(f"split=kfold({folds}): there are {rows} rows, and a fold needs one")
    order = np.arange(rows)
    # The legacy generator, since that is scikit-learn's.
    np.random.RandomState(seed).shuffle(order)
    parts: list[Parts] = []
    for fold, test in enumerate(np.array_split(order, folds)):
        others = np.setdiff1d(np.arange(rows), test)
        train, validating = drawn_validation(others, labels, validation, seed, fold)
        parts.append((train, validating, test))
    return parts


SPLITTERS.add(splitter(kfold))
