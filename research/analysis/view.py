"""A view of a table: which of its rows and columns are shown, and in which order. It changes no
number.

    where     := condition (' and ' condition)*
    condition := name op value ('|' value)*     optimizer=sgd|adam   test accuracy>=95%
    op        := '=' | '!=' | '<' | '<=' | '>' | '>='
    sort      := ['-'] name     a metric's best value first, else the smallest; '-' reverses

A name is a column's header, a setting or a metric (`test/accuracy`).
"""

import dataclasses
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from research.analysis.column_layout import ColumnLayout
from research.analysis.layout import grids
from research.analysis.number_format import as_number
from research.analysis.tabular import Tabular
from research.errors import UserError, close, nearest

T = TypeVar("T", bound=Tabular)

_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclasses.dataclass(frozen=True)
class View:
    """where: conditions that all hold of a row. sort: names, the first one first. columns: names,
    in their order.

    top: the most rows; they are the best by the first metric unless `sort` says otherwise. Raises
        UserError for a text that is no condition.
    """

    where: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    top: int | None = None
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in self.conditions:
            if not _is_condition(text):
                raise UserError(
                    f"--where='{text}' is not of the form column=value, column<value or"
                    " column>=value"
                )

    @property
    def conditions(self) -> list[str]:
        """Each condition of `where`. An "and" within a value, as in `arm=L1 and L2`, joins no two
        conditions."""
        conditions: list[str] = []
        for text in self.where:
            first, *others = re.split(r"\s+and\s+", text)
            conditions.append(first)
            for piece in others:
                if _is_condition(piece):
                    conditions.append(piece)
                else:
                    conditions[-1] += f" and {piece}"
        return conditions

    def check(self, table: Tabular) -> None:
        """Raises UserError for what is no column of the table, or cannot be a value of one."""
        columns = _columns(self._with_names(table))
        for text in self.conditions:
            _condition(text, columns)
        for text in self.sort:
            _order(text, columns)

    def apply(self, table: T) -> T:
        """The table as it is shown. Raises UserError for what is no column of it, or no value of a
        column."""
        if self == View():
            return table
        columns = _columns(self._with_names(table))
        every = table.rows
        conditions = [_condition(text, columns) for text in self.conditions]
        rows = [row for row in every if all(holds(row) for holds in conditions)]
        if every and not rows:
            raise UserError(
                f"--where: none of the {len(every)} rows has {' and '.join(self.where)}"
            )
        orders = [_order(text, columns) for text in self.sort or (_best(table) if self.top else ())]
        # Sorting is stable: the first name sorts last.
        for order in reversed(orders):
            rows = order.sort(rows)
        rows = rows[: self.top]
        note = self._sentence(len(rows), len(every), orders)
        return cast(T, table.naming(self.columns).listing(rows, note, self.columns))

    def _with_names(self, table: Tabular) -> Tabular:
        """The table with a column for each name that a condition or an order has."""
        left = [left.strip() for text in self.conditions for left, _, _ in _cuts(text)]
        return table.naming([*left, *self.sort, *(name.removeprefix("-") for name in self.sort)])

    def _sentence(self, count: int, every: int, orders: "Sequence[Order]") -> str:
        """Which rows are shown, as a sentence; nothing where all are there in their order."""
        parts = [f"those with {' and '.join(self.where)}"] if self.where else []
        parts += [f"sorted by {' and '.join(map(str, orders))}"] if orders else []
        if count == every and not parts:
            return ""
        return f"{count} of {every} rows are shown" + (f": {', '.join(parts)}." if parts else ".")


WHOLE = View()


