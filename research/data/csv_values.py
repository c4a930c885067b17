"""What a column of texts is: numbers, categories, or neither; then the error says what would
help."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from research.data import csv_refused
from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_notations import notation
from research.data.csv_numbers import Format, signed
from research.data.csv_refused import flag
from research.data.csv_remarks import notes_on, notes_on_texts
from research.data.garbled import garbled
from research.data.lookalikes import lookalikes
from research.data.numbered_dates import are_compact, are_days, note_on_dates, unit_since_1970
from research.errors import UserError, nearest

LARGEST = float(np.finfo(np.float32).max)
# A whole number of 16 digits.
_ID = 1e15
# Rows from which 1, 2, 3, ... are taken for a count of them.
_COUNTED = 20


class Values(NamedTuple):
    """A column that is understood.

    numbers: float64 [N], or the places of its categories among them; NaN is missing. notes: how it
        was understood, where there was a choice.
    """

    numbers: np.ndarray
    categories: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def values_of(column: CsvColumn, form: Format) -> Values:
    """The column's numbers or categories. Raises UserError, naming the row, for a column that is
    neither."""
    if column.name in form.categories:
        return categories_of(column, form)
    if column.name in form.numbers:
        numbers = numbers_of(column, form)
        return Values(numbers, notes=notes_on(column, form, numbers))
    absent = form.absent(column.cells, among_numbers=True)
    numbers, stray = parsed(column, form, absent)
    if absent.all() or stray.any():
        if stray.any():
            csv_refused.unless_texts(column, form, stray, numbers)
        return categories_of(column, form)
    return _numbers(column, form, numbers, absent)


def numbers_of(column: CsvColumn, form: Format, remedy: str = "") -> np.ndarray:
    """The column as numbers, whatever it looks like; NaN is missing.

    In a column of `form.numbers` a number may have a sign or a unit that all of them have.

    Args:
        column: the column.
        form: how numbers are written, and which columns are numbers.
        remedy: what to advise where the column can only be numbers.

    Returns:
        float64 [N].

    Raises:
        UserError: a cell is another text; the message names the row.
    """
    absent = form.absent(column.cells, among_numbers=True)
    numbers, stray = parsed(column, form, absent)
    if column.name in form.numbers and (stray.any() or dict(form.units).get(column.name)):
        numbers, stray = _unsigned(column, form, absent)
    if stray.any():
        csv_refused.refuse(column, form, int(stray.argmax()), stray, remedy)
    _check_finite(column, numbers, form)
    return numbers


def categories_of(column: CsvColumn, form: Format) -> Values:
    """The column's texts as categories, by name. Only an empty cell of a column in
    `form.categories` is missing."""
    if column.name in form.categories:
        absent = pc.equal(column.cells, "").to_numpy(zero_copy_only=False)
    else:
        absent = form.absent(column.cells, among_numbers=False)
    # Sorted by code point, not by locale, so that every machine numbers the categories alike.
    names = tuple(sorted(pc.unique(column.cells.filter(pa.array(~absent))).to_pylist()))
    if not names:
        raise UserError(
            f"{column.file}, column '{column.name}' has no values; {flag('drop', column)} leaves"
            " it out"
        )
    notes = () if column.name in form.categories else notes_on_texts(column, form, names)
    what = f"column '{column.name}'"
    encoding = column.layout.encoding if column.layout else "utf-8"
    return Values(
        places_in(column.cells, names),
        names,
        (*notes, *lookalikes(names, what), *garbled(names, what, encoding)),
    )


def like(column: CsvColumn, categories: tuple[str, ...], form: Format) -> np.ndarray:
    """`Values.numbers` of a column of another file.

    Args:
        column: the column.
        categories: the run's categories of this column; none: it holds numbers.
        form: how numbers are written.

    Returns:
        float64 [N]: numbers, or the categories' numbers.

    Raises:
        UserError: a text is neither a number nor a known category; the message names the row.
    """
    if not categories:
        return numbers_of(column, form, "new data is read as the run's own was, so write it alike")
    places = places_in(column.cells, categories)
    absent = form.absent(column.cells, among_numbers=False)
    if column.name in form.categories:
        absent = pc.equal(column.cells, "").to_numpy(zero_copy_only=False)
    unknown = np.isnan(places) & ~absent
    if unknown.any():
        row = int(unknown.argmax())
        cell = column.cells[row].as_py()
        raise column.error(
            row,
            f"'{cell}' was not there in training; {nearest(cell, categories)}; correct it, or leave"
            " its rows out",
        )
    return places


def places_in(cells: pa.StringArray, names: tuple[str, ...]) -> np.ndarray:
    """The place of each cell among the names, float64 [N]; NaN for what is none of them."""
    places = pc.index_in(cells, pa.array(names, pa.string()))
    return pc.cast(places, pa.float64()).to_numpy(zero_copy_only=False)


def check_complete(column: CsvColumn, values: np.ndarray, remedy: str) -> None:
    """Refuses a column that lacks a value, and says what the cell has instead.

    Args:
        column: the column.
        values: float64 [N]; NaN is missing.
        remedy: what the message advises.

    Raises:
        UserError: a value is missing; the message names the first row.
    """
    missing = np.isnan(values)
    if missing.any():
        row = int(missing.argmax())
        cell = column.cells[row].as_py()
        raise column.error(row, f"the value is missing{f' ({cell!r})' if cell else ''}; {remedy}")


def check_one_hot(column: CsvColumn, values: Values, form: Format) -> None:
    """Refuses a column with too many categories for one-hot columns.

    Args:
        column: the column.
        values: its values as they are read.
        form: how numbers are written.

    Raises:
        UserError: there are more categories than half the rows, or than 1000.
    """
    different = len(values.categories)
    rows = len(values.numbers)
    most = min(1000, max(10, rows // 2))
    if different <= most:
        return
    numbers = not np.isnan(form.numbers_in(pa.array(values.categories))).any()
    otherwise = "or turn it into numbers"
    if numbers:
        otherwise = f"{flag('numbers', column)} reads it as numbers"
    elif known := notation(values.categories):
        text, (plural, instead) = known
        otherwise = f"or, since '{text}' is one of many {plural}, {instead}"
    raise UserError(
        f"{column.file}, column '{column.name}' has {different} different texts in {rows}"
        f" rows{', like names or ids' if different == rows else ''}, too many for one-hot"
        f" columns (at most {most}); {csv_refused.leave_out(column)}, {otherwise}"
    )


def parsed(column: CsvColumn, form: Format, absent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the cells that are not absent.

    Args:
        column: the column.
        form: how numbers are written.
        absent: bool [N], the cells that stand for a missing value.

    Returns:
        Numbers float64 [N], and bool [N]: the cells that are present and not a number.
    """
    cells = pc.if_else(pa.array(absent), None, column.cells) if absent.any() else column.cells
    numbers = form.numbers_in(cells)
    stray = ~absent & np.isnan(numbers)
    if stray.any() and _has_points(cells, form, stray):
        numbers = Format().numbers_in(cells)
        stray = ~absent & np.isnan(numbers)
    return numbers, stray


