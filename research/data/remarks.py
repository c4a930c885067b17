"""What stands out in the columns of a table: those that are the same in all rows, or hardly have a
value."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from research.data.data_table import Table
from research.data.numbered_dates import note_on_dates
from research.data.one_hot import OneHot
from research.data.sentinels import sentinels
from research.errors import UserError

# A column with fewer values than this may have none in the training rows of a seed.
_FEW = 10
# Channels of an image.
_CHANNELS = (1, 2, 3, 4)
# Numbers that are looked at together.
_PIECE = 1 << 22


def of_columns(table: Table) -> Iterator[str]:
    """Notes on a table's columns and its target. Other data has none."""
    rows = table.size
    yield from _of_layout(table)
    if table.targets is None:
        yield from _of_target(table)
    if table.inputs is not None or len(table.x.shape) != 2 or table.vocabulary or rows < 2:
        return
    columns, names = _columns(table)
    least, most, counts = _ranges(columns)
    infinite = np.flatnonzero((counts > 0) & (np.isinf(least) | np.isinf(most)))
    if len(infinite):
        raise UserError(
            f"column '{names[infinite[0]]}' of the data has an infinite number; replace it by a"
            " finite one, or by a missing one that --impute fills"
        )
    constant = np.flatnonzero((counts == rows) & (least == most))
    if len(constant) == 1:
        yield (
            f"column '{names[constant[0]]}' is the same in all {rows} rows, so nothing can be"
            " learned from it"
        )
    elif len(constant):
        shown = ", ".join(f"'{names[column]}'" for column in constant[:3])
        more = f" and {len(constant) - 3} more" if len(constant) > 3 else ""
        yield (
            f"columns {shown}{more} are each the same in all {rows} rows, so nothing can be learned"
            " from them"
        )
    yield from _repeated(columns, names, constant)
    for column in np.flatnonzero((counts == rows) & (least < most)).tolist():
        if _tells(columns[:, column], table):
            yield (
                f"column '{names[column]}' tells the target in all {rows} rows, as a copy of it"
                " does; leave it out if new data does not have it"
            )
    for column, name in enumerate(names):
        if 0 < counts[column] < min(_FEW, rows):
            values = "1 value" if counts[column] == 1 else f"{counts[column]} values"
            yield (
                f"column '{name}' has {values} in {rows} rows; a run whose training rows have none"
                " of them fills it with 0"
            )
        elif 0 < 2 * counts[column] < rows:
            yield f"column '{name}' has no value in {rows - counts[column]:,} of {rows:,} rows"


def of_numbers(name: str, column: np.ndarray, remedy: str) -> Iterator[str]:
    """Notes on numbers that may mean a missing value, or that may be dates.

    Args:
        name: the column's name.
        column: its numbers [N]; NaN is missing.
        remedy: what to do with a number that means a missing value.
    """
    column = column.astype(np.float64)
    for sentinel in sentinels(column):
        yield sentinel.note(name, len(column), remedy)
    if note := note_on_dates(name, column[~np.isnan(column)]):
        yield note


def _of_layout(table: Table) -> Iterator[str]:
    """Notes on images whose axes are in another order, or that lack one."""
    if table.inputs is not None or table.x.dtype != np.uint8 or table.vocabulary:
        return
    shape = table.x.shape[1:]
    if len(shape) == 2:
        yield (
            f"an example is {list(shape)} bytes and is read as a sequence of {shape[0]} steps; grey"
            f" images are {[*shape, 1]}"
        )
    elif len(shape) == 3 and shape[0] in _CHANNELS and shape[2] not in _CHANNELS:
        yield (
            f"an example is {list(shape)} bytes and is read as [height, width, channels]; if its"
            " first axis are the channels, make them the last"
        )