@dataclasses.dataclass(frozen=True)
class Order:
    """An order of rows: by a column, the largest values first or last."""

    column: ColumnLayout
    down: bool

    def sort(self, rows: Sequence[Any]) -> list[Any]:
        """The rows in this order: words before numbers, those without a value last."""
        values: list[Any] = [self.column.value(row) for row in rows]
        kinds = (
            [i for i, value in enumerate(values) if isinstance(value, str)],
            [
                i
                for i, value in enumerate(values)
                if isinstance(value, float | int) and not math.isnan(value)
            ],
        )
        ordered = [
            i for kind in kinds for i in sorted(kind, key=lambda i: values[i], reverse=self.down)
        ]
        there = set(ordered)
        return [rows[i] for i in (*ordered, *(i for i in range(len(rows)) if i not in there))]

    def __str__(self) -> str:
        if not self.column.better:
            return self.column.header + (", largest first" if self.down else "")
        return (
            f"{self.column.names[0]},"
            f" {'best' if self.down == (self.column.better == 'higher') else 'worst'} first"
        )


def _order(text: str, columns: Mapping[str, ColumnLayout]) -> Order:
    """A name of `sort` as an order."""
    name = text if text in columns else text.removeprefix("-")
    column = _find(name, columns, "sort")
    return Order(column, down=(column.better == "higher") != (name != text))


def _best(table: Tabular) -> tuple[str, ...]:
    """The first metric of a table, by which its top rows are found if nothing else is asked for."""
    columns = [column for grid in grids(table) for column in grid.columns if column.better]
    return (columns[0].header,) if columns else ()


def _columns(table: Tabular) -> dict[str, ColumnLayout]:
    """Every column of a table by each of its names; of two that share a name the first."""
    every = [column for grid in grids(table) for column in grid.columns]
    return {name: column for column in reversed(every) for name in column.called()}


def _find(name: str, columns: Mapping[str, ColumnLayout], flag: str) -> ColumnLayout:
    """Raises UserError with the nearest names for one that does not exist."""
    if name not in columns:
        known = (
            nearest(name, columns)
            if close(name, columns)
            else f"there are {', '.join(_headers(columns))}"
        )
        raise UserError(f"--{flag}: the table has no column '{name}'; {known}")
    return columns[name]


def _headers(columns: Mapping[str, ColumnLayout]) -> list[str]:
    return list(
        dict.fromkeys(
            column.names[0] if column.better else column.header for column in columns.values()
        )
    )[::-1]


def _cuts(text: str) -> list[tuple[str, str, str]]:
    """Every way to read `column op value`: a column's name may have an operator in it."""
    return [
        (text[: match.start()], match[0], text[match.end() :]) for match in _OPERATOR.finditer(text)
    ]


def _is_condition(text: str) -> bool:
    return any(left.strip() and right.strip() for left, _, right in _cuts(text))


def _condition(text: str, columns: Mapping[str, ColumnLayout]) -> Callable[[Any], bool]:
    """The condition as a function of a row."""
    cuts = [
        (left.strip(), op, right.strip())
        for left, op, right in _cuts(text)
        if left.strip() and right.strip()
    ]
    name, op, right = next((cut for cut in cuts if cut[0] in columns), cuts[0])
    column = _find(name, columns, "where")
    if op in _ORDERS:
        limit = _number(right, column, text)
        return lambda row: (
            isinstance(value := column.value(row), float | int) and _ORDERS[op](value, limit)
        )
    words = [word.strip() for word in right.split("|")]
    numbers = [
        _number(word, column, text)
        for word in words
        if as_number(word.removesuffix("%")) is not None
    ]

    def among(row: Any) -> bool:
        value = column.value(row)
        return ("none" if value is None else value) in (*words, *numbers)

    return lambda row: among(row) == (op == "=")


def _number(text: str, column: ColumnLayout, condition: str) -> float:
    """A limit in the metric's own unit, `95%` as 0.95. Raises UserError if it is no number, or its
    unit is unclear."""
    number = as_number(text.removesuffix("%").strip())
    if number is None:
        raise UserError(
            f"--where='{condition}': '{text}' is not a number; words are compared by = and !="
        )
    # Values are stored as shares.
    if text.endswith("%"):
        return number / 100
    # 95 for a share is surely meant as 95 %; silently, no row or every row would match.
    if column.percent and abs(number) > 1:
        raise UserError(
            f"--where='{condition}': {column.header} is a share; write {text}% or {number / 100:g}"
        )
    return number
