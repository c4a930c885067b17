"""The target of a csv file: the classes or the values of a column, and the task that follows."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from research.data import labels
from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_numbers import Format
from research.data.csv_refused import flag
from research.data.csv_remarks import notes_on
from research.data.csv_values import (
    Values,
    categories_of,
    check_complete,
    numbers_of,
    parsed,
    values_of,
)
from research.errors import UserError, nearest


class Target(NamedTuple):
    """y: float64 [N] values, or the places int32 [N] of `classes`. notes: how it was understood."""

    y: np.ndarray
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def target_of(column: CsvColumn, task: str, form: Format) -> Target:
    """What the target column is for a task.

    `auto`: classes for texts and for few different whole numbers, else a quantity.

    Args:
        column: the target column.
        task: the task, or `auto`.
        form: how numbers are written.

    Raises:
        UserError: a value is missing, which the message names, or all rows have the same target.
    """
    column = column._replace(is_target=True)
    if task == "regression" or (task == "auto" and column.name in form.numbers):
        numbers = numbers_of(column, form, "a regression needs numbers")
        return _quantity(column, numbers, notes_on(column, form, numbers))
    values = values_of(column, form) if task == "auto" else _as_they_are(column, form)
    check_complete(column, values.numbers, _remedy(column))
    if values.categories:
        return _classes(column, values.categories, values.numbers, values.notes)
    numbered = labels.labels_of(values.numbers)
    classes = task == "classification" or labels.are_classes(numbered)
    note = labels.note(column.name, numbered, classes) if task == "auto" else ""
    notes = (*values.notes, *([note] if note else []))
    if classes:
        return _classes(column, _names(column, values.numbers), numbered.places, notes)
    return _quantity(column, values.numbers, notes)


def no_target(columns: Mapping[str, CsvColumn]) -> Target:
    """What a file without a target column has in its place: 0 in each row, which no task reads.

    Args:
        columns: all columns by name.
    """
    rows = max((len(column.cells) for column in columns.values()), default=0)
    note = (
        f"no --target is named, so all {len(columns)} columns are inputs; --target=COLUMN leaves"
        " one out, and metrics may compare with it"
    )
    return Target(np.zeros(rows), (), (note,))


def target_like(column: CsvColumn, classes: tuple[str, ...], form: Format) -> np.ndarray:
    """The target column of another file, read as the run's own was.

    Classes that are whole numbers are recognized in any spelling: 1, 1.0 and +1.

    Args:
        column: the target column.
        classes: the run's classes; none: its target is a quantity.
        form: how numbers are written.

    Returns:
        Values float64 [N], or the classes' numbers int32 [N].

    Raises:
        UserError: a value is missing or unknown; the message names the row.
    """
    leave = "leave the column out to have predictions alone"
    if not classes:
        numbers = numbers_of(column, form, f"write it as the run's own data does, or {leave}")
        check_complete(column, numbers, leave)
        return numbers
    places = pc.index_in(column.cells, pa.array(classes, pa.string()))
    known = form.numbers_in(pa.array(classes, pa.string()))
    if not np.isnan(known).any():
        numbers, _ = parsed(column, form, np.zeros(len(column.cells), bool))
        # Numbers beyond the last class would be one place too far; the comparison then finds them
        # unequal.
        nearest_place = np.searchsorted(known, numbers).clip(0, len(known) - 1)
        same = pa.array(known[nearest_place] == numbers)
        places = pc.coalesce(
            places, pc.if_else(same, pa.array(nearest_place.astype(np.int32)), None)
        )
    unknown = places.is_null().to_numpy(zero_copy_only=False)
    if unknown.any():
        row = int(unknown.argmax())
        cell = column.cells[row].as_py()
        if not cell:
            raise column.error(row, f"the value is missing; delete the row, or {leave}")
        raise column.error(
            row, f"'{cell}' is not one of the classes; {nearest(cell, classes)}; {leave}"
        )
    return places.to_numpy(zero_copy_only=False).astype(np.int32)


def _as_they_are(column: CsvColumn, form: Format) -> Values:
    """The column as classes by all means: numbers if all its cells are, else texts."""
    if column.name not in form.categories:
        absent = form.absent(column.cells, among_numbers=True)
        numbers, _ = parsed(column, form, absent)
        codes = pc.any(pc.match_substring_regex(column.cells, "^0[0-9]")).as_py()
        if not codes and np.isfinite(numbers[~absent]).all() and not absent.all():
            return Values(numbers)
    return categories_of(column, form)


def _classes(
    column: CsvColumn, names: tuple[str, ...], places: np.ndarray, notes: tuple[str, ...]
) -> Target:
    rows = len(places)
    if len(names) < 2:
        raise UserError(
            f"{_named(column)}: all {rows} rows have one class, '{names[0]}'; nothing can be"
            " learned"
        )
    if len(names) == rows > labels.MOST:
        raise UserError(
            f"{_named(column)}: each of the {rows} rows has a class of its own, like a name"
            " or an id; name another column with --target"
            f"{labels.as_quantity(names)}"
        )
    return Target(places.astype(np.int32), names, notes)


def _quantity(column: CsvColumn, numbers: np.ndarray, notes: tuple[str, ...]) -> Target:
    check_complete(column, numbers, _remedy(column))
    if (numbers == numbers[0]).all():
        raise UserError(
            f"{_named(column)}: all {len(numbers)} rows have the value {numbers[0]:g}; nothing can"
            " be learned"
        )
    return Target(numbers, (), notes)


def _names(column: CsvColumn, numbers: np.ndarray) -> tuple[str, ...]:
    """The names of classes that are numbers, ascending: as the column first spells each of them,
    but 3 for 3.0."""
    values, rows = np.unique(numbers, return_index=True)
    spelled = column.cells.take(pa.array(rows)).to_pylist()
    whole = [
        value == np.floor(value) and not re.fullmatch(r"[+-]?\d+", text)
        for value, text in zip(values, spelled, strict=True)
    ]
    return tuple(
        f"{value:.0f}" if plain else text
        for value, text, plain in zip(values, spelled, whole, strict=True)
    )


def _named(column: CsvColumn) -> str:
    return f"{column.file}, column '{column.name}'"


def _remedy(column: CsvColumn) -> str:
    return (
        f"a target has one in each row; delete the row, or {flag('categories', column)} makes a"
        " class of its text"
    )
