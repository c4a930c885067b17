"""Shuffle: an independent draw of the test rows for each fold."""

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


def shuffle(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    folds: Annotated[int, Range(1), "how many draws"] = 10,
    test: Annotated[
        float, Range(0, 1, low_open=True, high_open=True), "share of the rows that test"
    ] = 0.2,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """Independent draws of test rows; a row may test in several folds or in none.

    They are scikit-learn's `ShuffleSplit(folds, test_size=test, random_state=seed)`. It is also
    called Monte Carlo cross-validation.

    Args:
        rows: number of rows.
        labels: their classes, [N]; they decide only which rows validate.
        groups: not used.
        seed: seed of all draws.
        folds: number of draws.
        test: share of the rows that test, rounded up.
        validation: share of each fold's training rows that validate.

    Example:
        >>> for train, _, test in shuffle(5, np.zeros(5, int), None, seed=0, folds=2, test=0.4):
        ...     print(train, test)
        [1 3 4] [2 0]
        [1 4 3] [0 2]
    """
    # Imported here: it takes most of a second, which programs without such a split should not pay.
    from sklearn.model_selection import ShuffleSplit

    if np.ceil(test * rows) >= rows:
        raise ShapeError(f"split=shuffle(test={test:g}) of {rows} rows leaves no row to train on")
    reference = ShuffleSplit(folds, test_size=test, random_state=seed)
    return [
        (*drawn_validation(others, labels, validation, seed, fold), tested)
        for fold, (others, tested) in enumerate(reference.split(labels))
    ]


SPLITTERS.add(splitter(shuffle))