def _has_points(cells: pa.StringArray, form: Format, stray: np.ndarray) -> bool:
    """Whether a column of a file with decimal commas has decimal points, as labels that another
    program wrote: 1.0.

    Only where no point can be meant as a thousands mark.
    """
    if form.decimal == ".":
        return False
    groups = pc.match_substring_regex(cells, r"^[+-]?[0-9]{1,3}([.][0-9]{3})+$").fill_null(False)
    ambiguous = groups.to_numpy(zero_copy_only=False)
    if form.thousands != ".":
        return bool((stray & ~ambiguous).any())
    return not ambiguous.any()


def _numbers(column: CsvColumn, form: Format, numbers: np.ndarray, absent: np.ndarray) -> Values:
    """A column of nothing but numbers. Codes, ids and days among them are no quantities."""
    _check_finite(column, numbers, form)
    present = numbers[~absent]
    notes = notes_on(column, form, numbers)
    if note := note_on_dates(column.name, present):
        remedy = "write what repeats, such as the hour or the month, or"
        notes += (f"{note}: {remedy} {csv_refused.leave_out(column)}",)
    if (present != np.floor(present)).any():
        return Values(numbers, notes=notes)
    cells = column.cells.filter(pa.array(~absent))
    if pc.all(pc.match_substring_regex(cells, r"^\+[0-9]{8,15}$")).as_py():
        raise column.error(
            int((~absent).argmax()),
            f"'{cells[0]}' looks like a telephone number; {csv_refused.choices(column)}",
        )
    codes = cells.filter(pc.match_substring_regex(cells, "^0[0-9]"))
    long = len(codes) or np.abs(present).max() >= _ID
    if long and pc.all(pc.match_substring_regex(cells, r"^[0-9]+(?:\.0*)?$")).as_py():
        if not len(codes):
            row = int((np.nan_to_num(numbers) >= _ID).argmax())
            cell = column.cells[row].as_py()
            digits = len(cell.partition(".")[0])
            unit = unit_since_1970(present)
            choices = csv_refused.choices(column)
            choices += f"; as times they would be {unit} since 1970" if unit else ""
            raise column.error(row, f"'{cell}' has {digits} digits, as ids have; {choices}")
        if are_compact(cells):
            csv_refused.refuse_date(column, int((~absent).argmax()))
        values = categories_of(column, form)
        read = (
            f"column '{column.name}' has codes with leading zeros ('{codes[0]}') and is read as"
            " categories"
        )
        return values._replace(
            notes=(*values.notes, f"{read}; {flag('numbers', column)} reads it as numbers")
        )
    if are_days(present):
        csv_refused.refuse_date(column, int((~absent).argmax()))
    if (
        len(numbers) >= _COUNTED
        and not absent.any()
        and present[0] in (0, 1)
        and (np.diff(present) == 1).all()
    ):
        notes += (f"column '{column.name}' counts the rows; {csv_refused.leave_out(column)}",)
    return Values(numbers, notes=notes)


