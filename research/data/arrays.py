"""`arrays:DIGEST`: a data set given as arrays in memory, known by a digest of their bytes."""

import functools
import hashlib
from typing import Any

import numpy as np

from research.data.array_cache import digest, open_table
from research.data.data_table import Table
from research.data.spec import Source
from research.errors import UserError
from research.registry import DATASETS, Entry

# Raised when the same arrays are read as another data set.
VERSION = 1
PREFIX = "arrays:"

# The arrays that this process was given. Their decoded copy in the cache outlives it.
_TABLES: dict[str, Table] = {}


def register(x: Any, y: Any) -> str:
    """The name of the data set of inputs x [N, ...] and targets y [N]; the same arrays have the
    same name.

    Texts and booleans in y are classes, whole numbers in an integer array too; floats are a
    regression's values. Images are uint8 [N, H, W, C]. Raises UserError if x and y do not belong
    together.
    """
    inputs = np.asarray(x)
    if inputs.dtype != np.uint8:
        inputs = inputs.astype(np.float32)
    targets, classes = _targets(np.asarray(y))
    table = Table(inputs, targets, classes, maximum=255.0 if inputs.dtype == np.uint8 else 1.0)
    bytes_of = [hashlib.sha256(array.tobytes()).hexdigest() for array in (inputs, targets)]
    content = digest([VERSION, inputs.shape, inputs.dtype.str, classes, *bytes_of])
    _TABLES[content] = table
    return f"{PREFIX}{content}"


def _targets(y: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(int32 [N], the classes' names), or (float32 [N], ())."""
    if y.dtype.kind == "f":
        return y.astype(np.float32), ()
    if y.dtype.kind not in "biuUSO":
        raise UserError(f"y is {y.dtype}; expected numbers, texts or booleans")
    # np.unique sorts, so the classes have the same numbers whatever the order of the rows.
    values, places = np.unique(y.astype(str) if y.dtype.kind in "SO" else y, return_inverse=True)
    return places.reshape(y.shape).astype(np.int32), tuple(str(value) for value in values)


def open_arrays(content: str, *, data_dir: str | None, cache_dir: str) -> Source:
    """The data set whose arrays have this digest.

    Args:
        content: the digest of the arrays' bytes.
        data_dir: not used, since the arrays were given by the caller.
        cache_dir: where the arrays are kept.

    Raises:
        UserError: neither this process nor the cache has the arrays.
    """

    def load() -> Table:
        if content not in _TABLES:
            raise UserError(
                f"the data set {PREFIX}{content} was given as arrays; give them again: data=(x, y)"
            )
        return _TABLES[content]

    return open_table(f"arrays-{content}", load, cache_dir=cache_dir, name=f"{PREFIX}{content}")


def _entry(name: str) -> Entry:
    build = functools.partial(open_arrays, name.removeprefix(PREFIX))
    return Entry(name, build, "arrays that were given in Python")


DATASETS.add_family(PREFIX, _entry)
