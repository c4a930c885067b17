"""`csv:FILE --task=forecast`: a column of a file as a series, whose rows are in the order of time."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.data.csv_columns import PLAIN, Reading, read_columns
from research.data.csv_values import check_complete, numbers_of
from research.data.origin import differences
from research.data.series import open_series
from research.data.spec import Arrays, DataSpec, Source, windowed
from research.errors import UserError, nearest

VERSION = "1.0.0"  # raised when the same file is read as another series
CONTEXT = 64


def open_csv_series(
    file: Path, reading: Reading, target: str, key: str, context: int | None, burn_in: int, cache_dir: str
) -> Source:
    """The windows of a column; key: of the file's content and the column.

    Raises UserError, naming row and column, for what is missing or no number.
    """
    name = f"csv:{file.name}"
    load = functools.partial(read_series, file, target, reading)
    return open_series(load, name, key, VERSION, context or CONTEXT, burn_in, cache_dir)


def read_series(file: Path, target: str, reading: Reading = PLAIN) -> np.ndarray:
    """The column's values, float64 [rows]."""
    columns = read_columns(file, reading, nameless=True).columns
    if target not in columns:
        wrong = f"has no column '{target}'" if target else "needs --target=COLUMN, the series to foresee"
        raise UserError(f"{file} {wrong}; {nearest(target, columns)}")
    column = columns[target]
    values = numbers_of(column, reading.form, "a series consists of numbers")
    check_complete(column, values, "a series has one at each step; fill it in")
    return values


def series_like(file: Path, spec: DataSpec, options: Mapping[str, Any]) -> tuple[Arrays, np.ndarray]:
    """Another file's windows and those rows of them that follow each other without overlap, as `spec` has them.

    options: those with which the run's own series was read.
    """
    context = spec.shape[0]
    values = differences(read_series(file, options.get("target", "y"), Reading.of(options)), spec.target_origin)
    if len(values) <= context:
        raise UserError(f"{file} has {len(values)} rows, too few for a window of {context} and the next value")
    return windowed(values, context, spec.burn_in), np.arange(0, len(values) - context, context, dtype=np.int32)
