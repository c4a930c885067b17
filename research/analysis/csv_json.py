"""CSV and JSON: what programs read, with every number in full precision (its shortest exact
form)."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from research.analysis.tabular import Tabular
from research.errors import UserError, nearest


def to_csv(table: Tabular) -> str:
    """A line per row and metric (or per run); an empty field is a value that there is not.

    Raises UserError if a field that is to be shown does not exist.
    """
    rows = table.flat()
    fields = list(dict.fromkeys(key for row in rows for key in row))
    for name in table.shown if rows else ():
        if name not in fields:
            raise UserError(f"--columns: the csv has no field '{name}'; {nearest(name, fields)}")
    header = list(table.shown) or fields
    return csv_text([header, *([_field(row.get(name)) for name in header] for row in rows)])


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    r"""Rows of fields as csv with `\n` between them.

    A field is exactly its text: one with a line break or a quote is quoted, and one that begins
    with `=` is left as it is, so that programs read what was written. (A spreadsheet computes such
    a field unless it is imported as text.)
    """
    lines = []
    for row in rows:
        line = io.StringIO()
        # csv quotes only the characters of its own line end, so this must be both.
        csv.writer(line, lineterminator="\r\n").writerow(row)
        lines.append(line.getvalue().removesuffix("\r\n"))
    return _encodable("".join(f"{line}\n" for line in lines))


def _field(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    # repr is the shortest text that reads back as the same float.
    return repr(float(value)) if isinstance(value, float) else value


def to_json(table: Tabular) -> str:
    """The whole table with per-seed values and run ids; null is a value that there is not, or that
    is not finite.

    Raises UserError if columns were chosen: it has them all.
    """
    if table.shown:
        raise UserError("--columns: json has every column; leave the flag out, or write csv")
    text = json.dumps(_finite(table.tree()), indent=1, ensure_ascii=False, allow_nan=False)
    return _encodable(text) + "\n"


def _encodable(text: str) -> str:
    r"""The text without bytes of names that are no UTF-8; they are written as `\udcff`."""
    # A file name may hold bytes that are not UTF-8; writing them would raise in the middle of a
    # file.
    return text.encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    """The data with null for numbers that are not finite: JSON has no word for them."""
    if isinstance(value, float):
        # Python writes NaN and Infinity, which other readers of JSON refuse.
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
