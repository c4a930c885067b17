"""A table as text in a grid, before it becomes Markdown, LaTeX or HTML."""

import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from research.analysis import captions, column_layout
from research.analysis.arms_table import ArmsTable
from research.analysis.column_layout import ColumnLayout
from research.analysis.number_format import NOTHING
from research.analysis.tabular import Tabular
from research.errors import UserError, nearest

# As wide as a digit, and as a decimal point: they fill a number up, so that the points of a column
# stand in line.
DIGIT_SPACE = "\u2007"
POINT_SPACE = "\u2008"
_DECIMAL = re.compile(r"([+−]?\d+)(\.\d+)?(?:( ± )(\d+)(\.\d+)?)?( \(\d+/\d+\))?")


@dataclasses.dataclass(frozen=True)
class CellText:
    """The text of one cell of a panel."""

    text: str
    bold: bool = False


@dataclasses.dataclass(frozen=True)
class Panel:
    """A grid with a header; align has `l` or `r` for each column.

    labels: how many of the first columns tell the rows apart.
    """

    heading: str
    header: tuple[str, ...]
    align: str
    rows: tuple[tuple[CellText, ...], ...]
    labels: int = 1


@dataclasses.dataclass(frozen=True)
class Prose:
    """The sentences around a table. summary: what the table is about, where that is declared."""

    title: str
    caption: str
    footer: tuple[str, ...]
    summary: str = ""


@dataclasses.dataclass(frozen=True)
class Document:
    """What a reader sees: caption, panels, footer."""

    title: str
    caption: str
    panels: tuple[Panel, ...]
    footer: tuple[str, ...]
    summary: str = ""


@dataclasses.dataclass(frozen=True)
class Grid:
    """The columns of a panel, before they are applied to the rows."""

    heading: str
    columns: Sequence[ColumnLayout]


@functools.singledispatch
def grids(tabular: Tabular) -> list[Grid]:
    """What can be shown of a table's rows: for arms a grid per metric, side by side where nothing
    is compared."""
    raise TypeError(f"{type(tabular).__name__} is not a table")


@functools.singledispatch
def texts(tabular: Tabular) -> Prose:
    """The sentences around a table."""
    raise TypeError(f"{type(tabular).__name__} is not a table")


def document(tabular: Tabular) -> Document:
    """The table as a reader sees it; columns that say nothing are left out."""
    prose = texts(tabular)
    panels = [_panel(grid, tabular.rows) for grid in chosen(grids(tabular), tabular.shown)]
    return Document(
        plain(prose.title),
        plain(prose.caption),
        tuple(panels),
        tuple(plain(sentence) for sentence in prose.footer),
        plain(prose.summary),
    )


@texts.register
def _texts_of_arms(table: ArmsTable) -> Prose:
    if not table.shown:
        return Prose(table.title, table.caption, table.footer, table.summary)
    # Sentences about a metric that is not shown would puzzle the reader.
    seen = [each for each in table.columns if {each.label, each.metric} & set(table.shown)]
    hidden = [column for column in table.columns if column not in seen]
    if not seen:
        return Prose(table.title, table.caption, table.footer, table.summary)
    footer = tuple(
        sentence
        for sentence in table.footer
        if not any(captions.is_about(sentence, column) for column in hidden)
    )
    headers = [each.header for grid in chosen(grids(table), table.shown) for each in grid.columns]
    footer = captions.without_hidden(footer, headers)
    before, after = (captions.in_percent(table, columns) for columns in (table.columns, seen))
    caption = table.caption.replace(before, after) if before else table.caption
    return Prose(table.title, caption, footer, table.summary)


@grids.register
def _grids_of_arms(table: ArmsTable) -> list[Grid]:
    names, totals = column_layout.names_of(table), column_layout.totals()
    compared = any(cell.published for row in table.rows for cell in row.cells)
    if table.baseline is None and not compared:
        means = [
            column_layout.mean(table, column, index) for index, column in enumerate(table.columns)
        ]
        return [Grid("", [*names, *column_layout.counts(0), *means, *totals])]
    return [
        Grid(
            column.label if len(table.columns) > 1 else "",
            [
                *names,
                *column_layout.counts(index),
                column_layout.mean(table, column, index),
                *column_layout.target(column, index),
                *(column_layout.test(table, column, index) if table.baseline is not None else ()),
                *column_layout.published(column, index),
                *(totals if index == 0 else ()),
            ],
        )
        for index, column in enumerate(table.columns)
    ]


