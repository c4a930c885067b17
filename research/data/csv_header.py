"""The header of a csv file: the names of its columns, and errors where it has too few or none."""

# Types are not looked up: pyarrow is imported when a file is read.
from __future__ import annotations

import collections
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from research.data.arrow import pa, pc
from research.data.csv_advice import FlagAdvice
from research.data.csv_numbers import is_number
from research.errors import UserError

# As pandas calls a column without a name, with its place from 0.
_NAMELESS = "Unnamed: "
# The last one is Excel's.
_COMMENTS = ("#", "%", "//", ";", "!", "sep=")


def names_of(file: Path, header: Sequence[str]) -> tuple[str, ...]:
    """The name of each column, `Unnamed: PLACE` of one that has none. Raises UserError for the same
    name twice."""
    names = tuple(name.strip() or f"{_NAMELESS}{place}" for place, name in enumerate(header))
    for name, count in collections.Counter(names).items():
        if count > 1:
            places = ", ".join(str(place) for place, other in enumerate(names, 1) if other == name)
            raise UserError(
                f"{file}: the header has '{name}' {count} times (columns {places}); give each its"
                " own name"
            )
    return names


def is_nameless(name: str) -> bool:
    """Whether a column has no name, or the one that pandas gave it for that."""
    return name.startswith(_NAMELESS) and name.removeprefix(_NAMELESS).isdigit()


def why_left_out(file: Path, name: str, cells: pa.StringArray) -> str:
    """Why a column without a name is not an input: a note.

    Args:
        file: the csv file, for messages.
        name: the stand-in for the column's name.
        cells: the column's cells [N].

    Raises:
        UserError: the column may well be an input.
    """
    place = int(name.removeprefix(_NAMELESS))
    if not pc.any(pc.not_equal(cells, "")).as_py():
        return f"column {place + 1} has neither a name nor a value, and is left out"
    if place == 0 and any(_counts(cells, first) for first in (0, 1)):
        return (
            "the first column has no name and counts the rows, as an index does that pandas or R"
            " wrote; it is left out"
        )
    raise UserError(
        f"{file}: column {place + 1} ('{cells[0]}', ...) has no name in the header; name it, or"
        f" leave it out with --drop='{name}'"
    )


def _counts(cells: pa.StringArray, first: int) -> bool:
    """Whether the cells are the whole numbers from `first` on."""
    if cells[0].as_py() != str(first) or cells[-1].as_py() != str(first + len(cells) - 1):
        return False
    return cells.equals(pc.cast(pa.array(range(first, first + len(cells))), pa.string()))


def of_numbers(names: Sequence[str]) -> list[str]:
    """A note if each name is a number, as in a file without a header; none where they count the
    columns."""
    if [*names] == [str(place) for place in range(len(names))] or not all(map(is_number, names)):
        return []
    return [
        f"its header is numbers alone ('{names[0]}'); if that row is data, the file lacks a header:"
        " add one"
    ]


def hint(names: Iterable[str]) -> str:
    """The end of an error about a column that is not there, if the header looks like a row of
    data."""
    names = list(names)
    if len(names) == 1:
        return (
            ". Its header has one column; several are separated by a comma, a semicolon, a tab or |"
        )
    number = next((name for name in names if is_number(name)), None)
    return (
        ""
        if number is None
        else f". Its first row has the number '{number}': if that is data, add a header"
    )


def check_comment(file: Path, lines: Sequence[str], delimiters: str) -> None:
    """Refuses a first line that begins with a comment's sign, unless it looks like a header.

    Args:
        file: the csv file, for messages.
        lines: the first two lines with a text.
        delimiters: the characters that may separate cells.

    Raises:
        UserError: the first line is a comment.
    """
    sign = next((sign for sign in _COMMENTS if lines and lines[0].startswith(sign)), None)
    if sign is None or len(lines) < 2:
        return
    delimiter = max(delimiters, key=lines[1].count)
    as_header = lines[0].count(delimiter) == lines[1].count(delimiter) > 0
    if not as_header or lines[1].startswith(sign):
        shown = textwrap.shorten(lines[0], 50, placeholder=" ...")
        raise FlagAdvice(
            f"{file} begins with '{shown}'",
            f"if that is a comment, --comment={sign} leaves out the lines that begin so; if not,"
            " the header needs a name for each column",
            "delete the lines above the header; the header needs a name for each column",
        )
