"""Tables in files of columns, Parquet and Arrow, as the texts that a csv file would have."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import importlib
import itertools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from research.data.arrow import pa, pc
from research.errors import UserError, nearest

# How such files begin, and what they are.
_KINDS = {b"PAR1": "Parquet", b"ARROW1": "Arrow", b"FEA1": "Feather"}


class StoredRows(NamedTuple):
    """Where the rows of such a file stand: they are counted from 1."""

    encoding: str = "utf-8"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The number of each row, without its cells."""
        return ((number, []) for number in itertools.count(1))


def kind_of(file: Path) -> str:
    """`Parquet`, `Arrow` or `Feather` by the file's first bytes; "" for any other file."""
    try:
        with open(file, "rb") as data:
            start = data.read(6)
    except OSError:
        return ""
    return next((kind for mark, kind in _KINDS.items() if start.startswith(mark)), "")


def texts_of(file: Path, kind: str, drop: Collection[str]) -> dict[str, pa.StringArray]:
    """The columns by name, as texts [N]; "" where there is no value.

    Args:
        file: the file.
        kind: what `kind_of` says that it is.
        drop: columns that are left out.

    Raises:
        UserError: the file is damaged, has no rows or not the columns to leave out, has two columns
            of one name, or cells that are no single values; the message names the column.
    """
    reader = "pyarrow.parquet" if kind == "Parquet" else "pyarrow.feather"
    try:
        table = importlib.import_module(reader).read_table(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{file} is a damaged {kind} file: {reason}") from None
    names = table.column_names
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{file} has two columns '{twice}'; rename one of them")
    for name in drop:
        if name not in names:
            raise UserError(f"drop={name}: {file} has no such column; {nearest(name, names)}")
    if not table.num_rows:
        raise UserError(f"{file} has no rows")
    return {name: _texts(file, name, table.column(name)) for name in names if name not in drop}


def _texts(file: Path, name: str, column: Any) -> pa.StringArray:
    cells = column.combine_chunks()
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.chunk(0) if cells.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    try:
        texts = pc.cast(cells, pa.string())
    except pa.ArrowException:
        raise UserError(
            f"{file}, column '{name}' has cells of type {cells.type}; expected numbers, texts,"
            f" booleans or dates, or leave it out with --drop={name}"
        ) from None
    if pa.types.is_boolean(cells.type):
        # As Python and pandas write them to csv files.
        texts = pc.utf8_capitalize(texts)
    return pc.utf8_trim_whitespace(pc.fill_null(texts, ""))
