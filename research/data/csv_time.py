"""The order of a series' rows in a csv file: by a column of times, within each of several series."""

import datetime
from typing import NamedTuple, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from research.data.csv_columns import Column
from research.data.csv_refused import flag

# A column of numbers with one of these names is taken for times.
_NAMES = {"time", "times", "timestamp", "datetime", "date", "epoch", "unix", "unixtime", "unix_time", "ts", "ds"}
_GAP = 1.5  # times the usual step
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Order(NamedTuple):
    """rows: int64 [N], the rows of the file, series after series, each in order. lengths: of each series.

    notes: on the steps of time.
    """

    rows: np.ndarray
    lengths: tuple[int, ...]
    notes: tuple[str, ...] = ()


def order_of(columns: dict[str, Column], target: str, time: str, series: str) -> Order:
    """The order of the rows: by the column `time` within each series that the column `series` tells apart.

    Without `series` there is one series; without `time` the rows stay as they are, and a column that looks like a time
    must rise. Raises UserError, naming the row, for a time that is none, or twice in a series, or does not rise.
    """
    groups, names = _groups(columns[series]) if series else (np.zeros(len(columns[target].cells), np.int64), ("",))
    lengths = tuple(np.bincount(groups, minlength=len(names)).tolist())
    rows = np.argsort(groups, kind="stable")
    if not time:
        for name, column in columns.items():
            if name not in (target, series):
                _check_rising(column, groups, rows, bool(series))
        return Order(rows, lengths)
    column = columns[time]
    times = times_of(column)
    if times is None:
        _refuse(column)
    rows = np.lexsort((times, groups))
    twice = np.flatnonzero((np.diff(times[rows]) == 0) & (np.diff(groups[rows]) == 0))
    if len(twice):
        first, second = rows[twice[0]], rows[twice[0] + 1]
        remedy = "delete one of the two rows" if series else "--series=COLUMN keeps several series apart"
        raise column.error(
            int(second), f"the time '{column.cells[second]}' comes twice, as in the row of '{first}'; {remedy}"
        )
    return Order(rows, lengths, tuple(_gaps(column, times[rows], groups[rows], rows)))


def times_of(column: Column) -> np.ndarray | None:
    """The column's times [N]: numbers, int64 or float64, or of dates int64 microseconds. None if a cell is neither.

    Dates are written as ISO 8601 has it, such as 2024-05-31 or 2024-05-31T18:00; those without a zone are taken alike.
    """
    if pc.all(pc.match_substring_regex(column.cells, r"^\d{8}$")).as_py():  # 20240531 is a date if all of them are
        days = _dates(column.cells)
        if days is not None:
            return days
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = pc.cast(column.cells, kind).to_numpy(zero_copy_only=False)
            return numbers if np.isfinite(numbers).all() else None
        except pa.ArrowInvalid:
            continue
    return _dates(column.cells)


def _dates(cells: pa.StringArray) -> np.ndarray | None:
    try:
        return np.array([_microseconds(cell) for cell in cells.to_pylist()], np.int64)
    except ValueError:
        return None


def _microseconds(text: str) -> int:
    """The microseconds from 1970 to an ISO date, time or month. Raises ValueError for another text."""
    if len(text) == 7:
        text += "-01"
    moment = datetime.datetime.fromisoformat(text.replace("/", "-"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def _groups(column: Column) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which series each row is of, int64 [N], and their names in the order in which the file has them."""
    empty = pc.equal(column.cells, "").to_numpy(zero_copy_only=False)
    if empty.any():
        raise column.error(int(empty.argmax()), "the row does not say of which series it is")
    names = pc.unique(column.cells)
    return pc.index_in(column.cells, names).to_numpy(zero_copy_only=False).astype(np.int64), tuple(names.to_pylist())


def _refuse(column: Column) -> NoReturn:
    """Raises UserError at the first cell that is no time, given that the column has one."""
    for row, cell in enumerate(column.cells.to_pylist()):
        if times_of(column._replace(cells=pa.array([cell]))) is None:
            raise column.error(row, f"'{cell}' is no time; expected a number or a date such as 2024-05-31T18:00")
    raise column.error(0, "the column mixes numbers with dates; write all its times alike")


def _check_rising(column: Column, groups: np.ndarray, rows: np.ndarray, several: bool) -> None:
    """Raises UserError if the column looks like times and these do not rise strictly within each series."""
    times = times_of(column)
    if times is None:
        return
    dates = (
        not _is_number(column.cells[0].as_py()) or pc.all(pc.match_substring_regex(column.cells, r"^\d{8}$")).as_py()
    )
    if not dates and column.name.lower() not in _NAMES:
        return
    wrong = np.flatnonzero((np.diff(times[rows]) <= 0) & (np.diff(groups[rows]) == 0))
    if not len(wrong):
        return
    before, row = int(rows[wrong[0]]), int(rows[wrong[0] + 1])
    apart = "" if several else "--series=COLUMN keeps several series apart, "
    raise column.error(
        row,
        f"'{column.cells[row]}' is not after '{column.cells[before]}', and a series is in the order of time; "
        f"{flag('time', column)} sorts the rows, {apart}{flag('drop', column)} leaves them as they are",
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _gaps(column: Column, times: np.ndarray, groups: np.ndarray, rows: np.ndarray) -> list[str]:
    """A note on the steps that are longer than the usual one, within each series; times, rows: in order."""
    steps = np.where(np.diff(groups) == 0, np.diff(times), 0)
    inside = steps[steps > 0]
    usual = float(np.median(inside)) if len(inside) else 0.0
    gaps = int((steps > _GAP * usual).sum())
    if not gaps:
        return []
    longest = int(steps.argmax())
    before, after = (column.cells[int(rows[place])] for place in (longest, longest + 1))
    return [
        f"column '{column.name}': {gaps:,} of {len(inside):,} steps are longer than {_GAP} times the usual one, the "
        f"longest from '{before}' to '{after}'; windows cross them"
    ]
