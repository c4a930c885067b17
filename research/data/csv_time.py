"""The order of a series' rows in a csv file: by a column of times, within each of several
series."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import numpy as np

from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_dates import (
    Ambiguous,
    compact_dates,
    elapsed,
    is_date,
    is_day,
    moments,
)
from research.data.csv_numbers import is_number
from research.data.csv_refused import flag
from research.data.numbered_dates import unit_since_1970

# A column of numbers with one of these names is taken for times.
_NAMES = {
    "time",
    "times",
    "timestamp",
    "datetime",
    "date",
    "epoch",
    "unix",
    "unixtime",
    "unix_time",
    "ts",
    "ds",
}
_CALENDAR = ("year", "month", "day")
# More rows than these count if their numbers are at equal distances.
_COUNTED = 10
# -log of a chance of 1e-4.
_UNLIKELY = 9.0
# Rows that say whether a column has dates.
_LOOKED_AT = 1000
# The share of steps that are alike where there are few gaps.
_REGULAR = 0.9
# The largest share of times that come twice because clocks are set back.
_SET_BACK = 0.25
# Times the usual step.
_GAP = 1.5


class RowOrder(NamedTuple):
    """rows: int64 [N], the rows of the file, series after series, each in order. lengths: of each
    series.

    notes: on the steps of time.
    """

    rows: np.ndarray
    lengths: tuple[int, ...]
    notes: tuple[str, ...] = ()


def order_of(columns: dict[str, CsvColumn], target: str, time: str, series: str) -> RowOrder:
    """The order of the rows: by the column `time` within each series.

    Without `time` the rows keep their order, and a column that looks like a time must rise.

    Args:
        columns: the file's columns by name.
        target: the column whose next value is forecast.
        time: the column of times; none: the order of the file.
        series: the column that tells series apart; none: there is one series.

    Raises:
        UserError: a time cannot be read, comes twice in a series, or does not rise; the message
            names
            the row.
    """
    groups, names = (
        _groups(columns[series])
        if series
        else (np.zeros(len(columns[target].cells), np.int64), ("",))
    )
    lengths = tuple(np.bincount(groups, minlength=len(names)).tolist())
    # Stable: within a series the rows keep the order of the file.
    rows = np.argsort(groups, kind="stable")
    if not time:
        others = [column for name, column in columns.items() if name not in (target, series)]
        gaps = [_check_rising(column, groups, rows, bool(series)) for column in others]
        _check_calendar(others, groups, rows)
        return RowOrder(rows, lengths, next((notes for notes in gaps if notes), ()))
    column = columns[time]
    times = _times(column)
    if times is None:
        _refuse(column)
    rows = np.lexsort((times, groups))
    twice = np.flatnonzero((np.diff(times[rows]) == 0) & (np.diff(groups[rows]) == 0))
    if len(twice):
        first = rows[twice[0]]
        second = rows[twice[0] + 1]
        others = [other for name, other in columns.items() if name not in (target, time, series)]
        more = _why_twice(column, others, len(twice))
        delete = "delete one of the two rows"
        raise column.advice(
            int(second),
            f"the time '{column.cells[second]}' comes twice, the first time in row"
            f" {column.line(int(first))}",
            f"{delete if series else '--series=COLUMN keeps several series apart'}{more}",
            f"{delete}{more}",
        )
    return RowOrder(rows, lengths, _gaps(column, times[rows], groups[rows], rows))


def _why_twice(column: CsvColumn, others: Sequence[CsvColumn], twice: int) -> str:
    """What else may be done about times that come twice; "" if nothing is known.

    Args:
        column: the column of times.
        others: columns beside it and the series.
        twice: how many times are equal to another.
    """
    for other in others:
        cell = other.cells[0].as_py()
        if is_date(cell) and not is_day(cell):
            return f"; if the time of day is in '{other.name}', write both in one column"
    # Clocks are set back once a year.
    if ":" in column.cells[0].as_py() and twice <= _SET_BACK * len(column.cells):
        return "; where clocks were set back, write the zone behind each time (+02:00, +01:00)"
    return ""


def times_of(column: CsvColumn) -> np.ndarray | None:
    """The column's times [N]: numbers, int64 or float64, or of dates int64 microseconds. None if a
    cell is neither.

    Raises Ambiguous for dates whose day may be their month.
    """
    if (dates := compact_dates(column.cells)) is not None:  # 20240531 is one if all of them are
        return dates
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = pc.cast(column.cells, kind).to_numpy(zero_copy_only=False)
            return numbers if np.isfinite(numbers).all() else None
        except pa.ArrowInvalid:
            continue
    texts = column.cells.to_pylist()
    times = moments(texts)
    return elapsed(texts) if times is None else times


def _check_calendar(columns: Sequence[CsvColumn], groups: np.ndarray, rows: np.ndarray) -> None:
    """Raises UserError if dates fall whose year, month and perhaps day have a column each.

    Equal dates are in order: columns for the hour may follow.
    """
    named = {column.name.lower(): column for column in columns}
    parts = [named[name] for name in _CALENDAR if name in named]
    if not {"year", "month"} <= named.keys():
        return
    padded = [
        pc.utf8_lpad(column.cells, width, "0")
        for column, width in zip(parts, (4, 2, 2), strict=False)
    ]
    cells = pc.binary_join_element_wise(*padded, "-")
    times = moments(cells.to_pylist())
    if times is None:
        return
    wrong = np.flatnonzero((np.diff(times[rows]) < 0) & (np.diff(groups[rows]) == 0))
    if not len(wrong):
        return
    before = int(rows[wrong[0]])
    row = int(rows[wrong[0] + 1])
    names = ", ".join(f"'{column.name}'" for column in parts)
    raise parts[0].advice(
        row,
        f"by the columns {names} the date {cells[row]} comes after {cells[before]}, and a series is"
        " in the order of time",
        "sort the rows, or write the date in one column for --time;"
        f" {flag('drop', parts[0])} leaves them as they are",
        "sort the rows",
    )


def _groups(column: CsvColumn) -> tuple[np.ndarray, tuple[str, ...]]:
    """The index of each row's series, int64 [N], and the names of the series, first row first."""
    empty = pc.equal(column.cells, "").to_numpy(zero_copy_only=False)
    if empty.any():
        raise column.error(int(empty.argmax()), "the row does not say which series it belongs to")
    names = pc.unique(column.cells)
    return pc.index_in(column.cells, names).to_numpy(zero_copy_only=False).astype(np.int64), tuple(
        names.to_pylist()
    )