def _of_target(table: Table) -> Iterator[str]:
    if table.y.dtype.kind == "f" and np.isinf(table.y).any():
        raise UserError("the target has an infinite number; a regression needs finite ones")
    if (
        _plain_task(table)
        and table.y.ndim == 1
        and table.size > 1
        and (table.y == table.y[0]).all()
    ):
        yield f"all {table.size} rows have the same target, so nothing can be learned"
    elif table.classes and _plain_task(table) and table.y.ndim == 1:
        counts = np.bincount(table.y, minlength=len(table.classes))
        absent = [name for name, count in zip(table.classes, counts, strict=True) if not count]
        more = f" and {len(absent) - 1} more classes" if len(absent) > 1 else ""
        if absent:
            yield f"none of its {table.size} rows is of the class '{absent[0]}'{more}"


def _repeated(columns: np.ndarray, names: Sequence[str], constant: np.ndarray) -> Iterator[str]:
    """A note if columns [N, C] are the same as others in all rows; those that are `constant` are
    not meant."""
    digests = [hashlib.sha256() for _ in names]
    size = max(1, _PIECE // columns.shape[1])
    for first in range(0, len(columns), size):
        piece = np.ascontiguousarray(columns[first : first + size].T)
        for digest, values in zip(digests, piece, strict=True):
            digest.update(values.data)
    firsts: dict[bytes, str] = {}
    repeats = []
    for column, digest in enumerate(digests):
        name = firsts.setdefault(digest.digest(), names[column])
        if name != names[column] and column not in constant:
            repeats.append(f"'{names[column]}' is '{name}'")
    if repeats:
        count = (
            f"{len(repeats)} columns repeat others"
            if len(repeats) > 1
            else "a column repeats another"
        )
        yield f"{count} in all rows (the first: {repeats[0]})"


def _tells(column: np.ndarray, table: Table) -> bool:
    """Whether a column [N] is the target, or has another value for each class."""
    if not _plain_task(table) or table.y.ndim != 1 or len(column) < _FEW:
        return False
    for rows in (slice(_FEW * _FEW), slice(None)):  # a few rows refuse most columns
        values, y = column[rows], table.y[rows]
        if table.classes:
            known = np.full(len(table.classes), np.nan)
            known[y] = values
            same = known[y] == values
            present = known[~np.isnan(known)]
            if not same.all() or len(np.unique(present)) < len(present):
                return False
        elif not (values == y).all():
            return False
    return True


def first_missing(table: Table) -> tuple[int, ...]:
    """(row, column) of the first number that is NaN, () if there is none; of a category its first
    column."""
    x = table.x.values if isinstance(table.x, OneHot) else table.x
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return ()
    size = max(1, _PIECE // max(1, int(np.prod(x.shape[1:]))))
    for first in range(0, len(x), size):
        missing = np.isnan(x[first : first + size])
        if missing.any():
            place = np.argwhere(missing)[0]
            column = int(place[-1])
            if isinstance(table.x, OneHot):
                column = int(table.x.starts[column])
            return first + int(place[0]), column
    return ()


def _plain_task(table: Table) -> bool:
    return not table.task and not table.vocabulary


def _columns(table: Table) -> tuple[np.ndarray, list[str]]:
    """The stored columns [N, C] and their names; a category is stored as its place."""
    if not isinstance(table.x, OneHot):
        return np.asarray(table.x), list(table.features or map(str, range(table.x.shape[1])))
    firsts = zip(table.x.starts, table.x.kinds, strict=True)
    names = [
        table.features[start].partition("=")[0] if kind else table.features[start]
        for start, kind in firsts
    ]
    return table.x.values, names


def _ranges(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(least, most, how many are not missing) of each column [N, C]."""
    least = np.full(columns.shape[1], np.inf)
    most = np.full(columns.shape[1], -np.inf)
    counts = np.zeros(columns.shape[1], int)
    size = max(1, _PIECE // columns.shape[1])
    for first in range(0, len(columns), size):
        piece = columns[first : first + size]
        least = np.fmin(least, np.fmin.reduce(piece, axis=0))
        most = np.fmax(most, np.fmax.reduce(piece, axis=0))
        counts += (piece == piece).sum(axis=0)  # NaN differs from itself
    return least, most, counts
