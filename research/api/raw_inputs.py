"""Raw inputs of a prediction: arrays, or a table as a file, a frame or a dict of columns."""

import csv
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research import messages
from research.data import csv_file
from research.data.features.feature import Feature
from research.data.features.image import Image
from research.data.features.numbers import Numbers
from research.data.features.table_columns import TableColumns
from research.data.origin import differences
from research.data.spec import DataSpec
from research.errors import UserError


def raw_inputs(x: Any, spec: DataSpec, options: Mapping[str, Any]) -> Any:
    """Inputs [N, ...] as the decoded arrays of the data set that `spec` describes.

    Args:
        x: an array [N, ...], a csv file's path, a pandas.DataFrame or a dict of columns [N].
        spec: the data set that the run was trained on.
        options: the options with which the data set was read.

    Returns:
        The inputs [N, ...], in the same encoding as the training rows.

    Raises:
        UserError: if x does not have the columns or the shape of that data.
    """
    if isinstance(x, str | Path):
        return _read(Path(x).expanduser(), spec, options)
    if hasattr(x, "to_csv") or isinstance(x, Mapping):
        # Through a csv file, so that categories, dates and missing values follow the very rules by
        # which the training rows were read.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.csv"
            _write(x, file)
            try:
                return _read(file, spec, options)
            except UserError as error:
                raise UserError(_without_file(str(error), file)) from None
    stored = spec.inputs.stored
    if stored.one_hot:
        raise UserError(
            "the table has categories; give a pandas.DataFrame, a dict of columns, or a csv file"
        )
    inputs = _array(x)
    if inputs.shape[1:] != stored.shape:
        raise UserError(
            f"x is {list(inputs.shape)}; expected [N, {', '.join(map(str, stored.shape))}]"
        )
    _check(inputs, stored)
    if not isinstance(stored, Numbers) or not stored.origin:
        return inputs
    # In float64: float32 would round large values, such as dates, before the origin is subtracted.
    return differences(inputs.astype(np.float64), np.array(stored.origin))


def _read(file: Path, spec: DataSpec, options: Mapping[str, Any]) -> Any:
    """The inputs [N, ...] of a csv file; says how they were read, where there was a choice."""
    table = csv_file.read_like(file, spec, options)
    for note in table.notes:
        messages.say(f"note: {note}")
    return table.x


def _array(x: Any) -> np.ndarray:
    """x as numbers [N, ...]. Raises UserError for what are none, and for no rows."""
    try:
        inputs = np.asarray(x)
        if inputs.dtype.kind not in "biuf":
            inputs = inputs.astype(np.float64)
    except (TypeError, ValueError):
        raise UserError(
            "x is not an array of numbers; a pandas.DataFrame, a dict of columns or a csv file may"
            " have texts and dates"
        ) from None
    if not inputs.size:
        raise UserError(f"x is {list(inputs.shape)}, and has no rows to predict")
    return inputs


def _check(x: np.ndarray, stored: Feature) -> None:
    """Raises UserError for numbers that are missing and not filled, infinite, or no pixels."""
    if x.dtype.kind != "f":
        return
    filled = isinstance(stored, TableColumns) and bool(stored.impute)
    # A sequence is NaN after its end.
    missing = np.isnan(x) if x.ndim == 2 and not filled else np.zeros(x.shape, bool)
    if (wrong := missing | np.isinf(x)).any():
        place = [int(index) for index in np.argwhere(wrong)[0]]
        raise UserError(
            f"x is {x[tuple(place)]} at {place}; fill it in, or train with impute='mean', which"
            " fills missing values"
        )
    if isinstance(stored, Image) and stored.maximum == 255 and x.max() <= 1 and x.min() >= 0:
        raise UserError(
            f"x is {x.dtype} up to {x.max():g}, and the pixels that the run was trained on go up to"
            " 255; give them as they were: (255 * x).round().astype('uint8')"
        )


def _without_file(message: str, file: Path) -> str:
    """The reader's message without the temporary file, with rows counted as in the user's table."""
    # The reader counts the header as row 1, so its row 2 is the user's row 1.
    message = message.replace(str(file), "x")
    return re.sub(r"\brow (\d+)\b", lambda row: f"row {int(row[1]) - 1}", message)


def _write(x: Any, file: Path) -> None:
    """Writes a frame or a dict of columns as a csv file, to be read by the rules of csv files.

    Raises UserError for columns of unequal length.
    """
    if hasattr(x, "to_csv"):
        file.write_text(x.to_csv(index=False))
        return
    lengths = {name: np.size(column) for name, column in x.items()}
    if len(set(lengths.values())) > 1 or not all(np.ndim(column) == 1 for column in x.values()):
        counts = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise UserError(f"x: expected columns of equal length, each [N]; {counts}")
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(x)
        writer.writerows(zip(*x.values(), strict=True))
