"""Raw inputs of a prediction: arrays, or a table as a file, a frame or a dict of columns."""

import csv
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.data import csv_file
from research.data.features.numbers import Numbers
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
        return csv_file.read_like(Path(x).expanduser(), spec, options)[0]
    if hasattr(x, "to_csv") or isinstance(x, Mapping):
        # Through a csv file, so that categories, dates and missing values follow the very rules by
        # which the training rows were read.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.csv"
            _write(x, file)
            try:
                return csv_file.read_like(file, spec, options)[0]
            except UserError as error:
                raise UserError(_without_file(str(error), file)) from None
    inputs = np.asarray(x)
    stored = spec.inputs.stored
    if stored.one_hot:
        raise UserError(
            "the table has categories; give a pandas.DataFrame, a dict of columns, or a csv file"
        )
    if inputs.shape[1:] != stored.shape:
        raise UserError(
            f"x is {list(inputs.shape)}; expected [N, {', '.join(map(str, stored.shape))}]"
        )
    if not isinstance(stored, Numbers) or not stored.origin:
        return inputs
    # In float64: float32 would round large values, such as dates, before the origin is subtracted.
    return differences(inputs.astype(np.float64), np.array(stored.origin))


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
