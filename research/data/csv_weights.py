"""The weights of a csv file's rows in the training loss, by a column that is no input."""

from collections.abc import MutableMapping

import numpy as np

from research.data.csv_columns import CsvColumn
from research.data.csv_groups import pop_column
from research.data.csv_numbers import Format
from research.data.csv_values import check_complete, numbers_of
from research.errors import UserError


def pop_weights(
    columns: MutableMapping[str, CsvColumn], name: str, target: str, form: Format
) -> np.ndarray | None:
    """Takes the column of weights out of a table; returns what each row weighs, float32 [N], or
    None without one.

    Args:
        columns: by name; the column is removed.
        name: of the column; "" for none.
        target: the column to predict.
        form: how numbers are written.

    Raises:
        UserError: there is no such column, it is the target, or a row has no weight, a text or a
            negative number; or all weights are 0.
    """
    column = pop_column(columns, "weight", name, target, form)
    if column is None:
        return None
    weights = numbers_of(column, form, "a weight is a number")
    check_complete(column, weights, "fill it in; a row of weight 0 does not count in the loss")
    if (weights < 0).any():
        row = int((weights < 0).argmax())
        raise column.error(row, f"the weight {weights[row]:g} is negative; it must be at least 0")
    weights = weights.astype(np.float32)
    if not weights.any():
        raise UserError(f"{column.file}, column '{column.name}': all rows weigh 0")
    return weights
