"""Signs that a csv file has several series one after another, where no column is said to name
them."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_numbers import is_number
from research.data.csv_refused import flag

# Rows of a series, on average, if a column is taken to tell series apart.
_ROWS_EACH = 10
# Columns of these names and counters of these lengths start again within one series.
_CALENDAR = {
    *("year", "yr", "season", "quarter", "month", "week", "weekday", "dayofweek", "day_of_week"),
    *("dow", "day", "dayofyear", "day_of_year", "doy", "hour", "minute", "second"),
}
_CYCLES = {4, 7, 12, 24, 52, 53, 60, 365, 366}


def possible_series(columns: Sequence[CsvColumn], recorded: bool) -> Iterator[str]:
    """A note on each column that may name the series a row belongs to, or that counts its rows.

    Such are a few texts, whole numbers that stay the same in a block of rows each, and counters
    that start again.

    Args:
        columns: all but the series itself.
        recorded: whether the file is read as a run's own was, which no flag changes.
    """
    alone = "evaluate each series by itself"
    for column in columns:
        names = pc.unique(column.cells).to_pylist()
        few = 1 < len(names) <= len(column.cells) // _ROWS_EACH
        numbers = _whole_numbers(column)
        if few and not any(map(is_number, names)):
            yield _note(column, names, "texts", alone if recorded else "")
        if numbers is None or column.name.lower() in _CALENDAR:
            continue
        steps = np.diff(numbers)
        if few and np.count_nonzero(steps) == len(names) - 1:
            yield _note(column, names, "numbers", alone if recorded else "")
        starts = np.flatnonzero(steps < 0) + 1
        counts = _counts_anew(numbers, starts)
        if counts:
            yield (
                f"column '{column.name}' counts from {numbers[0]} to {numbers[starts[0] - 1]} and"
                f" starts again in row {column.line(int(starts[0]))}; if a series ends there,"
                f" {alone if recorded else '--series=COLUMN keeps several apart'}"
            )


def _note(column: CsvColumn, names: Sequence[str], kind: str, remedy: str) -> str:
    remedy = remedy or f"{flag('series', column)} keeps these apart"
    return (
        f"column '{column.name}' has {len(names)} {kind} ('{names[0]}', ...) and is not read; if it"
        f" names the series that a row belongs to, {remedy}"
    )


def _whole_numbers(column: CsvColumn) -> np.ndarray | None:
    """The column's numbers, int64 [N], None if a cell is not a whole number."""
    try:
        return pc.cast(column.cells, pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def _counts_anew(numbers: np.ndarray, starts: np.ndarray) -> bool:
    """Whether the numbers [N] rise by the same step but at `starts`, where they are the first one
    again."""
    if not len(starts) or len(numbers) < _ROWS_EACH * (len(starts) + 1):
        return False
    steps = np.delete(np.diff(numbers), starts - 1)
    again = (numbers[starts] == numbers[0]).all()
    return bool(again and (steps == steps[0]).all() and int(starts[0]) not in _CYCLES)
