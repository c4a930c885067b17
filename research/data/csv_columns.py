"""The columns of a csv file as text, and what a cell says: nothing, a number, or something else."""

import collections
import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.errors import UserError

_MISSING = {"", "?", "na", "n/a", "nan", "null"}
LARGEST = float(np.finfo(np.float32).max)


class Column(NamedTuple):
    """One column: its name, and its cells with the line of the file that each stands on."""

    file: Path
    name: str
    cells: Sequence[str]
    lines: Sequence[int]

    def error(self, row: int, problem: str) -> UserError:
        """The error at one of its rows, named as a spreadsheet does: the header is row 1."""
        return UserError(f"{self.file}, row {self.lines[row]}, column '{self.name}': {problem}")


def read_columns(file: Path) -> list[Column]:
    """The columns of a csv file with a header. Raises UserError, naming the row, on what is none."""
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file} cannot be read as text in UTF-8: {error}") from None
    first = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(keepends=True), delimiter=max(",;\t", key=first.count), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise UserError(f"{file}, row {reader.line_num}: {error}") from None
    if len(rows) < 2:
        raise UserError(f"{file} {'has a header but no rows' if rows else 'is empty'}")
    header, *rows = rows
    for row, line in zip(rows, lines[1:], strict=True):
        if len(row) != len(header):
            raise UserError(f"{file}, row {line}: {len(row)} cells, but the header has {len(header)} columns")
    twice = [name for name, count in collections.Counter(header).items() if count > 1 or not name]
    if twice:
        raise UserError(f"{file}: the header needs one name for each column; '{twice[0]}' is empty or there twice")
    cells = zip(*rows, strict=True)
    return [Column(file, name, column, lines[1:]) for name, column in zip(header, cells, strict=True)]


def is_missing(cell: str) -> bool:
    """Whether the cell says that there is no value."""
    return cell.lower() in _MISSING


def is_number(cell: str) -> bool:
    """Whether the cell is written as a number, be it infinite."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def number(cell: str) -> float | None:
    """The cell's number, or None if it is not one that float32 can hold."""
    value = float(cell) if is_number(cell) else math.nan
    return value if abs(value) <= LARGEST else None
