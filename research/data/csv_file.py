"""`csv:FILE`: a table in a file. Types are inferred, categories become one-hot columns, the target is a column."""

import functools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from research.data.csv_columns import LARGEST, PLAIN, Column, Reading, missing, numbers, read_columns
from research.data.csv_series import open_csv_series
from research.data.decoded import digest, open_table
from research.data.one_hot import OneHot
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
    drop: Annotated[tuple[str, ...], "columns to leave out"] = (),
    encoding: Annotated[str, "how the file's bytes are text; none: what its first bytes say, else utf-8"] = "",
    comment: Annotated[str, "leave out the lines that begin with this, such as #"] = "",
) -> Source:
    """A csv file with a header, as it is or packed by gzip, bzip2 or xz.

    Missing numbers stay NaN, to be filled from the training rows (spec.impute). Raises UserError, naming row and
    column, for a missing value without `impute` and for text where numbers belong.
    """
    if not path:
        raise UserError("csv: lacks its file; write --dataset=csv:FILE")
    file = Path(path).expanduser()
    reading = Reading(encoding, comment, drop)
    asked = [target, impute, task, *([reading] if reading != PLAIN else [])]
    try:
        key = f"csv_{digest([file, *asked])}"
    except OSError as error:
        raise UserError(f"csv:{path}: {error.strerror}; expected a csv file with a header") from None
    if task == "forecast":
        if impute:
            raise UserError("impute fills the columns of a table; a series must have a value at each step")
        return open_csv_series(file, reading, target, key, context, burn_in, cache_dir)
    if context or burn_in:
        raise UserError(f"csv:{path}: context and burn_in are of a series; give --task=forecast, or leave them out")
    load = functools.partial(read, file, target, impute is not None, task, reading)
    known = {"name": f"csv:{file.name}", "impute": impute or ""}
    return open_table(f"{key}-{VERSION}", load, cache_dir=cache_dir, **known)


class Encoded(NamedTuple):
    """A column as inputs: its numbers, or the places of its categories among them, float32 [N]; NaN is missing."""

    values: np.ndarray
    categories: tuple[str, ...] = ()


def read(file: Path, target: str, impute: bool, task: str, reading: Reading = PLAIN) -> Table:
    """The file as a Table. A number that is missing is NaN, a category that is missing has no one-hot column set."""
    columns, notes = read_columns(file, reading)
    if target not in columns:
        wrong = f"has no column '{target}'" if target else "needs --target=COLUMN, the column to predict"
        raise UserError(f"{file} {wrong}; {nearest(target, columns)}")
    y, classes = _target(columns.pop(target), task)
    if not columns:
        raise UserError(f"{file} has no column but the target '{target}'")
    encoded = {}
    for name in list(columns):
        column = columns.pop(name)  # its texts go as soon as they are encoded
        encoded[name] = _numbers(column, impute) or _one_hot(column, impute)
    names = [
        feature
        for name, column in encoded.items()
        for feature in ([f"{name}={category}" for category in column.categories] or [name])
    ]
    return Table(_joined(list(encoded.values())), y, classes, tuple(names), notes=tuple(notes))


def read_like(
    file: Path, spec: DataSpec, target: str, reading: Reading = PLAIN
) -> tuple[Any, np.ndarray | None, list[str]]:
    """(x float32 [N, D], y [N], columns left over) of another file with the columns of `spec`, matched by name.

    y is None where the file has no target column. Raises UserError, naming row and column, for what the set that
    `spec` is of does not have: a column that is missing here, a category or class that is not known there.
    """
    columns = read_columns(file, reading).columns
    answer = columns.pop(target, None)
    encoded, used = [], set()
    for name, categories in _encodings(spec.features, columns):
        if name not in columns:
            raise UserError(f"{file} has no column '{name}', which the run was trained on; {nearest(name, columns)}")
        used.add(name)
        encoded.append(_like(columns[name], tuple(categories), bool(spec.impute)))
    y = None if answer is None else _target_like(answer, spec.classes)
    return _joined(encoded), y, [name for name in columns if name not in used]


def _joined(encoded: Sequence[Encoded]) -> Any:
    """The inputs of all columns: an array [N, D] of numbers, or OneHot if one has categories."""
    values = np.stack([column.values for column in encoded], axis=1)
    kinds = tuple(len(column.categories) for column in encoded)
    return OneHot(values, kinds) if any(kinds) else values


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