def chosen(grids: Sequence[Grid], names: Sequence[str]) -> list[Grid]:
    """The grids with the columns of these names only, in their order; no names: all of them.

    Where no name is that of a label, all labels come first, since rows without a name are no table.
    A grid without a named metric is left out, unless no metric is named at all. Raises UserError
    for a name that does not exist.
    """
    if not names:
        return list(grids)
    selected: list[Grid] = []
    known: set[str] = set()
    for grid in grids:
        # Reversed, so that the first of two columns that share a name keeps it.
        by_name = {name: column for column in reversed(grid.columns) for name in column.called()}
        known |= set(by_name)
        columns = [by_name[name] for name in names if name in by_name]
        if columns and not any(column.label for column in columns):
            columns = [*(column for column in grid.columns if column.label), *columns]
        selected.append(Grid(grid.heading, columns))
    for name in names:
        if name not in known:
            raise UserError(f"--columns: the table has no column '{name}'; {nearest(name, known)}")
    # A metric stands in one grid and names it; its difference to the baseline stands in all.
    headers = Counter(column.header for grid in grids for column in grid.columns if column.better)
    # A grid without a metric would repeat labels only.
    measuring = [grid for grid in selected if any(column.better for column in grid.columns)]
    named = [
        grid for grid in measuring if any(headers[column.header] == 1 for column in grid.columns)
    ]
    return named or measuring or selected[:1]


def _panel(grid: Grid, rows: Sequence[Any]) -> Panel:
    """The texts of a grid, without the columns that say nothing in every row."""
    columns = [
        [CellText(plain(layout.text(row)), layout.bold(row)) for row in rows]
        for layout in grid.columns
    ]
    filled = [
        i
        for i, column in enumerate(columns)
        if any(text.text not in ("", NOTHING) for text in column)
    ]
    lined = [_in_line(columns[i]) if grid.columns[i].decimal else columns[i] for i in filled]
    return Panel(
        plain(grid.heading),
        tuple(plain(grid.columns[i].header) for i in filled),
        "".join(grid.columns[i].align for i in filled),
        tuple(zip(*lined, strict=True)),
        max(1, sum(grid.columns[i].label for i in filled)),
    )


def _in_line(column: Sequence[CellText]) -> list[CellText]:
    """Numbers that differ in their decimals, filled up so that their decimal points and ± stand in
    line."""
    matches = [_DECIMAL.fullmatch(text.text) for text in column]
    numbers = [match.groups(default="") for match in matches if match]
    if not numbers:
        return list(column)
    widths = [max(map(len, pieces)) for pieces in zip(*numbers, strict=True)]
    return [
        text
        if match is None
        else dataclasses.replace(text, text=_padded(match.groups(default=""), widths))
        for text, match in zip(column, matches, strict=True)
    ]


def _padded(pieces: Sequence[str], widths: Sequence[int]) -> str:
    """The pieces of a number, each as wide as the widest of its column, but for the first digits.

    Right-aligned columns line up from the right, so nothing is filled up on the left.
    """
    digits, fraction, sign, half_width, rest, count = pieces
    return (
        digits
        + _tail(fraction, widths[1])
        + (sign or DIGIT_SPACE * widths[2])
        + half_width.rjust(widths[3], DIGIT_SPACE)
        + _tail(rest, widths[4])
        + count.ljust(widths[5], DIGIT_SPACE)
    )


def _tail(fraction: str, width: int) -> str:
    """`.25` filled up to so many characters."""
    return (fraction or POINT_SPACE * bool(width)).ljust(width, DIGIT_SPACE)


def plain(text: str) -> str:
    """A text in one line: white space becomes single spaces; what cannot be printed is written as
    its number."""
    words = " ".join(text.split())
    return (
        words
        if words.isprintable()
        else "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in words)
    )
