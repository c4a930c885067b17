"""Checks of columns: those that hardly vary, that number the rows, or that lack values."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from research.analysis.audit.data_checks import names_groups
from research.analysis.audit.data_parts import DataParts, StoredColumn
from research.analysis.audit.finding import Finding

# A column with one value in so large a share of its rows tells few rows apart.
NEARLY_CONSTANT = 0.99
# A column that lacks so large a share says little, however it is filled.
MOST_MISSING = 0.5


def constant_columns(data: DataParts) -> Iterator[Finding]:
    """Columns with one value in all training rows, or in nearly all."""
    for column in data.columns:
        values, counts = np.unique(column.train, return_counts=True, equal_nan=True)
        if not len(values):
            continue
        share = counts.max() / counts.sum()
        if share == 1:
            yield Finding(
                "caution",
                f"{data.name}: column '{column.name}' is the same in all {counts.sum():,} training"
                " rows, so nothing can be learned from it",
                f"leave it out (--drop={column.name} of a csv file)",
            )
        elif share >= NEARLY_CONSTANT:
            common = values[counts.argmax()]
            rows = int(counts.sum() - counts.max())
            yield Finding(
                "caution",
                f"{data.name}: column '{column.name}' is {_text(column, common)} in all but {rows}"
                f" of {counts.sum():,} training rows, so little can be learned from it",
                f"leave it out (--drop={column.name} of a csv file), or join its rare values",
            )


def identifiers(data: DataParts) -> Iterator[Finding]:
    """Columns of whole numbers with another value in each row, as numbers of rows or persons
    have."""
    for column in data.columns:
        values = column.values
        if column.categories or len(values) < 10 or np.isnan(values).any():
            continue
        whole = np.array_equal(values, np.round(values))
        if not whole or len(np.unique(values)) < len(values):
            continue
        # Amounts may differ in each row too. Numbers that rows are given leave few gaps.
        dense = np.ptp(values) < 2 * data.spec.size
        if dense or names_groups(column.name):
            yield Finding(
                "problem",
                f"{data.name}: column '{column.name}' has a different whole number in each row,"
                " like an identifier; a model can memorize the training rows by it, and new rows"
                " have other numbers",
                f"leave it out (--drop={column.name} of a csv file)",
            )


def missing_values(data: DataParts) -> Iterator[Finding]:
    """Columns that lack values, and whether training and test lack as many."""
    for column in data.columns:
        train, test = (np.isnan(part) for part in (column.train, column.test))
        rows = int(train.sum() + test.sum())
        if not rows:
            continue
        share = rows / (len(train) + len(test))
        statistic = "most_frequent" if column.categories else "median"
        remedy = f"fill it from the training rows (--impute={statistic})"
        if share > MOST_MISSING:
            remedy = f"leave it out (--drop={column.name} of a csv file), or keep only whether a"
            remedy += " value is there"
        yield Finding(
            "caution",
            f"{data.name}: column '{column.name}' has no value in {100 * share:.3g} % of the rows"
            f"{_apart(train, test)}",
            remedy,
        )


def _apart(train: NDArray[np.bool_], test: NDArray[np.bool_]) -> str:
    """The shares of the parts, where they differ by more than chance."""
    if not len(test):
        return ""
    shares = train.mean(), test.mean()
    together = np.concatenate([train, test]).mean()
    error = np.sqrt(together * (1 - together) * (1 / len(train) + 1 / len(test)))
    if abs(shares[0] - shares[1]) <= 3 * error:
        return ""
    return f" ({100 * shares[0]:.3g} % of training rows, {100 * shares[1]:.3g} % of test rows)"


def _text(column: StoredColumn, value: float) -> str:
    """A value of a column as the data has it."""
    if np.isnan(value):
        return "missing"
    return f"'{column.categories[int(value)]}'" if column.categories else f"{value:g}"
