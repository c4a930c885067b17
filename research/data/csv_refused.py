"""Why a column with texts among its numbers is refused, and what the user can do about it, in a
line."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_dates import is_date, is_day
from research.data.csv_numbers import Format, readings, signed, written_otherwise

# Different texts of a column that are looked at, to say what they are.
_MANY = 5000


def flag(option: str, column: CsvColumn) -> str:
    """A flag that names the column, as a shell takes it."""
    return f"--{option}={shlex.quote(column.name)}"


def leave_out(column: CsvColumn, what: str = "it") -> str:
    """What to do if the column is not wanted; its target is the one that a table cannot lack."""
    if column.is_target:
        return "--target=COLUMN names another column"
    return f"{flag('drop', column)} leaves {what} out"


def without_value(column: CsvColumn, cell: str) -> str:
    """What to do with a cell that may mean that there is no value."""
    if column.is_target:
        return "delete the rows without a value, since a target has one in each row"
    return f"--missing={shlex.quote(cell)} reads it as a missing value"


def choices(column: CsvColumn) -> str:
    """What can be done with a column that could be of any kind."""
    return (
        f"{leave_out(column, 'the column')}; {flag('categories', column)} reads it as"
        f" categories, {flag('numbers', column)} as numbers"
    )


def unless_texts(column: CsvColumn, form: Format, stray: np.ndarray, numbers: np.ndarray) -> None:
    """Refuses a column that mixes numbers and texts, unless it is a column of texts.

    It is a column of numbers if most of its values are numbers, however they are written, or if all
    of
    its different values but one are.

    Args:
        column: the column.
        form: how numbers are written.
        stray: bool [N], the cells that are not plain numbers.
        numbers: float64 [N], the other cells' numbers, with NaN elsewhere.

    Raises:
        UserError: it is a column of numbers; the message names the first stray row.
    """
    texts, counts = _counted(column.cells.filter(pa.array(stray)))
    written = np.isin(texts, list(written_otherwise(texts)))
    plain = ~np.isnan(numbers)
    total = plain.sum() + stray.sum()
    # Where there are many different texts, only some are counted.
    share = stray.sum() / counts.sum()
    of_numbers = plain.sum() + share * counts[written].sum()
    different = len(np.unique(numbers[plain])) + written.sum()
    if 2 * of_numbers > total or (different > 1 and (~written).sum() == 1):
        cells = texts[written] if written.any() else texts
        first = int(pc.is_in(column.cells, pa.array(cells)).to_numpy(zero_copy_only=False).argmax())
        refuse(column, form, first, stray)
    dates = np.array([is_date(text) for text in texts])
    if 2 * share * counts[dates].sum() > total:
        refuse_date(
            column,
            int(
                pc.is_in(column.cells, pa.array(texts[dates]))
                .to_numpy(zero_copy_only=False)
                .argmax()
            ),
        )


def refuse(
    column: CsvColumn, form: Format, row: int, stray: np.ndarray, remedy: str = ""
) -> NoReturn:
    """Refuses the cell at `row`, which is not a plain number.

    Args:
        column: the column.
        form: how numbers are written.
        row: the row of the cell, from 0.
        stray: bool [N], all such cells.
        remedy: what to advise where the column can only be numbers.

    Raises:
        UserError: always.
    """
    cell = column.cells[row].as_py()
    # No flag changes how new data is read.
    if form.recorded:
        unit = dict(form.units).get(column.name, "").replace("…", "")
        kind = f"not in '{unit}'" if unit and signed(cell) else _kind(cell)
        raise column.error(row, f"'{cell}' is {kind}; {remedy}")
    if is_date(cell):
        refuse_date(column, row)
    texts, _ = _counted(column.cells.filter(pa.array(stray)))
    otherwise = written_otherwise([cell, *texts])
    absent = form.absent(column.cells, among_numbers=True)
    if cell in otherwise:
        others, _ = _counted(column.cells.filter(pa.array(~stray & ~absent)))
        signs = {text: (signed(text) or ("", ""))[0] for text in others}
        raise column.error(row, _written(column, form, cell, otherwise | signs, remedy))
    if remedy:
        raise column.error(row, f"'{cell}' is not a number; {remedy}")
    present = len(stray) - int(absent.sum())
    raise column.error(
        row,
        f"'{cell}' is not a number, but {present - int(stray.sum())} of the column's {present}"
        f" values are; {without_value(column, cell)};"
        f" {_otherwise(column)}",
    )


def refuse_date(column: CsvColumn, row: int) -> NoReturn:
    """Raises UserError for a column of dates or times, such as this row's cell."""
    cell = column.cells[row].as_py()
    as_number = f", {flag('numbers', column)} as a number" if cell.isdigit() else ""
    raise column.error(
        row,
        f"'{cell}' is a date or a time; {leave_out(column, 'the column')};"
        f" {flag('categories', column)} reads each as a category{as_number}; for a quantity"
        f" {_quantity(column, cell)}; for a series give --task=forecast {flag('time', column)}",
    )


def _quantity(column: CsvColumn, cell: str) -> str:
    """How a column of dates or times can become numbers."""
    if column.is_target or not (is_day(cell) or cell.isdigit()):
        return "write numbers, such as days since the first"
    return "--dates=ordinal reads days, --dates=parts year, month, day and weekday"


def _written(column: CsvColumn, form: Format, cell: str, signs: dict[str, str], remedy: str) -> str:
    """What to say of a number that is not written as the format has it. signs: of all numbers of
    the column."""
    other = next((text for text, sign in signs.items() if sign != signs[cell]), None)
    fitting = readings([cell, *signs])
    if other is None and not fitting:
        other = next(text for text in signs if not readings([cell, text]))
    if other is not None:
        return (
            f"'{cell}' and '{other}' are numbers written in different ways; write them alike, or"
            f" {without_value(column, cell)}; {remedy or _otherwise(column)}"
        )
    texts = pa.array([cell, *signs], pa.string())
    usual = f"leaving {form.flags()} out"
    ways = [
        f"{' '.join([way.flags(), _numbers_flag(column, way, texts)]).strip() or usual} reads it as"
        f" {value:.10g}"
        for value, way in fitting.items()
    ]
    return f"'{cell}' is {_kind(cell)}; {'; '.join(ways)}; {remedy or _otherwise(column)}"


def _kind(cell: str) -> str:
    """What a cell is that is no plain number."""
    parts = signed(cell)
    if parts is None:
        return "not a number"
    if parts[0]:
        return "a number with a sign"
    mantissa = re.sub(r"[eE][+-]?\d+$", "", cell)
    marks = "".join(dict.fromkeys(letter for letter in mantissa if not letter.isdigit()))
    return f"a number written with {marks!r}"


def _numbers_flag(column: CsvColumn, way: Format, texts: pa.StringArray) -> str:
    """The flag that reads signs and units too, "" if these texts have none."""
    return flag("numbers", column) if np.isnan(way.numbers_in(texts)).any() else ""


def _otherwise(column: CsvColumn) -> str:
    return f"{flag('categories', column)} reads the column as texts; {leave_out(column)}"


def _counted(cells: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """(texts [T], counts int [T]): different texts and how often each is there; of very many some,
    evenly chosen."""
    counted = pc.value_counts(cells)
    step = max(1, len(counted) // _MANY)
    texts: Sequence[str] = counted.field("values").to_pylist()[::step]
    return np.array(texts, object), counted.field("counts").to_numpy(zero_copy_only=False)[::step]
