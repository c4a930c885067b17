"""Bins: a number as the place of its quantile."""

import dataclasses
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np

from research.data.engineering.feature_step import Statistics, number_place
from research.data.features.table_columns import TableColumns
from research.options import Range, options_of
from research.registry import FEATURE_STEPS, Entry


@dataclasses.dataclass(frozen=True)
class bins:
    """One-hot columns that say between which quantiles of the training rows a number lies.

    The edges are those of scikit-learn's KBinsDiscretizer. Equal edges leave bins empty.

    Example:
        >>> table = TableColumns((1,), ("age",))
        >>> bins("age", 2).fit(np.array([[1.0], [2.0], [3.0], [8.0]]), table)["edges"]
        array([2.5])
    """

    of: Annotated[str, "a column of numbers"]
    count: Annotated[int, Range(2), "how many bins"] = 5

    @property
    def _name(self) -> str:
        return f"bins({self.of}, {self.count})"

    def features(self, table: TableColumns) -> dict[str, int]:
        """One feature with a column per bin."""
        number_place(table, self.of, self._name)
        return {self._name: self.count}

    def shapes(self, table: TableColumns) -> dict[str, tuple[int, ...]]:
        """The edges between bins."""
        return {"edges": (self.count - 1,)}

    def fit(self, x: np.ndarray, table: TableColumns) -> Statistics:
        """The edges between bins; inf stands for those that equal another.

        Args:
            x: filled columns of the training rows, [n, D].
            table: the table.
        """
        edges = np.full(self.count - 1, np.inf)
        of = x[:, [number_place(table, self.of, self._name)]]
        if np.ptp(of) > 0:
            inner = _edges(of, self.count)[1:-1]
            edges[: len(inner)] = inner
        return {"edges": edges}

    def apply(self, x: Any, table: TableColumns, statistics: Statistics) -> Any:
        """One-hot bins, [B, count].

        Args:
            x: filled columns, [B, D].
            table: the table.
            statistics: the edges.
        """
        of = x[:, number_place(table, self.of, self._name)]
        place = (of[:, None] >= statistics["edges"]).sum(axis=1)
        return (place[:, None] == jnp.arange(self.count)).astype(x.dtype)


def _edges(of: np.ndarray, count: int) -> np.ndarray:
    """The edges of scikit-learn's bins of numbers [n, 1]; equal ones are one edge."""
    import warnings

    from sklearn.preprocessing import KBinsDiscretizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # bins that it leaves out are empty here
        binned = KBinsDiscretizer(count, encode="ordinal", subsample=None).fit(of)
    edges: np.ndarray = binned.bin_edges_[0]
    return edges


FEATURE_STEPS.add(
    Entry(
        "bins",
        bins,
        "the quantile bin of a number, one-hot",
        options=options_of(bins),
        test_options={"of": "x0"},
    )
)
