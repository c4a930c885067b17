"""A table's numbers and its categories as two inputs."""

import dataclasses
from typing import Any

import numpy as np

from research.data.features.categories import Categories
from research.data.features.feature import Feature, feature
from research.data.features.named_inputs import NamedInputs
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot


@feature
@dataclasses.dataclass(frozen=True)
class TableParts(NamedInputs):
    """The columns of a table, as its numbers [N, D] and the places of its categories [N, C].

    table: the columns, with one-hot categories. called: the names of the two.

    Example:
        >>> names = ('age', 'height', 'colour=red', 'colour=blue', 'colour=green')
        >>> parts = TableParts(table=TableColumns((5,), names, categories=(0, 0, 3))).parts
        >>> parts['numbers'].names, parts['categories'].names
        (('age', 'height'), ('colour',))
    """

    kind = "table_parts"

    table: TableColumns = TableColumns()
    called: tuple[str, str] = ("numbers", "categories")

    @property
    def stored(self) -> TableColumns:
        """The table."""
        return self.table.stored

    @property
    def one_hot(self) -> bool:
        """Their batches count as those of the table."""
        return self.table.one_hot

    @property
    def sizes(self) -> tuple[int, ...]:
        """Which columns are categories, and how many each has."""
        return (*self.stored.categories, *self.table.sizes)

    @property
    def parts(self) -> dict[str, Feature]:
        """The numbers and the categories."""
        table = self.stored
        coded = table.coded_columns
        starts = table.starts
        numbers, categories = self.called
        counts = tuple(table.categories[column] for column in coded)
        return {
            numbers: self.table.of_numbers(),
            categories: Categories(
                (len(coded),),
                tuple(table.names[starts[column]].partition("=")[0] for column in coded),
                counts,
            ),
        }

    def view(self, x: Any) -> Any:
        """The stored columns as numbers, float32 [N, D], and places, int32 [N, C]."""
        if not isinstance(x, OneHot):
            return x
        numbers, categories = self.called
        places = x.values[:, self.stored.coded_columns]
        return {
            numbers: x.values[:, self.stored.numeric_columns],
            categories: np.where(np.isnan(places), -1, places).astype(np.int32),
        }
