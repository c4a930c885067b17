"""PreparedTable: a table whose columns are changed by more than a shift and a division."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data import impute
from research.data import scaling as scaling_lib
from research.data.curves import CURVES
from research.data.features.feature import Fitted, feature
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot


@feature
@dataclasses.dataclass(frozen=True)
class PreparedTable(TableColumns):
    """A table's numbers on a curve of their training rows, and then its one-hot categories.

    table: the columns as they are stored. curve: a name in data/curves.py. rows: of the data set.

    Example:
        >>> names = ('colour=red', 'colour=blue', 'age')
        >>> prepared(TableColumns((3,), names, categories=(2, 0)), 100, 'log').names
        ('age', 'colour=red', 'colour=blue')
    """

    kind = "prepared_table"

    table: TableColumns | None = None
    curve: str = ""
    rows: int = 0

    @property
    def stored(self) -> TableColumns:
        """The table."""
        return TableColumns(self.shape, self.names) if self.table is None else self.table

    @property
    def layout(self) -> TableColumns:
        """The table."""
        return self.stored

    @property
    def sizes(self) -> tuple[Any, ...]:
        """The curve, and which columns are categories."""
        return (self.curve, self.rows, *self.stored.categories)

    @property
    def one_hot(self) -> bool:
        """As its table."""
        return self.stored.one_hot

    @property
    def bytes(self) -> int:
        """Bytes of one example of the table."""
        return self.stored.bytes

    @property
    def merged(self) -> tuple[str, float] | None:
        """That of its table."""
        return self.stored.merged

    @property
    def columns_by_name(self) -> dict[str, tuple[int, ...]]:
        """The features of its table, with the places that their columns have here."""
        here = {name: place for place, name in enumerate(self.names)}
        names = self.stored.names
        if not names:
            return super().columns_by_name
        return {
            feature: tuple(here[names[place]] for place in places)
            for feature, places in self.stored.columns_by_name.items()
        }

    def describe(self) -> str:
        """As its table."""
        return self.stored.describe()

    def loaded(self, x: Any) -> Any:
        """As its table."""
        return self.stored.loaded(x)

    def view(self, x: Any) -> Any:
        """Numbers and the places of categories, float32 [N, C]."""
        return x.values if isinstance(x, OneHot) else x

    def of_numbers(self) -> TableColumns:
        """The numbers alone, on their curve."""
        return prepared(self.stored.of_numbers(), self.rows, self.curve)

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns."""
        numbers = len(self.stored.numeric_columns)
        shaped = lambda shape: jax.ShapeDtypeStruct(shape, dtype)  # noqa: E731
        of_curve = CURVES[self.curve].shapes(numbers, self.rows) if self.curve else {}
        return Fitted(
            shaped((numbers,)),
            shaped(self.channels),
            shaped(self.channels),
            {name: shaped(shape) for name, shape in of_curve.items()},
        )

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype) -> Fitted:
        """The curve of the training rows.

        Args:
            x: raw examples, [N, C].
            train: the training rows, int [n].
            scaling: the curve's name.
            dtype: of the program.
        """
        seen = x[train].astype(np.float64)
        table = self.stored
        numbers = seen[:, table.numeric_columns]
        fill = np.zeros(numbers.shape[1])
        if table.impute:
            fill = impute.fit(numbers, table.impute).astype(dtype)
            numbers = np.where(np.isnan(numbers), fill, numbers)
        curve = CURVES[self.curve]
        statistics = curve.fit(numbers, self.rows)
        parts = [scaling_lib.fit(numbers, "none", 1.0)]
        if curve.standardized:
            # In float64 whatever the program's precision, as all statistics are.
            bent = curve.apply(numbers, statistics, xp=np)
            parts = [scaling_lib.fit(bent, "standard", 1.0)]
        if coded := table.coded_columns:
            kinds = tuple(table.categories[column] for column in coded)
            parts.append(scaling_lib.fit(OneHot(seen[:, coded], kinds), "standard", 1.0))
        shift, scale = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Fitted(fill, shift, scale, statistics)

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Filled, on the curve, and scaled, [B, D].

        Args:
            x: raw examples, [B, C].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        table = self.stored
        numbers = x[:, np.array(table.numeric_columns)].astype(dtype)
        numbers = jnp.where(jnp.isnan(numbers), fitted.fill, numbers)
        if self.curve:
            numbers = CURVES[self.curve].apply(numbers, fitted.statistics)
        parts = [numbers]
        if coded := table.coded_columns:
            kinds = tuple(table.categories[column] for column in coded)
            parts.append(OneHot(x[:, np.array(coded)], kinds)[:].astype(dtype))
        return (jnp.concatenate(parts, axis=1) - fitted.shift) / fitted.scale


def prepared(table: TableColumns, rows: int, curve: str) -> PreparedTable:
    """A table on a curve.

    Args:
        table: the columns as they are stored.
        rows: of the data set.
        curve: a name in data/curves.py.
    """
    starts = table.starts
    places = [int(starts[column]) for column in table.numeric_columns]
    for column in table.coded_columns:
        places += range(starts[column], starts[column] + table.categories[column])
    names = tuple(table.names[place] for place in places) if table.names else ()
    return PreparedTable(table.shape, names, table=table, curve=curve, rows=rows)
