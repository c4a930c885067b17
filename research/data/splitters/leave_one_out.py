"""Leave one out: as many folds as rows."""

import numpy as np

from research.data.splitters.index_sets import (
    Parts,
    ValidationShare,
    drawn_validation,
    splitter,
)
from research.registry import SPLITTERS


def leave_one_out(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """A fold per row, which is the only one that tests in it.

    They are scikit-learn's `LeaveOneOut()`.

    Args:
        rows: number of rows.
        labels: their classes, [N]; they decide only which rows validate.
        groups: not used.
        seed: seed of the validation rows.
        validation: share of each fold's training rows that validate.

    Example:
        >>> for train, _, test in leave_one_out(3, np.zeros(3, int), None, seed=0):
        ...     print(train, test)
        [1 2] [0]
        [0 2] [1]
        [0 1] [2]
    """
    every = np.arange(rows)
    return [
        (
            *drawn_validation(np.delete(every, row), labels, validation, seed, row),
            every[row : row + 1],
        )
        for row in range(rows)
    ]


SPLITTERS.add(splitter(leave_one_out, seeded=False, drawing=("validation",)))
