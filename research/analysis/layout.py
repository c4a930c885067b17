"""A table as text in a grid, before it becomes Markdown or LaTeX: one panel per metric."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from research.analysis import numerals
from research.analysis.cells import Cell, Column, Comparison, Outcome, Row, Table
from research.analysis.numerals import NOTHING, Scale

INCOMPLETE: tuple[Outcome, ...] = ("diverged", "failed", "missing")


@dataclasses.dataclass(frozen=True)
class Text:
    """The text of one place in a grid."""

    text: str
    bold: bool = False


@dataclasses.dataclass(frozen=True)
class Panel:
    """A grid with a header; align has `l` or `r` for each column."""

    heading: str
    header: tuple[str, ...]
    align: str
    rows: tuple[tuple[Text, ...], ...]


@dataclasses.dataclass(frozen=True)
class Document:
    """What a reader sees: caption, panels, footer."""

    title: str
    caption: str
    panels: tuple[Panel, ...]
    footer: tuple[str, ...]


class Tabular(Protocol):
    """What can be printed in every format: a Table, or the runs behind it."""

    def flat(self) -> list[dict[str, Any]]: ...

    def tree(self) -> dict[str, Any]: ...


@dataclasses.dataclass(frozen=True)
class Place:
    """One column of the grid: its header, alignment and the text of each row's cell."""

    header: str
    align: str
    text: Callable[[Row, Cell], str]
    bold: bool = False


@functools.singledispatch
def document(tabular: Tabular) -> Document:
    """The grid of a table: for arms a panel per metric; columns that say nothing are left out."""
    raise TypeError(f"{type(tabular).__name__} is no table")


@document.register
def _of_arms(table: Table) -> Document:
    panels = tuple(_panel(table, place) for place in range(len(table.columns)))
    return Document(table.title, table.caption, panels, table.footer)


def _panel(table: Table, index: int) -> Panel:
    column = table.columns[index]
    cells = [(row, row.cells[index]) for row in table.rows]
    places = _places(table, column, numerals.scale_of(column, (cell for _, cell in cells)), first=index == 0)
    grid = [[Text(place.text(row, cell), place.bold and cell.bold) for place in places] for row, cell in cells]
    heading = column.label if len(table.columns) > 1 else ""
    return panel(heading, [place.header for place in places], [place.align for place in places], grid)


def panel(heading: str, header: Sequence[str], align: Sequence[str], grid: Sequence[Sequence[Text]]) -> Panel:
    """A panel without the columns that say nothing in every row."""
    kept = [i for i in range(len(header)) if any(row[i].text not in ("", NOTHING) for row in grid)]
    rows = tuple(tuple(row[i] for i in kept) for row in grid)
    return Panel(heading, tuple(header[i] for i in kept), "".join(align[i] for i in kept), rows)


def _places(table: Table, column: Column, scale: Scale, first: bool) -> list[Place]:
    """The columns of one panel; what is not the metric's own stands in the first panel only."""
    unit = " (%)" if column.in_percent else ""
    places = [
        *_names(table),
        Place("n", "r", lambda row, cell: _runs(cell)),
        *(_count(outcome) for outcome in INCOMPLETE),
        Place(column.label + unit, "r", lambda row, cell: _value(cell, scale), bold=True),
    ]
    if table.baseline is not None:
        places += [
            Place(f"Δ to {table.baseline}", "r", lambda row, cell: _difference(cell, scale)),
            Place("p (Holm)", "r", lambda row, cell: numerals.p_value(cell.p_holm)),
            Place("verdict", "l", lambda row, cell: "" if row.label == table.baseline else cell.verdict),
        ]
    places += [
        Place("published", "r", lambda row, cell: _published(cell.published, scale)),
        Place("ours to published", "l", lambda row, cell: _comparison(cell.published, scale)),
    ]
    if first:
        places += [
            Place("parameters", "r", lambda row, cell: numerals.count(row.parameters)),
            Place("s/run", "r", lambda row, cell: numerals.seconds(row.seconds)),
        ]
    return places


def _names(table: Table) -> list[Place]:
    """The label of a row, or in a sweep one column per axis."""
    axes = list(table.rows[0].arm.settings) if table.rows else []
    if axes:
        return [_axis(key, [row.arm.settings[key] for row in table.rows]) for key in axes]
    return [Place("arm", "l", lambda row, cell: row.label + (" (baseline)" if row.label == table.baseline else ""))]


def _axis(key: str, values: Sequence[str]) -> Place:
    return Place(key, alignment(values), lambda row, cell: row.arm.settings[key] or NOTHING)


def alignment(values: Sequence[str]) -> str:
    """Numbers stand right, words left."""
    return "r" if all(numerals.as_number(value) is not None for value in values if value) else "l"


def _runs(cell: Cell) -> str:
    """`10`, or `9/10`."""
    n, total = cell.count("finished"), cell.asked
    return str(n) if n == total else f"{n}/{total}"


def _count(outcome: Outcome) -> Place:
    return Place(outcome, "r", lambda row, cell: str(cell.count(outcome) or NOTHING))


def _value(cell: Cell, scale: Scale) -> str:
    """`97.25 ± 0.31`, `96.90 ± 0.40 (9/10)` or `diverged (0/10)`."""
    n, total = cell.count("finished"), cell.asked
    if cell.interval is None:
        return f"{' and '.join(o for o in INCOMPLETE if o in cell.outcomes)} (0/{total})"
    return scale.interval(cell.interval) + ("" if n == total else f" ({n}/{total})")


def _difference(cell: Cell, scale: Scale) -> str:
    return NOTHING if cell.difference is None else scale.interval(cell.difference, sign="+")


def _published(comparison: Comparison | None, scale: Scale) -> str:
    if comparison is None:
        return NOTHING
    value, spread, n = comparison.published.value, comparison.published.spread, comparison.published.n
    text = scale.printed(value) + ("" if spread is None else f" ± {scale.printed(spread)}")
    return text if n is None else f"{text} (n={n})"


def _comparison(comparison: Comparison | None, scale: Scale) -> str:
    """`intervals overlap (+0.10)`, `better (+0.31)`, `worse (−0.40), intervals apart`."""
    if comparison is None:
        return ""
    if comparison.gap is None:
        return "nothing to compare"
    words = "intervals overlap" if comparison.verdict == "overlap" else comparison.verdict
    apart = ", intervals apart" if comparison.published.spread is not None and comparison.verdict != "overlap" else ""
    return f"{words} ({scale.number(comparison.gap, '+')}){apart}"
