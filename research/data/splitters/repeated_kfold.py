"""Repeated k-fold: k-fold cross-validation with several shuffles of the rows."""

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


def repeated_kfold(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    folds: Annotated[int, Range(2), "how many folds each time"] = 5,
    times: Annotated[int, Range(1), "how many times the rows are divided"] = 2,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """K-fold with several shuffles; each row tests once per shuffle.

    They are scikit-learn's `RepeatedKFold(n_splits=folds, n_repeats=times, random_state=seed)`.

    Args:
        rows: number of rows.
        labels: their classes, [N]; they decide only which rows validate.
        groups: not used.
        seed: seed of all shuffles.
        folds: number of folds per shuffle.
        times: number of shuffles.
        validation: share of each fold's training rows that validate.

    Example:
        >>> folds = repeated_kfold(4, np.zeros(4, int), None, seed=0, folds=2, times=2)
        >>> for train, _, test in folds:
        ...     print(train, test)
        [0 1] [2 3]
        [2 3] [0 1]
        [1 3] [0 2]
        [0 2] [1 3]
    """
    # Imported here: it takes most of a second, which programs without such a split should not pay.
    from sklearn.model_selection import RepeatedKFold

    if folds > rows:
        raise ShapeError(
            f"split=repeated_kfold({folds},{times}): there are {rows} rows, and a fold needs one"
        )
    reference = RepeatedKFold(n_splits=folds, n_repeats=times, random_state=seed)
    return [
        (*drawn_validation(others, labels, validation, seed, fold), test)
        for fold, (others, test) in enumerate(reference.split(labels))
    ]


SPLITTERS.add(splitter(repeated_kfold))
