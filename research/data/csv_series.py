"""`csv:FILE --task=forecast`: a column of a file as a series, or as one series for each text of
another column."""

import functools
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.data.csv_advice import without_flags
from research.data.csv_columns import PLAIN, Reading, read_columns
from research.data.csv_options import CsvOptions
from research.data.csv_remarks import notes_on
from research.data.csv_several import possible_series
from research.data.csv_time import order_of
from research.data.csv_values import check_complete, numbers_of, units_of
from research.data.series import Series, open_series
from research.data.spec import DataSpec, Source, windowed
from research.data.stretches import each_once
from research.data.windows import Windows
from research.errors import UserError, nearest

# Raised when the same file is read as another series.
VERSION = "2.4.0"
CONTEXT = 64


def open_csv_series(file: Path, options: CsvOptions, key: str, cache_dir: str) -> Source:
    """The windows of a column.

    Args:
        file: the csv file.
        options: its target is the series, its time the column by which rows are sorted, and its
            series the column that tells several series apart.
        key: a digest of the file's content and of the options that decide how it is read.
        cache_dir: the directory of decoded copies.

    Raises:
        UserError: naming row and column, for what is missing, no number, or not in order.
    """
    load = functools.partial(
        read_series, file, options.target, options.time, options.series, options.reading()
    )
    context = options.context or CONTEXT
    return open_series(load, f"csv:{file.name}", key, VERSION, context, options.burn_in, cache_dir)


def read_series(
    file: Path,
    target: str,
    time: str = "",
    series: str = "",
    reading: Reading = PLAIN,
    unread: Collection[str] = (),
) -> Series:
    """The column's values, series after series, each in the order of time.

    Args:
        file: a csv file with a header.
        target: the column whose next value is forecast.
        time: the column that orders the rows; none: the order of the file.
        series: the column that tells series apart; none: there is one series.
        reading: how the file is written.
        unread: columns that are passed over.

    Raises:
        UserError: a column is missing, or a value cannot be read; the message names the row.
    """
    columns, notes = read_columns(file, reading, nameless=True)
    for name, wanted in (
        (target, "needs --target=COLUMN, the series to forecast"),
        (time, ""),
        (series, ""),
    ):
        if name not in columns and (name or wanted):
            wrong = f"has no column '{name}'" if name else wanted
            raise UserError(f"{file} {wrong}; {nearest(name, columns)}")
    if target in (time, series) or (time and time == series):
        raise UserError(
            f"--target={target}, --time={time} and --series={series} must name different columns"
        )
    column = columns[target]
    remedy = "a series consists of numbers"
    if reading.form.recorded:
        remedy = "new data is read as the run's own was, so write it alike"
    values = numbers_of(column, reading.form, remedy)
    check_complete(column, values, "a series needs one at each step; fill it in")
    others = {name: other for name, other in columns.items() if name not in unread}
    order = order_of(others, target, time, series)
    del others[target]
    notes += notes_on(column, reading.form, values)
    if not (time or series):
        notes += possible_series([*others.values()], reading.form.recorded)
    units = units_of({target: column}, reading.form) if target in reading.form.numbers else ()
    return Series(values[order.rows], order.lengths, (*notes, *order.notes), units)


def series_like(
    file: Path, spec: DataSpec, options: Mapping[str, Any]
) -> tuple[Windows, np.ndarray, np.ndarray, tuple[str, ...]]:
    """The windows of another file, read as the run's own series was.

    Each value but a series' first is a target once.

    Args:
        file: the new csv file.
        spec: the facts of the run's own data; a window is [T, 1].
        options: those with which the run's own series was read.

    Returns:
        The windows, the rows [R] to evaluate, their targets [R, T], and notes.
    """
    context = spec.inputs.shape[0]
    target, time, series = (options.get(name, "") for name in ("target", "time", "series"))
    with without_flags():
        read = read_series(
            file,
            target or "y",
            time,
            series,
            Reading.of(options, spec.units),
            options.get("drop", ()),
        )
    if min(read.lengths) <= context:
        which = "" if len(read.lengths) == 1 else "a series of "
        raise UserError(
            f"{file} has {which}{min(read.lengths)} rows, too few for a window of {context} and the"
            " next value"
        )
    assert spec.windows is not None
    values = spec.targets.differences(read.values)
    arrays = windowed(values, context, spec.windows.burn_in)
    return arrays.x, *each_once(arrays, read.lengths), read.notes
