"""`csv:FILE`: a table in a file. Types are inferred, categories become one-hot columns, the target is a column."""

import functools
import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from research.data.builder import open_built
from research.data.csv_columns import LARGEST, Column, is_missing, is_number, number, read_columns
from research.data.csv_series import open_csv_series
from research.data.decoded import digest
from research.data.spec import DataSpec, Source
from research.data.table import Table
from research.errors import UserError, nearest
from research.options import Count, Range, options_of
from research.registry import DATASETS, Entry

VERSION = "1.0.0"  # raised when the same file is read as other arrays
_MOST_CLASSES = 20  # whole numbers of more distinct values than this are a quantity
_MOST_CATEGORIES = 1000


def open_csv(
    path: str,
    *,
    data_dir: str | None,
    cache_dir: str,
    target: Annotated[str, "the column to predict"] = "",
    impute: Annotated[
        Literal["mean", "median", "most_frequent"] | None, "fill a missing number with this, of the training rows"
    ] = None,
    task: Annotated[
        Literal["auto", "classification", "regression", "forecast"],
        "auto: regression if the target is a quantity; forecast: the target is a series, row after row",
    ] = "auto",
    context: Annotated[Count | None, "of a forecast: values that a window holds; none: 64"] = None,
    burn_in: Annotated[int, Range(0), "of a forecast: steps at a window's start whose error does not count"] = 0,
) -> Source:
    """A csv file with a header. Missing numbers stay NaN, to be filled from the training rows (spec.impute).

    Raises UserError, naming row and column, for a missing value without `impute` and for text where numbers belong.
    """
    if not path:
        raise UserError("csv: lacks its file; write --dataset=csv:FILE")
    file = Path(path).expanduser()
    try:
        key = f"csv_{digest([file, target, impute, task])}"
    except OSError as error:
        raise UserError(f"csv:{path}: {error.strerror}; expected a csv file with a header") from None
    if task == "forecast":
        if impute:
            raise UserError("impute fills the columns of a table; a series must have a value at each step")
        return open_csv_series(file, target, key, context, burn_in, cache_dir)
    if context or burn_in:
        raise UserError(f"csv:{path}: context and burn_in are of a series; give --task=forecast, or leave them out")
    load = functools.partial(read, file, target, impute is not None, task)
    known = {"name": f"csv:{file.name}", "impute": impute or ""}
    return open_built(load, key, VERSION, cache_dir=cache_dir, **known)


def read(file: Path, target: str, impute: bool, task: str) -> Table:
    """The file as a Table. A number that is missing is NaN, a category that is missing has no one-hot column set."""
    columns = {column.name: column for column in read_columns(file)}
    if target not in columns:
        wrong = f"has no column '{target}'" if target else "needs --target=COLUMN, the column to predict"
        raise UserError(f"{file} {wrong}; {nearest(target, columns)}")
    y, classes = _target(columns.pop(target), task)
    if not columns:
        raise UserError(f"{file} has no column but the target '{target}'")
    encoded = [_numbers(column, impute) or _one_hot(column, impute) for column in columns.values()]
    x = np.concatenate([values for values, _ in encoded], axis=1)  # [N, D]
    return Table(x, y, classes, tuple(name for _, names in encoded for name in names))


def read_like(file: Path, spec: DataSpec, target: str) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """(x float32 [N, D], y [N], columns left over) of another file with the columns of `spec`, matched by name.

    y is None where the file has no target column. Raises UserError, naming row and column, for what the set that
    `spec` is of does not have: a column that is missing here, a category or class that is not known there.
    """
    columns = {column.name: column for column in read_columns(file)}
    answer = columns.pop(target, None)
    encoded, used = [], set()
    for name, categories in _encodings(spec.features, columns):
        if name not in columns:
            raise UserError(f"{file} has no column '{name}', which the run was trained on; {nearest(name, columns)}")
        used.add(name)
        encoded.append(_like(columns[name], categories, bool(spec.impute)))
    y = None if answer is None else _target_like(answer, spec.classes)
    return np.concatenate(encoded, axis=1), y, [name for name in columns if name not in used]


