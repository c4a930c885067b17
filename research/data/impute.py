"""Imputation: what fills the missing numbers (NaN) of a table, fitted on the training rows only."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from research.data.one_hot import OneHot
from research.errors import UserError


def _most_frequent(column: np.ndarray) -> float:
    values, counts = np.unique(column, return_counts=True)
    return float(values[np.argmax(counts)])  # the smallest of several


_METHODS: dict[str, Callable[[np.ndarray], float]] = {
    # A float32 sum over many rows would lose the last digits.
    "mean": lambda column: float(np.mean(column, dtype=np.float64)),
    "median": lambda column: float(np.median(column)),
    "most_frequent": _most_frequent,
}


_INDICATED = re.compile(r"indicator\((.+)\)")
_BY = re.compile(r"(\w+)\(\s*by\s*=\s*(.+?)\s*\)")


def method_of(text: str) -> tuple[str, str]:
    """(statistic, column of groups) of `median(by=COLUMN)`, or of this inside `indicator(...)`; the
    column of `median` is "".

    Raises UserError on an unknown statistic.
    """
    indicated = _INDICATED.fullmatch(text)
    fills = indicated[1] if indicated else text
    grouped = _BY.fullmatch(fills)
    method, by = grouped.groups() if grouped else (fills, "")
    if method not in _METHODS:
        raise UserError(
            f"impute={text}: allowed are {', '.join(_METHODS)}, and one of these of the rows of a"
            " category, such as median(by=COLUMN), or indicator(median)"
        )
    return method, by


def indicates(text: str) -> bool:
    """Whether columns say which numbers were missing: `indicator(median)`."""
    return _INDICATED.fullmatch(text) is not None


def fit_groups(x_train: np.ndarray, method: str, groups: Sequence[int]) -> np.ndarray:
    """What fills each column in each group, float64 [G + 1, D]; the last is of all rows.

    A group without a value of a column is filled as all rows are.

    Args:
        x_train: the training rows with one-hot categories, [n, D].
        method: mean, median or most_frequent.
        groups: the places of the G one-hot columns of the groups.
    """
    of_all = fit(x_train, method)
    fills = np.tile(of_all, (len(groups) + 1, 1))
    for group, place in enumerate(groups):
        rows = x_train[x_train[:, place] > 0.5]
        there = ~np.isnan(rows).all(axis=0)
        fills[group] = np.where(there, fit(rows, method), of_all)
    return fills


def fit(x_train: np.ndarray | OneHot, method: str) -> np.ndarray:
    """What fills each column, float64 [D], from the values that x_train [n, D] has; method: that of
    the table.

    A column without a value there is filled with 0, since values of other rows would leak into
    training. A category that is missing needs no filling, since none of its one-hot columns is set.
    """
    if isinstance(x_train, OneHot):
        fill = np.zeros(x_train.shape[1])
        numbers = [place for place, kind in enumerate(x_train.kinds) if not kind]
        fill[x_train.starts[numbers]] = fit(x_train.values[:, numbers], method)
        return fill
    fills = []
    for column in x_train.T:
        present = column[~np.isnan(column)]
        # A split may leave a column no value to fill from; 0 keeps the inputs finite.
        fills.append(_METHODS[method](present) if len(present) else 0.0)
    return np.array(fills, np.float64)


def apply(x: np.ndarray | OneHot, fill: np.ndarray) -> np.ndarray | OneHot:
    """x [N, D] with every number that is NaN replaced by its column's fill [D]."""
    if isinstance(x, OneHot):
        # A missing category needs no fill: it sets none of its one-hot columns.
        lacks = np.isnan(x.values) & (np.array(x.kinds) == 0)
        return OneHot(np.where(lacks, fill[x.starts], x.values), x.kinds)
    return np.where(np.isnan(x), fill, x)