def _times(column: CsvColumn) -> np.ndarray | None:
    """As times_of. Raises UserError for dates whose day may be their month."""
    try:
        return times_of(column)
    except Ambiguous:
        write = "write them as 2024-05-31"
        raise column.advice(
            0,
            f"'{column.cells[0]}' may begin with its day or with its month, as all dates of the"
            " column",
            f"{write}, or give {flag('drop', column)} if the rows are in order",
            write,
        ) from None


def _refuse(column: CsvColumn) -> NoReturn:
    """Raises UserError at the first cell that is no time, given that the column has one."""
    leave = f"{flag('drop', column)} leaves the rows in the order of the file"
    for row, cell in enumerate(column.cells.to_pylist()):
        try:
            known = times_of(column._replace(cells=pa.array([cell]))) is not None
        except Ambiguous:
            known = True
        if not known:
            expected = "expected a number or a date such as 2024-05-31T18:00"
            raise column.advice(
                row,
                f"'{cell}' is not a time that can be compared",
                f"{expected}; {leave}",
                expected,
            )
    numbers = [is_number(cell) for cell in column.cells.to_pylist()]
    mixed = (
        "mixes numbers with dates" if any(numbers) else "has dates that are written in several ways"
    )
    write = "write all its times alike, such as 2024-05-31T18:00"
    raise column.advice(0, f"the column {mixed}", f"{write}; {leave}", write)


