"""The groups of a csv file: rows that belong together, by a column that is no input."""

from collections.abc import MutableMapping, Sequence

import numpy as np

from research.data.arrow import pa, pc
from research.data.csv_columns import CsvColumn
from research.data.csv_numbers import Format
from research.errors import UserError, nearest


def pop_column(
    columns: MutableMapping[str, CsvColumn], option: str, name: str, target: str, form: Format
) -> CsvColumn | None:
    """Takes a column that is no input out of a table; None without one.

    Args:
        columns: by name; the column is removed.
        option: that names the column.
        name: of the column; "" for none.
        target: the column to predict.
        form: how cells are read.

    Raises:
        UserError: there is no such column, or it is the target, or has settings of an input.
    """
    if not name:
        return None
    if name == target:
        raise UserError(f"{option}={name}: this is the target; name another column")
    if name not in columns:
        file = next(iter(columns.values())).file
        raise UserError(f"{option}={name}: {file} has no such column; {nearest(name, columns)}")
    for setting, named in (("numbers", form.numbers), ("categories", form.categories)):
        if name in named:
            raise UserError(
                f"{setting}={name}: this is the column of {option}={name}, which is no input; leave"
                f" it out of {setting}"
            )
    return columns.pop(name)


def pop_groups(
    columns: MutableMapping[str, CsvColumn], name: str, target: str, form: Format
) -> np.ndarray | None:
    """Takes the column of groups out of a table; returns the group of each row, int32 [N], or None
    without one.

    Rows are of one group if their cells are the same text, so that ids of any length differ. Groups
    are numbered in the order of their values: numbers by size, texts by their letters.

    Args:
        columns: by name; the column is removed.
        name: of the column; "" for none.
        target: the column to predict.
        form: how cells are read.

    Raises:
        UserError: as `pop_column` does, and for a row without a group.
    """
    column = pop_column(columns, "group", name, target, form)
    if column is None:
        return None
    _check_present(column, form)
    texts = np.array(pc.unique(column.cells).to_pylist(), str)
    if len(texts) == 1:
        raise UserError(f"{column.file}, column '{name}': all rows are of one group")
    names = pa.array(texts[np.lexsort((texts, _numbers(texts)))].tolist(), pa.string())
    return pc.index_in(column.cells, names).to_numpy(zero_copy_only=False).astype(np.int32)


def _numbers(texts: np.ndarray) -> np.ndarray:
    """The numbers [K] that the texts [K] are, or zeros if one of them is none."""
    try:
        return texts.astype(np.float64)
    except ValueError:
        return np.zeros(len(texts))


def _check_present(column: CsvColumn, form: Format) -> None:
    """Raises UserError, naming the row, if a cell stands for a missing value."""
    absent = form.absent(column.cells, among_numbers=True)
    present = column.cells.filter(pa.array(~absent))
    # Among texts fewer cells mean that: NA may be a name.
    if np.isnan(form.numbers_in(present)).any():
        absent = form.absent(column.cells, among_numbers=False)
    if absent.any():
        row = int(absent.argmax())
        cell = column.cells[row].as_py()
        raise column.error(
            row,
            f"the row has no group{f' ({cell!r})' if cell else ''}; fill it in, or give it one of"
            " its own",
        )


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