def _encodings(features: Sequence[str], columns: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    """(column, its categories, or none of a number) from the features that they became: `colour=red` is a category."""
    grouped: dict[str, list[str]] = {}
    for feature in features:
        # A name or a category may have an = in it: the columns that are there say which it is.
        cuts = [place for place, letter in enumerate(feature) if letter == "="]
        known = [place for place in cuts if feature[:place] in columns]
        if feature in columns or not cuts:
            grouped[feature] = []
        else:
            cut = (known or cuts)[0]
            grouped.setdefault(feature[:cut], []).append(feature[cut + 1 :])
    yield from grouped.items()


def _like(column: Column, categories: list[str], impute: bool) -> np.ndarray:
    """The column as float32 [N, 1], or [N, K] of known categories; a missing number is NaN, a category zeros."""
    values = np.zeros((len(column.cells), max(len(categories), 1)), np.float32)
    for row, cell in enumerate(column.cells):
        if is_missing(cell) and not impute:
            raise column.error(row, "the value is missing; fill it in, since the run was trained without --impute")
        if not categories:
            value = math.nan if is_missing(cell) else number(cell)
            if value is None:
                raise column.error(row, f"'{cell}' is not a number, which the run was trained on")
            values[row] = value
        elif cell in categories:
            values[row, categories.index(cell)] = 1
        elif not is_missing(cell):
            raise column.error(row, f"'{cell}' was not there in training; {nearest(cell, categories)}")
    return values


def _target_like(column: Column, classes: Sequence[str]) -> np.ndarray:
    """The target's values float32 [N], or its classes int32 [N] by their place in `classes`."""
    values = []
    for row, cell in enumerate(column.cells):
        value = number(cell) if not classes else classes.index(cell) if cell in classes else None
        if is_missing(cell) or value is None:
            known = f"one of the classes; {nearest(cell, classes)}" if classes else "a number"
            raise column.error(row, f"'{cell}' is not {known}; leave the column out to have predictions alone")
        values.append(value)
    return np.array(values, np.int32 if classes else np.float32)


def _target(column: Column, task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The target's values float32 [N] and (), or its classes int32 [N] and their names."""
    for row, cell in enumerate(column.cells):
        if is_missing(cell):
            raise column.error(row, "the target has no value; delete the row")
    numbers = _numbers(column, impute=False)
    distinct = sorted(set(column.cells), key=(lambda cell: (number(cell), cell)) if numbers else None)
    whole = all(cell.lstrip("+-").isdigit() for cell in distinct)
    if task == "regression" or (task == "auto" and numbers and not (whole and len(distinct) <= _MOST_CLASSES)):
        if not numbers:
            raise column.error(0, f"'{column.cells[0]}' is not a number, which a regression needs")
        return numbers[0][:, 0], ()
    if len(distinct) < 2:
        raise UserError(f"{column.file}, column '{column.name}': all rows are of one class, '{distinct[0]}'")
    index = {name: place for place, name in enumerate(distinct)}
    return np.array([index[cell] for cell in column.cells], np.int32), tuple(distinct)


def _numbers(column: Column, impute: bool) -> tuple[np.ndarray, list[str]] | None:
    """The column as float32 [N, 1], or None if most of its cells are text. Raises UserError at a stray text."""
    present = [row for row, cell in enumerate(column.cells) if not is_missing(cell)]
    if not present:
        raise UserError(f"{column.file}, column '{column.name}' has no values; delete the column")
    texts = [row for row in present if not is_number(column.cells[row])]
    if 2 * len(texts) >= len(present):
        return None
    if texts:
        most = f"{len(present) - len(texts)} of the column's {len(present)} values are"
        raise column.error(texts[0], f"'{column.cells[texts[0]]}' is not a number, but {most}")
    for row in present:
        if number(column.cells[row]) is None:
            raise column.error(row, f"'{column.cells[row]}' is not a finite number; the largest is {LARGEST:.1e}")
    _check_missing(column, impute)
    values = [math.nan if is_missing(cell) else number(cell) for cell in column.cells]
    return np.array(values, np.float32)[:, None], [column.name]


def _one_hot(column: Column, impute: bool) -> tuple[np.ndarray, list[str]]:
    """The column's categories as float32 [N, K], a missing one as zeros."""
    _check_missing(column, impute)
    categories = sorted({cell for cell in column.cells if not is_missing(cell)})
    most = min(_MOST_CATEGORIES, max(10, len(column.cells) // 2))
    if len(categories) > most:
        raise UserError(
            f"{column.file}, column '{column.name}' has {len(categories)} different texts in {len(column.cells)} rows, "
            f"too many for one-hot columns (at most {most}); delete the column or turn it into numbers"
        )
    cells = np.array(column.cells)[:, None] == np.array(categories)[None, :]
    return cells.astype(np.float32), [f"{column.name}={category}" for category in categories]


def _check_missing(column: Column, impute: bool) -> None:
    row = next((row for row, cell in enumerate(column.cells) if is_missing(cell)), None)
    if row is not None and not impute:
        raise column.error(row, "the value is missing; fill it in or set --impute=mean, median or most_frequent")


def _entry(name: str) -> Entry:
    build = functools.partial(open_csv, name.removeprefix("csv:"))
    options = options_of(open_csv, given={"path", "data_dir", "cache_dir"})
    return Entry(name, build, "a csv file with a header; the target is one of its columns", options=options)


DATASETS.add_family("csv:", _entry, example="csv:FILE")
