"""PreparedTable: a table whose columns are changed by more than a shift and a division."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data import scaling as scaling_lib
from research.data.curves import CURVES
from research.data.features.feature import Feature, Fitted, feature
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot


@feature
@dataclasses.dataclass(frozen=True)
class PreparedTable(TableColumns):
    """A table's numbers, on a curve of their training rows or not, and then its coded categories.

    table: the columns as they are stored. curve: a name in data/curves.py, "" for none. rows: of
        the data set. encoding: an entry of registry.ENCODINGS. codes: how many numbers it makes of
        a category, K.

    Example:
        >>> names = ('colour=red', 'colour=blue', 'age')
        >>> prepared(TableColumns((3,), names, categories=(2, 0)), 100, 'log').names
        ('age', 'colour=red', 'colour=blue')
    """

    kind = "prepared_table"

    table: TableColumns | None = None
    curve: str = ""
    rows: int = 0
    encoding: str = "onehot"
    codes: int = 1

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
        """The curve, the encoding, and which columns are categories."""
        coded = () if self.encoding == "onehot" else (self.encoding, self.codes)
        return (self.curve, self.rows, *coded, *self.layout.categories)

    @property
    def one_hot(self) -> bool:
        """As its table."""
        return self.layout.one_hot

    @property
    def bytes(self) -> int:
        """Bytes of one example of the table."""
        return self.layout.bytes

    @property
    def merged(self) -> tuple[str, float] | None:
        """That of its table."""
        return self.layout.merged

    @property
    def columns_by_name(self) -> dict[str, tuple[int, ...]]:
        """The features of its table, with the places that their columns have here."""
        here = {name: place for place, name in enumerate(self.names)}
        names = self.stored.names
        if not names:
            return super().columns_by_name
        if self.encoding != "onehot":
            by_name: dict[str, tuple[int, ...]] = {}
            numbers = len(self.layout.numeric_columns)
            for place, name in enumerate(self.names):
                # Of several numbers of a category, colour:0 and colour:1, the feature is colour.
                several = place >= numbers and self.codes > 1
                whole = name.rpartition(":")[0] if several else name
                by_name[whole] = (*by_name.get(whole, ()), place)
            return by_name
        return {
            feature: tuple(here[names[place]] for place in places)
            for feature, places in self.stored.columns_by_name.items()
        }

    def describe(self) -> str:
        """As its table; coded categories are numbers."""
        coded = self.encoding != "onehot"
        return f"a table of {self.shape[0]} numbers" if coded else self.layout.describe()

    def loaded(self, x: Any) -> Any:
        """As its table."""
        return self.layout.loaded(x)

    def view(self, x: Any) -> Any:
        """Numbers and the places of categories, float32 [N, C]."""
        return x.values if isinstance(x, OneHot) else x

    def of_numbers(self) -> TableColumns:
        """The numbers alone, on their curve."""
        return self.layout.of_numbers().prepared(self.curve, self.rows)

    def taken_as(self, kinds: Sequence[str] | Mapping[str, str]) -> Feature | None:
        """As its table; coded categories are numbers, and are not taken apart."""
        if self.encoding == "onehot":
            return super().taken_as(kinds)
        return self if not isinstance(kinds, Mapping) and {*kinds} & {*self.kinds} else None

    @property
    def _counts(self) -> tuple[int, ...]:
        """Of the columns of categories how many each has."""
        return tuple(self.layout.categories[column] for column in self.layout.coded_columns)

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns."""
        numbers = len(self.layout.numeric_columns)
        shaped = lambda shape: jax.ShapeDtypeStruct(shape, dtype)  # noqa: E731
        shapes = CURVES[self.curve].shapes(numbers, self.rows) if self.curve else {}
        if self.encoding != "onehot":
            shapes["codes"] = (sum(self._counts) + 2 * len(self._counts), self.codes)
        return Fitted(
            shaped((numbers,)),
            shaped(self.channels),
            shaped(self.channels),
            {name: shaped(shape) for name, shape in shapes.items()},
        )

    def fit(
        self,
        x: Any,
        train: np.ndarray,
        scaling: str,
        dtype: np.dtype,
        **more: Any,
    ) -> Fitted:
        """The curve and the codes of the training rows, and the scaling of what comes of them.

        Args:
            x: raw examples, [N, C].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py, or the curve's name.
            dtype: of the program.
            **more: `encode`, (places [n], categories, rows [n]) of a column to the codes of its
                categories.
        """
        numeric = self.layout.numeric_columns
        coded = self.layout.coded_columns
        linear = "none" if self.curve else scaling
        fitted = self.layout.of_numbers().fit(x[:, numeric], train, linear, dtype)
        parts = [(fitted.shift, fitted.scale)]
        statistics = {}
        if self.curve:
            numbers = x[train][:, numeric].astype(np.float64)
            numbers = np.where(np.isnan(numbers), fitted.fill, numbers)
            statistics = CURVES[self.curve].fit(numbers, self.rows)
            if CURVES[self.curve].standardized:
                # In float64 whatever the program's precision, as all statistics are.
                bent = CURVES[self.curve].apply(numbers, statistics, xp=np)
                parts = [scaling_lib.fit(bent, "standard", 1.0)]
            linear = "standard"
        places = x[train][:, coded]
        if encode := more.get("encode"):
            rows = _rows_of_codes(places, self._counts, np)
            codes = [
                encode(rows[:, column], count + 1, train)
                for column, count in enumerate(self._counts)
            ]
            statistics["codes"] = np.concatenate(codes)
            seen = self._coded(places, statistics["codes"], np)
            parts.append(scaling_lib.fit(seen, linear, 1.0))
        elif coded:
            parts.append(scaling_lib.fit(OneHot(places, self._counts), linear, 1.0))
        shift, scale = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Fitted(fitted.fill, shift, scale, statistics)

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Filled, on the curve, coded and scaled, [B, D].

        Args:
            x: raw examples, [B, C].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        numbers = x[:, np.array(self.layout.numeric_columns, int)].astype(dtype)
        numbers = jnp.where(jnp.isnan(numbers), fitted.fill, numbers)
        if self.curve:
            numbers = CURVES[self.curve].apply(numbers, fitted.statistics)
        parts = [numbers]
        places = x[:, np.array(self.layout.coded_columns, int)]
        if self.encoding != "onehot":
            parts.append(self._coded(places, fitted.statistics["codes"], jnp))
        elif self._counts:
            parts.append(OneHot(places, self._counts)[:].astype(dtype))
        return (jnp.concatenate(parts, axis=1) - fitted.shift) / fitted.scale

    def _coded(self, places: Any, codes: Any, xp: Any) -> Any:
        """Places [B, C] as the codes of their categories, [B, C * K]."""
        sizes = np.array(self._counts, int) + 2
        rows = _rows_of_codes(places, self._counts, xp) + (np.cumsum(sizes) - sizes)
        # By its width: a fold without validation rows has none to infer it from.
        return codes[rows].reshape(len(places), len(sizes) * codes.shape[1])


