"""EngineeredTable: a table with further columns that are made of those that it has."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data import impute
from research.data import scaling as scaling_lib
from research.data.engineering.feature_step import FeatureStep, steps_of
from research.data.features.feature import Feature, Fitted, feature
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot
from research.errors import UserError
from research.words import plural


@feature
@dataclasses.dataclass(frozen=True)
class EngineeredTable(TableColumns):
    """A table's columns with one-hot categories, and behind them those that steps make, [N, D].

    table: the columns as they are stored. steps: as the flag `features` has them.

    Example:
        >>> engineered(TableColumns((2,), ('a', 'b')), 'ratio(a, b)').names
        ('a', 'b', 'a / b')
    """

    kind = "engineered_table"

    table: TableColumns | None = None
    steps: str = ""

    @property
    def stored(self) -> TableColumns:
        """The table."""
        return TableColumns(self.shape, self.names) if self.table is None else self.table

    @property
    def one_hot(self) -> bool:
        """As its table."""
        return self.stored.one_hot

    @property
    def bytes(self) -> int:
        """Bytes of one example of the table."""
        return self.stored.bytes

    @property
    def gap(self) -> tuple[int, str] | None:
        """As its table."""
        return self.stored.gap

    @property
    def columns_by_name(self) -> dict[str, tuple[int, ...]]:
        """The features of its table, and those that are made of them."""
        by_name = dict(self.stored.columns_by_name)
        begin = sum(map(len, by_name.values()))
        for name, width in self._further.items():
            by_name[name] = tuple(range(begin, begin + width))
            begin += width
        return by_name

    @property
    def _steps(self) -> Sequence[FeatureStep]:
        return steps_of(self.steps) if self.steps else ()

    @property
    def _further(self) -> dict[str, int]:
        further = [indicators(self.stored)]
        further += [step.features(self.stored) for step in self._steps]
        return {name: width for columns in further for name, width in columns.items()}

    def describe(self) -> str:
        """As its table, and what is made of it."""
        return f"{self.stored.describe()}, and {plural(len(self._further), 'feature')} made of them"

    def taken_as(self, kinds: Sequence[str] | Mapping[str, str]) -> Feature | None:
        """As one array: its numbers cannot be taken apart from its categories."""
        return self if not isinstance(kinds, Mapping) and {*kinds} & {*self.kinds} else None

    def loaded(self, x: Any) -> Any:
        """As its table."""
        return self.stored.loaded(x)

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns."""
        shaped = lambda shape: jax.ShapeDtypeStruct(shape, dtype)  # noqa: E731
        statistics = {
            str(number): jax.tree.map(shaped, step.shapes(self.stored), is_leaf=_is_shape)
            for number, step in enumerate(self._steps)
        }
        ends = shaped(self.channels)
        return Fitted(self.stored.fitted_like(dtype).fill, ends, ends, statistics)

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype, **more: Any) -> Fitted:
        """What each step fits to the training rows, and then the scaling of all columns.

        Args:
            x: raw examples, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py.
            dtype: of the program.
            **more: unused.
        """
        table = self.stored
        rows = np.asarray(x.take(train)[:] if isinstance(x, OneHot) else x[train], np.float64)
        raw = rows
        fill = np.zeros(table.channels)
        if table.impute:
            fill = np.asarray(table.fit_fill(rows), dtype).astype(np.float64)
            rows = table.filled(rows, fill, np)
        statistics = {str(number): step.fit(rows, table) for number, step in enumerate(self._steps)}
        # In the program's type, as the network sees the columns.
        as_seen = jax.tree.map(lambda part: np.asarray(part, dtype), statistics)
        seen = np.asarray(self._columns(jnp.asarray(rows, dtype), jnp.isnan(raw), as_seen))
        shift, scale = scaling_lib.fit(seen, scaling, self.maximum)
        return Fitted(fill, shift, scale, statistics)

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Filled, with the columns of the steps, and scaled, [B, D].

        Args:
            x: raw examples, [B, ...].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        x = x.astype(dtype)
        gaps = jnp.isnan(x)
        if self.stored.impute:
            x = self.stored.filled(x, fitted.fill)
        return (self._columns(x, gaps, fitted.statistics) - fitted.shift) / fitted.scale

    def _columns(self, x: jax.Array, gaps: jax.Array, statistics: Any) -> jax.Array:
        """Filled columns, behind them which numbers are gaps, and then those of the steps,
        [B, D]."""
        parts = [x]
        if impute.indicates(self.stored.impute):
            numbers = self.stored.starts[self.stored.numeric_columns]
            parts.append(gaps[:, numbers].astype(x.dtype))
        for number, step in enumerate(self._steps):
            # A step that fits nothing has no entry in stored statistics.
            parts.append(step.apply(x, self.stored, statistics.get(str(number), {})))
        return jnp.concatenate(parts, axis=1)


def _is_shape(node: Any) -> bool:
    return isinstance(node, tuple)


def indicators(table: TableColumns) -> dict[str, int]:
    """The columns that say which numbers of a table were missing, one per number."""
    if not impute.indicates(table.impute):
        return {}
    places = table.starts[table.numeric_columns]
    return {f"{table.names[place]} is missing": 1 for place in places}


def engineered(table: TableColumns, steps: str) -> EngineeredTable:
    """A table with the columns that steps make.

    Args:
        table: the columns as they are stored.
        steps: as the flag `features` has them.

    Raises:
        UserError: a step is unknown, reads a column that is not there, or makes one twice.
    """
    names = [*table.names, *indicators(table)]
    features = {*table.columns_by_name, *indicators(table)}
    for step in steps_of(steps) if steps else ():
        for name, width in step.features(table).items():
            if name in features:
                raise UserError(f"features='{steps}' makes '{name}' twice")
            features.add(name)
            names += [name] if width == 1 else [f"{name}={place}" for place in range(width)]
    return EngineeredTable(
        (len(names),), tuple(names), table.maximum, impute=table.impute, table=table, steps=steps
    )