def units_of(columns: Mapping[str, CsvColumn], form: Format) -> tuple[tuple[str, str], ...]:
    """The columns of `form.numbers`, each with the sign or unit that its first number has."""
    units = []
    for name in form.numbers:
        cells = columns[name].cells
        absent = form.absent(cells, among_numbers=True)
        first = cells[int((~absent).argmax())].as_py()
        units.append((name, (signed(first) or ("", first))[0]))
    return tuple(units)


def _unsigned(column: CsvColumn, form: Format, absent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As parsed, without the sign or unit that the run's own numbers have, or else the first one;
    another sign leaves no number."""
    texts = pc.unique(column.cells.filter(pa.array(~absent))).to_pylist()
    parts = [signed(text) or ("", text) for text in texts]
    numbers = form.numbers_in(pa.array([number for _, number in parts], pa.string()))
    unit = dict(form.units).get(column.name, parts[0][0] if parts else "")
    alike = [sign == unit for sign, _ in parts]
    places = np.nan_to_num(places_in(column.cells, tuple(texts))).astype(int)
    values = np.where(absent, np.nan, np.where(alike, numbers, np.nan)[places])
    return values, ~absent & np.isnan(values)


def _check_finite(column: CsvColumn, numbers: np.ndarray, form: Format) -> None:
    beyond = np.abs(numbers) > LARGEST
    if beyond.any():
        row = int(beyond.argmax())
        cell = column.cells[row].as_py()
        remedy = f"; {csv_refused.without_value(column, cell)}"
        raise column.error(
            row,
            f"'{cell}' is not a finite number; the largest is {LARGEST:.1e}"
            f"{'' if form.recorded else remedy}",
        )
