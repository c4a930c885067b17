"""The groups of a csv file: rows that belong together, by a column that is no input."""

from collections.abc import MutableMapping, Sequence

import numpy as np

from research.data.csv_columns import CsvColumn
from research.errors import UserError, nearest


def pop_column(
    columns: MutableMapping[str, CsvColumn], option: str, name: str, target: str
) -> CsvColumn | None:
    """Takes a column that is no input out of a table; None without one.

    Args:
        columns: by name; the column is removed.
        option: that names the column.
        name: of the column; "" for none.
        target: the column to predict.

    Raises:
        UserError: there is no such column, or it is the target.
    """
    if not name:
        return None
    if name == target:
        raise UserError(f"{option}={name}: this is the target; name another column")
    if name not in columns:
        file = next(iter(columns.values())).file
        raise UserError(f"{option}={name}: {file} has no such column; {nearest(name, columns)}")
    return columns.pop(name)


def pop_groups(
    columns: MutableMapping[str, CsvColumn], name: str, target: str
) -> np.ndarray | None:
    """Takes the column of groups out of a table; returns the group of each row, int32 [N], or None
    without one.

    Groups are numbered in the order of their values: numbers by size, texts by their letters.

    Args:
        columns: by name; the column is removed.
        name: of the column; "" for none.
        target: the column to predict.

    Raises:
        UserError: there is no such column, it is the target, or a row has no group.
    """
    column = pop_column(columns, "group", name, target)
    if column is None:
        return None
    cells = np.array(column.cells.to_pylist(), str)
    absent = np.flatnonzero(cells == "")
    if len(absent):
        raise column.error(
            int(absent[0]), "the row has no group; fill it in, or give it one of its own"
        )
    try:
        values = cells.astype(np.float64)
    except ValueError:
        values = cells
    _, places = np.unique(values, return_inverse=True)
    if not places.any():
        raise UserError(f"{column.file}, column '{name}': all rows are of one group")
    return places.astype(np.int32)


def counts_of(groups: np.ndarray, y: np.ndarray, classes: Sequence[str]) -> tuple[int, ...]:
    """How many rows each group has of each class: a row per group, flat.

    Without classes there is one number per group. By them the sizes of folds are known before the
    data are read.

    Args:
        groups: the group of each row, [N].
        y: targets [N].
        classes: their names, or none.
    """
    if not classes:
        return tuple(map(int, np.bincount(groups)))
    table = np.zeros((groups.max() + 1, len(classes)), int)
    np.add.at(table, (groups, y), 1)
    return tuple(map(int, table.reshape(-1)))
