"""What stands out in the columns of a table: those that are the same in all rows, or hardly have a value."""

from collections.abc import Iterator

import numpy as np

from research.data.one_hot import OneHot
from research.data.table import Table

_FEW = 10  # a column with fewer values than this may have none in the training rows of a seed
_PIECE = 1 << 22  # numbers that are looked at together


def of_columns(table: Table) -> Iterator[str]:
    """Notes on a table's columns and its target. Other data has none."""
    rows = len(table.y)
    if _plain_task(table) and table.y.ndim == 1 and rows > 1 and (table.y == table.y[0]).all():
        yield f"all {rows} rows have the same target, so nothing can be learned"
    if len(table.x.shape) != 2 or table.vocabulary or rows < 2:
        return
    columns, names = _columns(table)
    least, most, counts = _ranges(columns)
    for column, name in enumerate(names):
        if counts[column] == rows and least[column] == most[column]:
            yield f"column '{name}' is the same in all {rows} rows, so nothing can be learned from it"
        elif 0 < counts[column] < min(_FEW, rows):
            values = "1 value" if counts[column] == 1 else f"{counts[column]} values"
            yield (
                f"column '{name}' has {values} in {rows} rows; a run whose training rows have none of them fills it "
                "with 0"
            )


def first_missing(table: Table) -> tuple[int, ...]:
    """(row, column) of the first number that is NaN, () if there is none."""
    x = table.x.values if isinstance(table.x, OneHot) else table.x
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return ()
    size = max(1, _PIECE // max(1, int(np.prod(x.shape[1:]))))
    for first in range(0, len(x), size):
        missing = np.isnan(x[first : first + size])
        if missing.any():
            place = np.argwhere(missing)[0]
            return first + int(place[0]), int(place[-1])
    return ()


def _plain_task(table: Table) -> bool:
    return not table.task and not table.vocabulary


def _columns(table: Table) -> tuple[np.ndarray, list[str]]:
    """The stored columns [N, C] and their names; a category is stored as its place."""
    if not isinstance(table.x, OneHot):
        return np.asarray(table.x), list(table.features or map(str, range(table.x.shape[1])))
    firsts = zip(table.x.starts, table.x.kinds, strict=True)
    names = [table.features[start].partition("=")[0] if kind else table.features[start] for start, kind in firsts]
    return table.x.values, names


def _ranges(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(least, most, how many are not missing) of each column [N, C]."""
    least, most = np.full(columns.shape[1], np.inf), np.full(columns.shape[1], -np.inf)
    counts = np.zeros(columns.shape[1], int)
    size = max(1, _PIECE // columns.shape[1])
    for first in range(0, len(columns), size):
        piece = columns[first : first + size]
        least = np.fmin(least, np.fmin.reduce(piece, axis=0))
        most = np.fmax(most, np.fmax.reduce(piece, axis=0))
        counts += (piece == piece).sum(axis=0)  # NaN differs from itself
    return least, most, counts
