"""TableColumns: a table's numbers and one-hot categories."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data import impute
from research.data.features.feature import Fitted, feature
from research.data.features.numbers import Numbers
from research.data.one_hot import OneHot


@feature
@dataclasses.dataclass(frozen=True)
class TableColumns(Numbers):
    """A table's columns, [N, D].

    impute: how missing numbers are filled, "" if there are none. categories: per stored column how
        many categories it has, 0 of numbers; () where all columns are numbers (see OneHot).
    """

    kind = "table"
    counted = "tables of columns"

    impute: str = ""
    categories: tuple[int, ...] = ()

    def _seen(
        self, x: Any, train: np.ndarray, dtype: np.dtype
    ) -> tuple[np.ndarray, Any, np.ndarray | None]:
        if not self.impute:
            return super()._seen(x, train, dtype)
        seen = x.take(train) if isinstance(x, OneHot) else x[train]
        # Rounded first: the scaling is fitted on what the network sees.
        fill = impute.fit(seen, self.impute).astype(dtype)
        return fill, impute.apply(seen, fill), None

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Filled and scaled, [B, D].

        Args:
            x: raw examples, [B, ...].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        # Filled before scaling: the fill is in the data's units.
        if self.impute:
            x = jnp.where(jnp.isnan(x), fitted.fill, x)
        return super().normalize(x, fitted, dtype)
