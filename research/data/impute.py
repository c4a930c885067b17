"""Imputation: what fills the missing numbers (NaN) of a table, fitted on the training rows only."""

from collections.abc import Callable, Sequence

import numpy as np

from research.errors import UserError


def _most_frequent(column: np.ndarray) -> float:
    values, counts = np.unique(column, return_counts=True)
    return float(values[np.argmax(counts)])  # the smallest of several


_METHODS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": lambda column: float(np.mean(column, dtype=np.float64)),
    "median": lambda column: float(np.median(column)),
    "most_frequent": _most_frequent,
}


def fit(x_train: np.ndarray, method: str, features: Sequence[str]) -> np.ndarray:
    """What fills each column, float64 [D], from the values that x_train [N, D] has; method: that of `spec.impute`.

    Raises UserError if a column has no value in the training rows. (A missing category needs no filling: none of
    its one-hot columns is set.)
    """
    fill = []
    for name, column in zip(features, x_train.T, strict=True):
        present = column[~np.isnan(column)]
        if not len(present):
            raise UserError(f"column '{name}' has no value in the training rows, so nothing can fill it")
        fill.append(_METHODS[method](present))
    return np.array(fill, np.float64)


def apply(x: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """x [N, D] with every NaN replaced by its column's fill [D]."""
    return np.where(np.isnan(x), fill, x)