def _rows_of_codes(places: Any, counts: tuple[int, ...], xp: Any) -> Any:
    """Places among the categories of each column, int [B, C]; after these a category that is
    missing, and then one that is unknown."""
    most = np.array(counts, int)
    missing = xp.isnan(places)
    whole = xp.where(missing, 0, places).astype(int)
    unknown = (whole < 0) | (whole >= most)
    return xp.where(missing, most, xp.where(unknown, most + 1, whole))


def prepared(
    table: TableColumns, rows: int, curve: str, encoding: str = "onehot", codes: int = 1
) -> PreparedTable:
    """A table on a curve, or with coded categories.

    Args:
        table: the columns as they are stored.
        rows: of the data set.
        curve: a name in data/curves.py, "" for none.
        encoding: an entry of registry.ENCODINGS.
        codes: how many numbers it makes of a category.
    """
    starts = table.starts
    names = table.names or ("",) * table.shape[0]
    columns = [names[starts[column]] for column in table.numeric_columns]
    for column in table.coded_columns:
        first = int(starts[column])
        name = names[first].partition("=")[0]
        of_column = [name] if codes == 1 else [f"{name}:{place}" for place in range(codes)]
        if encoding == "onehot":
            of_column = list(names[first : first + table.categories[column]])
        columns += of_column
    return PreparedTable(
        (len(columns),),
        tuple(columns) if table.names else (),
        table=table,
        curve=curve,
        rows=rows,
        encoding=encoding,
        codes=codes,
    )
