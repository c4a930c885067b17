"""Imputation: what fills the missing numbers (NaN) of a table, fitted on the training rows only."""

from collections.abc import Callable, Sequence

import numpy as np

from research.data.one_hot import OneHot
from research.errors import UserError


def _most_frequent(column: np.ndarray) -> float:
    values, counts = np.unique(column, return_counts=True)
    return float(values[np.argmax(counts)])  # the smallest of several


_METHODS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": lambda column: float(np.mean(column, dtype=np.float64)),
    "median": lambda column: float(np.median(column)),
    "most_frequent": _most_frequent,
}


def fit(x_train: np.ndarray | OneHot, method: str, features: Sequence[str]) -> np.ndarray:
    """What fills each column, float64 [D], from the values that x_train [N, D] has; method: that of `spec.impute`.

    A category that is missing needs no filling, since none of its one-hot columns is set. Raises UserError if a column
    has no value in the training rows.
    """
    if isinstance(x_train, OneHot):
        fill = np.zeros(x_train.shape[1])
        numbers = [place for place, kind in enumerate(x_train.kinds) if not kind]
        columns = x_train.starts[numbers]
        fill[columns] = fit(x_train.values[:, numbers], method, [features[column] for column in columns])
        return fill
    fills = []
    for name, column in zip(features, x_train.T, strict=True):
        present = column[~np.isnan(column)]
        if not len(present):
            raise UserError(f"column '{name}' has no value in the training rows, so nothing can fill it")
        fills.append(_METHODS[method](present))
    return np.array(fills, np.float64)


def apply(x: np.ndarray | OneHot, fill: np.ndarray) -> np.ndarray | OneHot:
    """x [N, D] with every number that is NaN replaced by its column's fill [D]."""
    if isinstance(x, OneHot):
        lacks = np.isnan(x.values) & (np.array(x.kinds) == 0)
        return OneHot(np.where(lacks, fill[x.starts], x.values), x.kinds)
    return np.where(np.isnan(x), fill, x)
