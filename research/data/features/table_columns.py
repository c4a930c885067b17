"""TableColumns: a table's numbers and one-hot categories."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data import impute
from research.data import scaling as scaling_lib
from research.data.features.categories import Categories
from research.data.features.feature import Feature, Fitted, feature
from research.data.features.numbers import Numbers
from research.data.one_hot import OneHot
from research.errors import UserError, nearest


@feature
@dataclasses.dataclass(frozen=True)
class TableColumns(Numbers):
    """A table's columns, [N, D].

    impute: how missing numbers are filled, "" if there are none; see impute.method_of.
    categories: per stored column how many categories it has, 0 of numbers; () where all columns are
        numbers (see OneHot).

    Example:
        >>> TableColumns((5,), categories=(0, 0, 3)).describe()
        'a table of 2 numbers and 1 categories'
    """

    kind = "table"
    counted = "tables of columns"

    impute: str = ""
    categories: tuple[int, ...] = ()

    @property
    def one_hot(self) -> bool:
        """Categories are."""
        return bool(self.categories)

    @property
    def layout(self) -> "TableColumns":
        """The columns that are split into numbers and categories."""
        return self

    def column(self, place: int) -> str:
        """The column, or of a category that of all its categories."""
        named = super().column(place)
        return f"{named.partition('=')[0]}'" if self.categories and "=" in named else named

    def loaded(self, x: Any) -> Any:
        """Categories as one-hot columns."""
        return OneHot(x, self.categories) if self.categories else x

    @property
    def starts(self) -> np.ndarray:
        """For each stored column the first of the D columns that are read from it, int [C]."""
        return OneHot(np.zeros((0, 0)), self._kinds).starts

    @property
    def _kinds(self) -> tuple[int, ...]:
        """For each stored column how many categories it has, 0 of numbers."""
        return self.categories or (0,) * sum(self.shape)

    @property
    def numeric_columns(self) -> list[int]:
        """The stored columns that are numbers."""
        return [column for column, count in enumerate(self._kinds) if not count]

    @property
    def coded_columns(self) -> list[int]:
        """The stored columns that are categories."""
        return [column for column, count in enumerate(self.categories) if count]

    @property
    def columns_by_name(self) -> dict[str, tuple[int, ...]]:
        """The features; a category has the places of all its one-hot columns."""
        names = self.names
        if not self.categories or not names:
            return super().columns_by_name
        by_name = {}
        for start, count in zip(self.starts.tolist(), self.categories, strict=True):
            name = names[start].partition("=")[0] if count else names[start]
            by_name[name] = tuple(range(start, start + max(count, 1)))
        return by_name

    def describe(self) -> str:
        """How many of its columns are numbers, and how many are categories."""
        numbers = len(self.numeric_columns)
        coded = len(self.coded_columns)
        return f"a table of {numbers} numbers{f' and {coded} categories' * bool(coded)}"

    @property
    def _groups(self) -> tuple[int, ...]:
        """The places of the one-hot columns of the category by which numbers are filled; () if
        they are filled alike in all rows."""
        by = impute.method_of(self.impute)[1] if self.impute else ""
        return self.stored.as_a(TableColumns).columns_by_name[by] if by else ()

    def check_impute(self, name: str) -> None:
        """Raises UserError if the table lacks the category by which its numbers are filled.

        Args:
            name: of the data set, for the message.
        """
        by = impute.method_of(self.impute)[1] if self.impute else ""
        if not by:
            return
        if by not in self.columns_by_name:
            raise UserError(
                f"impute={self.impute}: {name} has no column '{by}';"
                f" {nearest(by, self.columns_by_name)}"
            )
        coded = [self.names[self.starts[column]].partition("=")[0] for column in self.coded_columns]
        if by not in coded:
            raise UserError(
                f"impute={self.impute} groups rows by a category, and column '{by}' of {name} has"
                f" numbers; write --categories={by}"
            )

    def _check_whole(self, what: str) -> None:
        """Raises UserError if what takes the numbers apart from the category that fills them."""
        if self._groups:
            method, _ = impute.method_of(self.impute)
            raise UserError(
                f"impute={self.impute} and {what} do not go together; try --impute={method}"
            )

    def of_numbers(self) -> "TableColumns":
        """Its numbers alone. Raises UserError if they are filled by a category."""
        self._check_whole("a network that embeds categories")
        places = [int(self.starts[column]) for column in self.numeric_columns]
        return TableColumns(
            (len(places),),
            tuple(self.names[place] for place in places) if self.names else (),
            self.maximum,
            tuple(self.origin[place] for place in places) if self.origin else (),
            impute=self.impute,
        )

    def prepared(
        self, scaling: str, rows: int, encoding: str = "onehot", codes: int = 1
    ) -> "TableColumns":
        """Itself, or with numbers on a curve and coded categories.

        Args:
            scaling: a scaling of any kind.
            rows: of the data set.
            encoding: an entry of registry.ENCODINGS.
            codes: how many numbers the encoding makes of a category.

        Raises:
            UserError: numbers are filled by a category, which they are now taken apart from.
        """
        if scaling not in scaling_lib.CURVED and encoding == "onehot":
            return self
        coded = encoding != "onehot"
        self._check_whole(f"encoding_of_categories={encoding}" if coded else f"scaling={scaling}")
        # Imported here: a prepared table is a table.
        from research.data.features.prepared_table import prepared

        curve = scaling if scaling in scaling_lib.CURVED else ""
        return prepared(self, rows, curve, encoding, codes)

    def taken_as(self, kinds: Sequence[str] | Mapping[str, str]) -> Feature | None:
        """Also as `table_parts`: its numbers and its categories, or what it has of the two."""
        # Imported here: the parts of a table are made of tables.
        from research.data.features.table_parts import TableParts

        if not isinstance(kinds, Mapping) and TableParts.kind in kinds:
            return TableParts(self.shape, table=self)
        return super().taken_as(kinds)

    def named(self, kinds: Mapping[str, str]) -> Feature | None:
        """Its numbers and its categories, if it has both."""
        # Imported here: the parts of a table are made of tables.
        from research.data.features.table_parts import TableParts

        by_kind = {kind: name for name, kind in kinds.items()}
        if set(by_kind) != {TableColumns.kind, Categories.kind} or len(kinds) != 2:
            return None
        if not self.layout.numeric_columns or not self.layout.coded_columns:
            return None
        numbers = by_kind[TableColumns.kind]
        categories = by_kind[Categories.kind]
        return TableParts(self.shape, table=self, called=(numbers, categories))

    def _seen(
        self, x: Any, train: np.ndarray, dtype: np.dtype
    ) -> tuple[np.ndarray, Any, np.ndarray | None]:
        if not self.impute:
            return super()._seen(x, train, dtype)
        # Rounded first: the scaling is fitted on what the network sees.
        if self._groups:
            rows = np.asarray(x[train])
            fill = self.fit_fill(rows).astype(dtype)
            return fill, self.filled(rows, fill, np), None
        seen = x.take(train) if isinstance(x, OneHot) else x[train]
        fill = impute.fit(seen, impute.method_of(self.impute)[0]).astype(dtype)
        return fill, impute.apply(seen, fill), None

    def fit_fill(self, rows: np.ndarray) -> np.ndarray:
        """What fills the numbers, [D], or by groups [G + 1, D], from training rows [n, D]."""
        method, _ = impute.method_of(self.impute)
        if groups := self._groups:
            return impute.fit_groups(rows, method, groups)
        return impute.fit(rows, method)

    def filled(self, x: Any, fill: Any, xp: Any = jnp) -> Any:
        """Rows with one-hot categories, [B, D], without missing numbers.

        Args:
            x: the rows.
            fill: as `fit_fill` returns it.
            xp: numpy, or jax.numpy.
        """
        if groups := self._groups:
            member = x[:, np.array(groups)] > 0.5
            # A row without a known group is filled as all rows are.
            fill = fill[xp.where(member.any(axis=1), member.argmax(axis=1), len(groups))]
        return xp.where(xp.isnan(x), fill, x)

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns."""
        fitted = super().fitted_like(dtype)
        if groups := self._groups:
            fill = jax.ShapeDtypeStruct((len(groups) + 1, *self.channels), dtype)
            return fitted._replace(fill=fill)
        return fitted

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Filled and scaled, [B, D].

        Args:
            x: raw examples, [B, ...].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        # Filled before scaling: the fill is in the data's units.
        if self.impute:
            x = self.filled(x, fitted.fill)
        return super().normalize(x, fitted, dtype)

    def with_places(self, x: np.ndarray, fitted: Fitted) -> np.ndarray:
        """Normalized examples [B, D] with one column per stored column, [B, C]: of a category its
        place among those of its column, NaN where none is set.

        Args:
            x: examples as `normalize` returns them.
            fitted: what `fit` returned.

        Example:
            >>> table = TableColumns((4,), categories=(0, 3))
            >>> x = np.array([[0.5, 0, 0, 1], [0.7, 0, 0, 0]])
            >>> table.with_places(x, Fitted(np.zeros(4), np.zeros(4), np.ones(4))).tolist()
            [[0.5, 2.0], [0.7, nan]]
        """
        # A column that is not shown has an infinite scale.
        shown = np.isfinite(fitted.scale)
        unscaled = x * np.where(shown, fitted.scale, 0) + fitted.shift
        # Half of a one: scaling rounds.
        ones = shown & (unscaled > 0.5)
        columns = []
        for start, count in zip(self.starts, self.categories, strict=True):
            if count:
                of_column = ones[:, start : start + count]
                column = np.where(of_column.any(axis=1), of_column.argmax(axis=1), np.nan)
            else:
                column = x[:, start]
            columns.append(column)
        return np.stack(columns, axis=1)
