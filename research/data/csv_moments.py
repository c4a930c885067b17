"""Columns of dates as numbers: days since 1970, or the parts of each date."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from research.data import csv_refused
from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_dates import Ambiguous, compact_dates, is_day, moments
from research.data.csv_numbers import Format
from research.data.numbered_dates import are_days
from research.errors import UserError

_DAY = 86_400_000_000  # microseconds


def with_dates(
    columns: Mapping[str, CsvColumn],
    how: str,
    form: Format,
    others: Collection[str],
    known: Collection[str] = (),
) -> dict[str, CsvColumn]:
    """The columns, with numbers in the place of dates.

    Args:
        columns: by name.
        how: `ordinal`: days since 1970-01-01, with a fraction for the time of day. `parts`: a
            column `NAME.year` and so on for each part; the hour only if some time is not midnight.
        form: how cells are read; a column that it names stays what it is.
        others: columns that are no inputs.
        known: the inputs of a run, which say whether it has the hour; () before there is one.

    Raises:
        UserError: a cell among dates is none, or its day could be its month; the message names the
            row.
    """
    read: dict[str, CsvColumn] = {}
    stay = {*form.numbers, *form.categories, *others}
    for name, column in columns.items():
        there = ~form.absent(column.cells, among_numbers=True)
        if name in stay or not _is_of_dates(column, there):
            read[name] = column
            continue
        times = _times(column, there)
        for part, numbers in _parts(times, there, how, f"{name}.hour" in known, bool(known)):
            if part and f"{name}{part}" in columns:
                raise UserError(
                    f"{column.file} has a column '{name}{part}' beside the dates of '{name}';"
                    " rename it, or set --dates=ordinal"
                )
            cells = pc.fill_null(pc.cast(pa.array(numbers, mask=~there), pa.string()), "")
            read[f"{name}{part}"] = column._replace(name=f"{name}{part}", cells=cells)
    return read


def _is_of_dates(column: CsvColumn, there: np.ndarray) -> bool:
    """Whether most of the cells that are there are dates."""
    cells = column.cells.filter(pa.array(there))
    if not len(cells):
        return False
    if pc.all(pc.match_substring_regex(cells, "^[0-9]{6,14}$")).as_py():
        return are_days(pc.cast(cells, pa.float64()).to_numpy()) and (
            compact_dates(cells) is not None
        )
    counted = pc.value_counts(cells)
    counts = counted.field("counts").to_numpy()
    dates = np.array([is_day(text) for text in counted.field("values").to_pylist()])
    return bool(2 * counts[dates].sum() > counts.sum())


def _times(column: CsvColumn, there: np.ndarray) -> np.ndarray:
    """The microseconds from 1970 of each cell, int64 [N]; 0 where there is none."""
    cells = column.cells.filter(pa.array(there))
    coded = cells.dictionary_encode()
    texts = coded.dictionary.to_pylist()
    try:
        read = moments(texts)
    except Ambiguous:
        row = int(there.argmax())
        raise column.error(
            row,
            f"'{column.cells[row]}' could begin with its day or its month; write dates as"
            f" 2024-01-31, or {csv_refused.leave_out(column, 'the column')}",
        ) from None
    if read is None and all(map(str.isdigit, texts)):
        read = compact_dates(coded.dictionary)
    if read is None:
        wrong = next((text for text in texts if not is_day(text)), None)
        row = 0 if wrong is None else column.cells.index(wrong).as_py()
        problem = "is no date, and most of the column's cells are dates"
        if wrong is None:
            problem = "and other dates of the column are written in different ways"
        raise column.error(
            row,
            f"'{column.cells[row]}' {problem}; write them alike, as 2024-01-31, or"
            f" {csv_refused.without_value(column, str(column.cells[row]))}",
        )
    times = np.zeros(len(there), np.int64)
    times[there] = read[coded.indices.to_numpy()]
    return times


def _parts(
    times: np.ndarray, there: np.ndarray, how: str, has_hour: bool, decided: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """The end of each new column's name, and its numbers [N]."""
    days, time = np.divmod(times, _DAY)
    if how == "ordinal":
        whole = not time[there].any()
        yield "", days if whole else times / _DAY
        return
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    yield ".year", dates.astype("datetime64[Y]").astype(np.int64) + 1970
    yield ".month", months.astype(np.int64) % 12 + 1
    yield ".day", (dates - months).astype(np.int64) + 1
    # 1970-01-01 was a Thursday; Monday is 1, as in ISO 8601.
    yield ".weekday", (days + 3) % 7 + 1
    if has_hour or (not decided and time[there].any()):
        yield ".hour", time / 3_600_000_000