def _like(column: Column, categories: tuple[str, ...], impute: bool) -> Encoded:
    """The column's numbers, or the places of its cells among known categories."""
    without = missing(column.cells)
    if without.any() and not impute:
        row = int(without.argmax())
        raise column.error(row, "the value is missing; fill it in, since the run was trained without --impute")
    if not categories:
        values, _ = numbers(column.cells, ~without)
        wrong = ~without & ~(np.abs(values) <= LARGEST)
        if wrong.any():
            row = int(wrong.argmax())
            raise column.error(row, f"'{column.cells[row]}' is not a number, which the run was trained on")
        return Encoded(values.astype(np.float32))
    places = _places(column.cells, categories)
    wrong = ~without & np.isnan(places)
    if wrong.any():
        row = int(wrong.argmax())
        raise column.error(
            row, f"'{column.cells[row]}' was not there in training; {nearest(str(column.cells[row]), categories)}"
        )
    return Encoded(places, categories)


def _places(cells: pa.StringArray, names: Sequence[str]) -> np.ndarray:
    """Each cell's place among the names, float32 [N]; NaN where it is none of them."""
    places = pc.index_in(cells, pa.array(names, pa.string()))
    return pc.cast(places, pa.float32()).to_numpy(zero_copy_only=False)


def _target_like(column: Column, classes: Sequence[str]) -> np.ndarray:
    """The target's values float32 [N], or its classes int32 [N] by their place in `classes`."""
    without = missing(column.cells)
    values = _places(column.cells, classes) if classes else numbers(column.cells, ~without)[0]
    wrong = without | ~(np.abs(values) <= LARGEST)
    if wrong.any():
        row = int(wrong.argmax())
        cell = str(column.cells[row])
        known = f"one of the classes; {nearest(cell, classes)}" if classes else "a number"
        raise column.error(row, f"'{cell}' is not {known}; leave the column out to have predictions alone")
    return values.astype(np.int32 if classes else np.float32)


def _target(column: Column, task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The target's values float32 [N] and (), or its classes int32 [N] and their names."""
    without = missing(column.cells)
    if without.any():
        raise column.error(int(without.argmax()), "the target has no value; delete the row")
    values = _numbers(column, impute=False)
    names = pc.unique(column.cells).to_pylist()
    distinct = sorted(names, key=(lambda cell: (float(cell), cell)) if values else None)
    whole = all(cell.lstrip("+-").isdigit() for cell in distinct)
    if task == "regression" or (task == "auto" and values and not (whole and len(distinct) <= _MOST_CLASSES)):
        if not values:
            raise column.error(0, f"'{column.cells[0]}' is not a number, which a regression needs")
        return values.values, ()
    if len(distinct) < 2:
        raise UserError(f"{column.file}, column '{column.name}': all rows are of one class, '{distinct[0]}'")
    return _places(column.cells, distinct).astype(np.int32), tuple(distinct)


def _numbers(column: Column, impute: bool) -> Encoded | None:
    """The column's numbers, or None if most of its cells are text. Raises UserError at a stray text."""
    present = ~missing(column.cells)
    if not present.any():
        raise UserError(f"{column.file}, column '{column.name}' has no values; delete the column")
    values, written = numbers(column.cells, present)
    texts = present & ~written
    if 2 * texts.sum() >= present.sum():
        return None
    if texts.any():
        row = int(texts.argmax())
        most = f"{present.sum() - texts.sum()} of the column's {present.sum()} values are"
        raise column.error(row, f"'{column.cells[row]}' is not a number, but {most}")
    beyond = present & ~(np.abs(values) <= LARGEST)
    if beyond.any():
        row = int(beyond.argmax())
        raise column.error(row, f"'{column.cells[row]}' is not a finite number; the largest is {LARGEST:.1e}")
    _check_missing(column, impute)
    return Encoded(values.astype(np.float32))


def _one_hot(column: Column, impute: bool) -> Encoded:
    """The column's categories, a missing one as none of them."""
    _check_missing(column, impute)
    present = pc.filter(column.cells, pa.array(~missing(column.cells)))
    categories = sorted(pc.unique(present).to_pylist())
    most = min(_MOST_CATEGORIES, max(10, len(column.cells) // 2))
    if len(categories) > most:
        raise UserError(
            f"{column.file}, column '{column.name}' has {len(categories)} different texts in {len(column.cells)} rows, "
            f"too many for one-hot columns (at most {most}); delete the column or turn it into numbers"
        )
    return Encoded(_places(column.cells, categories), tuple(categories))


def _check_missing(column: Column, impute: bool) -> None:
    without = missing(column.cells)
    if without.any() and not impute:
        row = int(without.argmax())
        raise column.error(row, "the value is missing; fill it in or set --impute=mean, median or most_frequent")


def _entry(name: str) -> Entry:
    build = functools.partial(open_csv, name.removeprefix("csv:"))
    options = options_of(open_csv, given={"path", "data_dir", "cache_dir"})
    return Entry(name, build, "a csv file with a header; the target is one of its columns", options=options)


DATASETS.add_family("csv:", _entry, example="csv:FILE")
