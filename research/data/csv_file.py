"""`csv:FILE`: a table in a file. Types are inferred, categories become one-hot columns, the target is a column."""

import collections
import csv
import functools
import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np

from research.data.builder import open_built
from research.data.decoded import digest
from research.data.spec import DataSpec, Source
from research.data.table import Table
from research.errors import UserError, nearest
from research.options import options_of
from research.registry import DATASETS, Entry

VERSION = "1.0.0"  # raised when the same file is read as other arrays
_MISSING = {"", "?", "na", "n/a", "nan", "null"}
_MOST_CLASSES = 20  # whole numbers of more distinct values than this are a quantity
_MOST_CATEGORIES = 1000
_LARGEST = float(np.finfo(np.float32).max)


class Column(NamedTuple):
    """One column: its name, and its cells with the line of the file that each stands on."""

    file: Path
    name: str
    cells: Sequence[str]
    lines: Sequence[int]

    def error(self, row: int, problem: str) -> UserError:
        """The error at one of its rows, named as a spreadsheet does: the header is row 1."""
        return UserError(f"{self.file}, row {self.lines[row]}, column '{self.name}': {problem}")


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
        Literal["auto", "classification", "regression"], "auto: regression if the target is a quantity"
    ] = "auto",
) -> Source:
    """A csv file with a header. Missing numbers stay NaN, to be filled from the training rows (spec.impute).

    Raises UserError, naming row and column, for a missing value without `impute` and for text where numbers belong.
    """
    file = Path(path).expanduser()
    try:
        key = f"csv_{digest([file, target, impute, task])}"
    except OSError as error:
        raise UserError(f"csv:{path}: {error.strerror}; expected a csv file with a header") from None

    load = functools.partial(read, file, target, impute is not None, task)
    known = {"name": f"csv:{file.name}", "impute": impute or ""}
    return open_built(load, key, VERSION, cache_dir=cache_dir, **known)


def read(file: Path, target: str, impute: bool, task: str) -> Table:
    """The file as a Table. A number that is missing is NaN, a category that is missing has no one-hot column set."""
    columns = {column.name: column for column in _columns(file)}
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
    columns = {column.name: column for column in _columns(file)}
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
        if _missing(cell) and not impute:
            raise column.error(row, "the value is missing; fill it in, since the run was trained without --impute")
        if not categories:
            number = math.nan if _missing(cell) else _number(cell)
            if number is None:
                raise column.error(row, f"'{cell}' is not a number, which the run was trained on")
            values[row] = number
        elif cell in categories:
            values[row, categories.index(cell)] = 1
        elif not _missing(cell):
            raise column.error(row, f"'{cell}' was not there in training; {nearest(cell, categories)}")
    return values


def _target_like(column: Column, classes: Sequence[str]) -> np.ndarray:
    """The target's values float32 [N], or its classes int32 [N] by their place in `classes`."""
    values = []
    for row, cell in enumerate(column.cells):
        value = _number(cell) if not classes else classes.index(cell) if cell in classes else None
        if _missing(cell) or value is None:
            known = f"one of the classes; {nearest(cell, classes)}" if classes else "a number"
            raise column.error(row, f"'{cell}' is not {known}; leave the column out to have predictions alone")
        values.append(value)
    return np.array(values, np.int32 if classes else np.float32)


def _columns(file: Path) -> list[Column]:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read as text in UTF-8: {error}") from None
    first = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(keepends=True), delimiter=max(",;\t", key=first.count), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise UserError(f"{file}, row {reader.line_num}: {error}") from None
    if len(rows) < 2:
        raise UserError(f"{file} {'has a header but no rows' if rows else 'is empty'}")
    header, *rows = rows
    for row, line in zip(rows, lines[1:], strict=True):
        if len(row) != len(header):
            raise UserError(f"{file}, row {line}: {len(row)} cells, but the header has {len(header)} columns")
    twice = [name for name, count in collections.Counter(header).items() if count > 1 or not name]
    if twice:
        raise UserError(f"{file}: the header needs one name for each column; '{twice[0]}' is empty or there twice")
    cells = zip(*rows, strict=True)
    return [Column(file, name, column, lines[1:]) for name, column in zip(header, cells, strict=True)]


def _target(column: Column, task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The target's values float32 [N] and (), or its classes int32 [N] and their names."""
    for row, cell in enumerate(column.cells):
        if _missing(cell):
            raise column.error(row, "the target has no value; delete the row")
    numbers = _numbers(column, impute=False)
    distinct = sorted(set(column.cells), key=(lambda cell: (_number(cell), cell)) if numbers else None)
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
    present = [row for row, cell in enumerate(column.cells) if not _missing(cell)]
    if not present:
        raise UserError(f"{column.file}, column '{column.name}' has no values; delete the column")
    texts = [row for row in present if _number(column.cells[row]) is None]
    if 2 * len(texts) >= len(present):
        return None
    if texts:
        most = f"{len(present) - len(texts)} of the column's {len(present)} values are"
        raise column.error(texts[0], f"'{column.cells[texts[0]]}' is not a number, but {most}")
    _check_missing(column, impute)
    values = [math.nan if _missing(cell) else _number(cell) for cell in column.cells]
    return np.array(values, np.float32)[:, None], [column.name]


def _one_hot(column: Column, impute: bool) -> tuple[np.ndarray, list[str]]:
    """The column's categories as float32 [N, K], a missing one as zeros."""
    _check_missing(column, impute)
    categories = sorted({cell for cell in column.cells if not _missing(cell)})
    most = min(_MOST_CATEGORIES, max(10, len(column.cells) // 2))
    if len(categories) > most:
        raise UserError(
            f"{column.file}, column '{column.name}' has {len(categories)} different texts in {len(column.cells)} rows, "
            f"too many for one-hot columns (at most {most}); delete the column or turn it into numbers"
        )
    cells = np.array(column.cells)[:, None] == np.array(categories)[None, :]
    return cells.astype(np.float32), [f"{column.name}={category}" for category in categories]


def _check_missing(column: Column, impute: bool) -> None:
    row = next((row for row, cell in enumerate(column.cells) if _missing(cell)), None)
    if row is not None and not impute:
        raise column.error(row, "the value is missing; fill it in or set --impute=mean, median or most_frequent")


def _missing(cell: str) -> bool:
    return cell.lower() in _MISSING


def _number(cell: str) -> float | None:
    """The cell's number, or None if it is not one that float32 can hold."""
    try:
        number = float(cell) if "_" not in cell else math.nan
    except ValueError:
        return None
    return number if abs(number) <= _LARGEST else None


def _entry(name: str) -> Entry:
    build = functools.partial(open_csv, name.removeprefix("csv:"))
    options = options_of(open_csv, given={"path", "data_dir", "cache_dir"})
    return Entry(name, build, "a csv file with a header; the target is one of its columns", options=options)


DATASETS.add_family("csv:", _entry)
