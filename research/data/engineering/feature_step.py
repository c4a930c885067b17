"""FeatureStep: what makes further columns of a table."""

import functools
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from research import grammar
from research.components import component
from research.data.features.table_columns import TableColumns
from research.errors import UserError, nearest
from research.registry import FEATURE_STEPS

# The arrays that a step fits, by name.
Statistics = Mapping[str, Any]


class FeatureStep(Protocol):
    """Makes columns of the filled columns of a table, whatever their scaling."""

    def features(self, table: TableColumns) -> dict[str, int]:
        """The features that it makes of a table, and how many columns each has.

        Raises UserError if the table lacks a column that it reads.
        """

    def shapes(self, table: TableColumns) -> dict[str, tuple[int, ...]]:
        """The shapes of what `fit` returns."""

    def fit(self, x: np.ndarray, table: TableColumns) -> Statistics:
        """What it fits to training rows, float64.

        Args:
            x: filled columns with one-hot categories, float64 [n, D].
            table: the table.
        """

    def apply(self, x: Any, table: TableColumns, statistics: Statistics) -> Any:
        """Its columns [B, W] of rows.

        Args:
            x: filled columns with one-hot categories, [B, D].
            table: the table.
            statistics: what `fit` returned, in the type of x.
        """


class StatelessStep:
    """A step that fits nothing."""

    def shapes(self, table: TableColumns) -> dict[str, tuple[int, ...]]:
        """None."""
        return {}

    def fit(self, x: np.ndarray, table: TableColumns) -> Statistics:
        """Nothing."""
        return {}


@functools.lru_cache(maxsize=64)
def steps_of(text: str) -> tuple[FeatureStep, ...]:
    """The steps of `interactions(2), bins(age, 5)`. Raises UserError on an unknown step or option.

    Args:
        text: the steps, as the flag `features` has them.
    """
    items = grammar.split(text, ",")
    if "" in items:
        raise UserError(f"features='{text}' has an empty item; separate items by single commas")
    chosen = [component("features", FEATURE_STEPS, item, {})[0] for item in items]
    return tuple(FEATURE_STEPS.get(step.name).build(**dict(step.options)) for step in chosen)


def number_place(table: TableColumns, name: str, where: str) -> int:
    """The place of a column of numbers among the columns of a table.

    Args:
        table: the table.
        name: the column's.
        where: the step, for errors.

    Raises:
        UserError: there is no such column, or it has categories.
    """
    places = _places(table, name, where)
    if len(places) > 1 or name in coded_names(table):
        raise UserError(f"features: {where} reads numbers, and column '{name}' has categories")
    return places[0]


def category_places(table: TableColumns, name: str, where: str) -> tuple[int, ...]:
    """The places of the one-hot columns of a category.

    Args:
        table: the table.
        name: the column's.
        where: the step, for errors.

    Raises:
        UserError: there is no such column, or it has numbers.
    """
    places = _places(table, name, where)
    if name not in coded_names(table):
        raise UserError(
            f"features: {where} groups rows by a category, and column '{name}' has numbers; write"
            f" --categories={name}"
        )
    return places


def coded_names(table: TableColumns) -> list[str]:
    """The columns of a table that are categories."""
    return [table.names[table.starts[column]].partition("=")[0] for column in table.coded_columns]


def number_names(table: TableColumns) -> list[str]:
    """The columns of a table that are numbers."""
    coded = coded_names(table)
    return [name for name in table.columns_by_name if name not in coded]


def _places(table: TableColumns, name: str, where: str) -> tuple[int, ...]:
    by_name = table.columns_by_name
    if name not in by_name:
        raise UserError(f"features: {where}: no column '{name}'; {nearest(name, by_name)}")
    return by_name[name]