def _read_as_times(column: CsvColumn) -> np.ndarray | None:
    """The times [N] of a column that looks like one of times, else None. Raises UserError for dates
    that are not read.

    Such are dates, hours that fall from row to row, numbers with the name of a time, and numbers
    that always fall, or that are all different and at equal distances. Hours beside a date start
    again each day.
    """
    cells = column.cells
    days = np.mean([is_day(cell) for cell in cells[:_LOOKED_AT].to_pylist()])
    try:
        times = times_of(column)
    except Ambiguous as ambiguous:
        # A column that is in order by either reading need not be understood.
        return max(ambiguous.readings, key=lambda reading: int((np.diff(reading) > 0).sum()))
    if times is None and days > 0.5:
        _refuse(column)
    if times is None or not is_number(cells[0].as_py()):
        return times if times is None or days > 0.5 or np.mean(np.diff(times) < 0) > 0.5 else None
    if days > 0.5 or column.name.lower() in _NAMES or compact_dates(cells) is not None:
        return times
    falls = (np.diff(times) < 0).all()
    return times if len(times) > _COUNTED and (falls or _numbers_rows(times)) else None


def _numbers_rows(numbers: np.ndarray) -> bool:
    """Whether numbers [N] without a name of a time are likely to number the rows, in any order.

    They are at equal distances, or rise so with few gaps, or are seconds since 1970, or whole
    numbers that are all different although so many draws by chance would repeat some.
    """
    rises = np.diff(numbers)
    if (rises > 0).all() and np.isclose(rises, np.median(rises)).mean() > _REGULAR:
        return True
    if unit_since_1970(numbers):
        return True
    steps = np.diff(np.sort(numbers))
    if steps[0] <= 0 or (steps == 0).any():
        return False
    if (steps == steps[0]).all():
        return True
    # N draws out of R numbers are all different with a chance of about exp(-N² / 2R).
    return numbers.dtype.kind == "i" and len(numbers) ** 2 > 2 * _UNLIKELY * steps.sum()


def _check_rising(
    column: CsvColumn, groups: np.ndarray, rows: np.ndarray, several: bool
) -> tuple[str, ...]:
    """Notes on the gaps of a column that looks like times. Raises UserError if these do not rise
    strictly within each series."""
    times = _read_as_times(column)
    if times is None:
        return ()
    wrong = np.flatnonzero((np.diff(times[rows]) <= 0) & (np.diff(groups[rows]) == 0))
    if not len(wrong):
        return _gaps(column, times[rows], groups[rows], rows)
    before = int(rows[wrong[0]])
    row = int(rows[wrong[0] + 1])
    apart = "" if several else "--series=COLUMN keeps several series apart, "
    raise column.advice(
        row,
        f"'{column.cells[row]}' is not after '{column.cells[before]}', and a series is in the order"
        " of time",
        f"{flag('time', column)} sorts the rows, {apart}{flag('drop', column)} leaves them as they"
        " are",
        "sort the rows",
    )


def _gaps(
    column: CsvColumn, times: np.ndarray, groups: np.ndarray, rows: np.ndarray
) -> tuple[str, ...]:
    """A note on the steps that are longer than the usual one, within each series; times, rows: in
    order."""
    # The jump from one series to the next is no gap in time.
    steps = np.where(np.diff(groups) == 0, np.diff(times), 0)
    inside = steps[steps > 0]
    usual = float(np.median(inside)) if len(inside) else 0.0
    gaps = int((steps > _GAP * usual).sum())
    if not gaps:
        return ()
    longest = int(steps.argmax())
    before, after = (column.cells[int(rows[place])] for place in (longest, longest + 1))
    note = (
        f"column '{column.name}': {gaps:,} of {len(inside):,} steps are longer than {_GAP} times"
        f" the usual one, the longest from '{before}' to '{after}'; windows cross them"
    )
    return (note,)
