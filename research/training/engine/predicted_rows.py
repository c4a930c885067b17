"""Predicted rows: the scores of some rows of the data, with the rows that they are of."""

from typing import NamedTuple

import numpy as np

# The parts of a split whose scores can be kept: training rows say nothing of new data.
PARTS = ("validation", "test")
# The rows of a data set's own test split, where the split has folds, which leave them out.
OWN_TEST = "own_test"


class PredictedRows(NamedTuple):
    """rows: int32 [R], of the data. scores: [R, C], what the task's metrics read: logits of
    classes, or values in the data's units. targets: [R], before `label_noise`."""

    rows: np.ndarray
    scores: np.ndarray
    targets: np.ndarray
