"""Raw inputs of a prediction: arrays, or the columns of a table in whatever holds them, as the
run's data has them."""

import csv
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.data import csv_file
from research.data.origin import differences
from research.data.spec import DataSpec
from research.errors import UserError


def raw_inputs(x: Any, spec: DataSpec, options: Mapping[str, Any]) -> Any:
    """Inputs [N, ...] as the decoded arrays of the data set that `spec` describes.

    options: those with which the set was read. Raises UserError if x is not like that data.
    """
    if isinstance(x, str | Path):
        return csv_file.read_like(Path(x).expanduser(), spec, options)[0]
    if hasattr(x, "to_csv") or isinstance(x, Mapping):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.csv"
            _write(x, file)
            try:
                return csv_file.read_like(file, spec, options)[0]
            except UserError as error:
                raise UserError(_without_file(str(error), file)) from None
    inputs = np.asarray(x)
    if spec.kinds:
        raise UserError(
            "the table has categories; give a pandas.DataFrame, a dict of columns, or a csv file"
        )
    if inputs.shape[1:] != spec.shape:
        raise UserError(
            f"x is {list(inputs.shape)}; expected [N, {', '.join(map(str, spec.shape))}]"
        )
    return differences(inputs.astype(np.float64), np.array(spec.origin)) if spec.origin else inputs


def _without_file(message: str, file: Path) -> str:
    """A reader's message for a user who has no such file, nor its header, which is row 1."""
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
