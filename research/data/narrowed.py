"""A table's numbers as float32; a column that float32 would merge is stored as differences from its
origin."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import jax
import numpy as np

from research.data.data_table import Table
from research.data.origin import differences, narrow

_ROWS = 4096  # that are narrowed at once


def narrowed(table: Table, file: Path) -> Table:
    """The table with numbers that are wider than float32 narrowed. Its `x` is mapped from the .npy
    file `file`.

    The file is then written again. Whole numbers that float32 has, tokens and images
    are left as they are. The target becomes float32, or int32 of classes.
    """
    changes: dict[str, Any] = {}
    notes: list[str] = []
    x = table.x
    numbers = isinstance(x, np.ndarray) and x.ndim < 4 and not table.vocabulary
    # A feature of its own says how it is read; nothing is subtracted from its numbers.
    if numbers and table.inputs is None and is_wide(x.dtype):
        changes["origin"], notes = _narrow(x, file, table.features)
        # Mapped, since the narrowed copy may be larger than memory.
        changes["x"] = np.load(file, mmap_mode="r")
    y = table.y
    if table.targets is not None:
        like = table.targets.placeholder()
        y = jax.tree.map(lambda values, like: np.asarray(values, like.dtype), y, like)
        return dataclasses.replace(table, **changes, y=y, notes=(*table.notes, *notes))
    if not table.classes and is_wide(y.dtype):
        target = narrow(y)
        y, changes["target_origin"] = target.values, target.origin
        notes = [*notes, *target.notes("the target")]
    y = y.astype(np.int32 if table.classes else np.float32)
    return dataclasses.replace(table, **changes, y=y, notes=(*table.notes, *notes))


def is_wide(dtype: Any) -> bool:
    """Whether a number of this type may be one that float32 has not."""
    return (
        np.dtype(dtype).kind in "iuf"
        and np.dtype(dtype).itemsize >= 4
        and np.dtype(dtype) != np.float32
    )


def write_header(out: BinaryIO, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Writes what an .npy file has before its numbers.

    Args:
        out: the file, open at its start.
        shape: shape of the array that follows.
        dtype: its dtype.
    """
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(out, described)


def _narrow(
    x: np.ndarray, file: Path, columns: Sequence[str]
) -> tuple[tuple[float, ...], list[str]]:
    """Writes x [N, ..., D], which is mapped from `file`, there as float32; returns the columns'
    origins and notes."""
    width = x.shape[-1]
    columns_narrowed = [narrow(np.asarray(x[..., place])) for place in range(width)]
    origin = np.array([column.origin for column in columns_narrowed])
    names = columns or [str(place) for place in range(width)]
    notes = [
        note
        for name, column in zip(names, columns_narrowed, strict=True)
        for note in column.notes(f"column '{name}'")
    ]
    if x.dtype.kind != "f" and not notes and not origin.any():
        return (), []
    # x is mapped from this file, so its place is taken only by a complete one.
    partial = file.with_suffix(".partial")
    with partial.open("wb") as out:
        write_header(out, x.shape, np.dtype(np.float32))
        for first in range(0, len(x), _ROWS):
            out.write(differences(x[first : first + _ROWS], origin).data)
    partial.replace(file)
    return tuple(origin.tolist()) if origin.any() else (), notes
