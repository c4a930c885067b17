"""`arrays:DIGEST`: a data set given as arrays in memory, known by a digest of their bytes."""

import functools
import hashlib
from typing import Any

import numpy as np

from research.data import labels, remarks
from research.data.adapted import Task, adapted
from research.data.array_cache import digest, open_table
from research.data.data_table import Table
from research.data.garbled import garbled
from research.data.lookalikes import lookalikes
from research.data.origin import narrow
from research.data.spec import Source
from research.errors import UserError
from research.options import options_of
from research.registry import DATASETS, Entry

# Raised when the same arrays are read as another data set.
VERSION = 1
PREFIX = "arrays:"

_WITHOUT_VALUE = "if it means a missing value, fill it in, or leave these rows out"

# The arrays that this process was given. Their decoded copy in the cache outlives it.
_TABLES: dict[str, Table] = {}


def register(x: Any, y: Any) -> str:
    """The name of the data set of inputs x [N, ...] and targets y [N]; the same arrays have the
    same name.

    Texts, booleans, the integers of an integer array, and few whole numbers among floats are
    classes; other floats are a regression's values. Images are uint8 [N, H, W, C]. Masked values
    are missing. Raises UserError if x or y cannot be read, or if they do not belong together.
    """
    inputs = _numbers(x)
    targets, classes, notes = _targets(_array(y, "y"), inputs)
    target_origin = 0.0
    if not classes:
        answers = narrow(targets)
        targets, target_origin = answers.values, answers.origin
        notes += answers.notes("the target")
    origin: tuple[float, ...] = ()
    if inputs.dtype == np.float64 and inputs.ndim == 2:
        columns = [narrow(column) for column in inputs.T]
        origin = tuple(column.origin for column in columns)
        for place, column in enumerate(columns):
            notes += column.notes(f"column '{place}'")
            notes += remarks.of_numbers(str(place), inputs[:, place], _WITHOUT_VALUE)
        inputs = np.stack([column.values for column in columns], axis=1)
    if inputs.dtype != np.uint8:
        inputs = inputs.astype(np.float32)
    table = Table(
        inputs,
        targets,
        classes,
        maximum=255.0 if inputs.dtype == np.uint8 else 1.0,
        notes=tuple(notes),
        origin=origin if any(origin) else (),
        target_origin=target_origin,
        numbered=bool(classes) and np.asarray(y).dtype.kind in "iuf",
    )
    bytes_of = [hashlib.sha256(array.tobytes()).hexdigest() for array in (inputs, targets)]
    # Only what is set enters besides, so that most arrays keep their name.
    kinds: list[Any] = [(table.origin, target_origin)] if table.origin or target_origin else []
    kinds += ["classes of floats"] if classes and np.asarray(y).dtype.kind == "f" else []
    content = digest([VERSION, inputs.shape, inputs.dtype.str, classes, *bytes_of, *kinds])
    _TABLES[content] = table
    return f"{PREFIX}{content}"


def _array(values: Any, name: str) -> np.ndarray:
    """The values as an array. Raises UserError for rows of different lengths."""
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        # What lies under a mask is any number.
        return np.ma.filled(values.astype(np.float64), np.nan)
    try:
        return np.asarray(values)
    except ValueError:
        raise UserError(
            f"{name} has rows of different lengths; expected one array, [N, ...]"
        ) from None


def _numbers(x: Any) -> np.ndarray:
    """Inputs [N, ...] as uint8 or float64. Raises UserError for what is no number."""
    inputs = _array(x, "x")
    if inputs.dtype == np.uint8:
        return inputs
    try:
        if inputs.dtype.kind not in "biufOUS":
            raise TypeError
        inputs = inputs.astype(np.float64)
    except (TypeError, ValueError):
        raise UserError(
            f"x is {inputs.dtype}, and not all of it is a number; a pandas.DataFrame may have"
            " texts and dates"
        ) from None
    if np.isnan(inputs).any():
        place = tuple(int(index) for index in np.argwhere(np.isnan(inputs))[0])
        raise UserError(
            f"x has no value at {list(place)}; fill it in, or give a pandas.DataFrame and"
            " impute='mean'"
        )
    return inputs


def _targets(y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """(int32 [N], the classes' names, notes), or (float64 [N], (), notes)."""
    if y.dtype == object:
        # None and NaN would become the names of classes.
        for row, value in enumerate(y.ravel()):
            if value is None or value != value:
                raise UserError(f"y has no value in row {row} (the first is 0)")
        y = np.array(y.tolist())
    if y.dtype.kind not in "biufUS":
        raise UserError(f"y is {y.dtype}; expected numbers, texts or booleans")
    if x.ndim != 3 and y.ndim == 2:
        if y.shape[1] == 1:
            y = y[:, 0]
        elif labels.are_one_hot(y):
            raise UserError(f"y is one-hot, {list(y.shape)}; give the classes: y.argmax(axis=1)")
    if y.dtype.kind == "f" and (y.ndim != 1 or np.isnan(y).any()):
        return y.astype(np.float64), (), []
    if y.dtype.kind == "f":
        labelled = labels.labels_of(y)
        are_classes = labels.are_classes(labelled) and len(labelled.values) > 1
        note = labels.note("y", labelled, are_classes)
        if are_classes:
            return labelled.places, labels.names(labelled), [note]
        return y.astype(np.float64), (), [note] if note else []
    # np.unique sorts, so the classes have the same numbers whatever the order of the rows.
    values, places = np.unique(y.astype(str) if y.dtype.kind == "S" else y, return_inverse=True)
    classes = tuple(str(value) for value in values)
    notes = [*lookalikes(classes, "its classes"), *garbled(classes, "its classes")]
    return places.reshape(y.shape).astype(np.int32), classes, notes if y.dtype.kind in "US" else []


def open_arrays(
    content: str, *, data_dir: str | None, cache_dir: str, task: Task = "auto"
) -> Source:
    """The data set whose arrays have this digest.

    Args:
        content: the digest of the arrays' bytes.
        data_dir: not used, since the arrays were given by the caller.
        cache_dir: where the arrays are kept.
        task: the task that the targets are read for.

    Raises:
        UserError: neither this process nor the cache has the arrays.
    """

    def load() -> Table:
        if content not in _TABLES:
            raise UserError(
                f"the data set {PREFIX}{content} was given as arrays; give them again: data=(x, y)"
            )
        return _TABLES[content]

    name = f"{PREFIX}{content}"
    source = open_table(f"arrays-{content}", load, cache_dir=cache_dir, name=name)
    return adapted(source, cache_dir=cache_dir, task=task)


def _entry(name: str) -> Entry:
    build = functools.partial(open_arrays, name.removeprefix(PREFIX))
    return Entry(name, build, "arrays that were given in Python", options=OPTIONS)


OPTIONS = options_of(open_arrays, given={"content", "data_dir", "cache_dir"})
DATASETS.add_family(PREFIX, _entry)
