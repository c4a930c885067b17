"""A table's numbers and its categories as two inputs."""

import dataclasses
from typing import Any

import numpy as np

from research.data.features.categories import Categories
from research.data.features.feature import Feature, feature
from research.data.features.named_inputs import NamedInputs
from research.data.features.table_columns import TableColumns


@feature
@dataclasses.dataclass(frozen=True)
class TableParts(NamedInputs):
    """The columns of a table, as its numbers [N, D] and the places of its categories [N, C].

    A table without numbers, or without categories, has the other part alone.

    table: the columns, with one-hot categories. called: the names of the two.

    Example:
        >>> names = ('age', 'height', 'colour=red', 'colour=blue', 'colour=green')
        >>> parts = TableParts(table=TableColumns((5,), names, categories=(0, 0, 3))).parts
        >>> parts['numbers'].names, parts['categories'].names
        (('age', 'height'), ('colour',))
    """

    kind = "table_parts"
    counted = "tables of numbers and categories"

    table: TableColumns = TableColumns()
    called: tuple[str, str] = ("numbers", "categories")

    @property
    def stored(self) -> Feature:
        """The table."""
        return self.table.stored

    @property
    def one_hot(self) -> bool:
        """Their batches count as those of the table."""
        return self.table.one_hot

    @property
    def sizes(self) -> tuple[int, ...]:
        """Which columns are categories, and how many each has."""
        return (*self.table.layout.categories, *self.table.sizes)

    @property
    def parts(self) -> dict[str, Feature]:
        """The numbers and the categories, or what the table has of the two."""
        table = self.table.layout
        coded = table.coded_columns
        numbers, categories = self.called
        parts: dict[str, Feature] = {}
        if table.numeric_columns:
            parts[numbers] = self.table.of_numbers()
        if coded:
            parts[categories] = Categories(
                (len(coded),),
                tuple(table.names[table.starts[column]].partition("=")[0] for column in coded),
                tuple(table.categories[column] for column in coded),
            )
        return parts

    def view(self, x: Any) -> Any:
        """The stored columns as numbers, float32 [N, D], and places, int32 [N, C]."""
        if isinstance(x, dict):
            return x
        table = self.table.layout
        numbers, categories = self.called
        if not table.coded_columns:
            return {numbers: self.table.view(x)}
        places = x.values[:, table.coded_columns]
        parts = {categories: np.where(np.isnan(places), -1, places).astype(np.int32)}
        if table.numeric_columns:
            parts[numbers] = x.values[:, table.numeric_columns]
        return parts
