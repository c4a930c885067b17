"""Aggregates: what the training rows of a group have in common, joined to every row of the
group."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data.engineering.feature_step import Statistics, category_places, number_place
from research.data.features.table_columns import TableColumns
from research.errors import UserError, nearest
from research.options import REQUIRED, option
from research.registry import FEATURE_STEPS, Entry


def _skew(values: np.ndarray) -> float:
    """The third standardised moment, 0 of values that are all equal."""
    deviations = values - values.mean()
    spread = deviations.std()
    return float(np.mean(deviations**3) / spread**3) if np.ptp(values) > 0 else 0.0


METHODS: Mapping[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "std": np.std,
    "min": np.min,
    "max": np.max,
    "sum": np.sum,
    "count": len,
    "skew": _skew,
    "nunique": lambda values: len(np.unique(values)),
}
# They grow with the rows, so that a new group gets their mean over the known groups.
OF_SIZE = ("sum", "count", "nunique")


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """Statistics of the numbers of a group's training rows.

    A group without training rows gets those of all training rows; the sum, the count and the number
    of different values are then the mean over the groups.
    """

    by: str
    of: tuple[str, ...]
    methods: tuple[str, ...]

    @property
    def _name(self) -> str:
        return f"aggregate(by={self.by}, of={'|'.join(self.of)}, with={'|'.join(self.methods)})"

    def features(self, table: TableColumns) -> dict[str, int]:
        """A column per number and statistic."""
        self._places(table)
        return {f"{method}({of} by {self.by})": 1 for of in self.of for method in self.methods}

    def _places(self, table: TableColumns) -> tuple[list[int], list[int]]:
        """The places of the group's one-hot columns, and of the numbers."""
        groups = category_places(table, self.by, self._name)
        return list(groups), [number_place(table, of, self._name) for of in self.of]

    def shapes(self, table: TableColumns) -> dict[str, tuple[int, ...]]:
        """The statistics of each group, and of a row without a known group."""
        groups, _ = self._places(table)
        width = len(self.of) * len(self.methods)
        return {"groups": (len(groups), width), "unseen": (width,)}

    def fit(self, x: np.ndarray, table: TableColumns) -> Statistics:
        """The statistics of the training rows.

        Args:
            x: filled columns of the training rows, [n, D].
            table: the table.
        """
        groups, numbers = self._places(table)
        member = x[:, groups] > 0.5
        seen = np.flatnonzero(member.any(axis=0))
        columns, unseen = [], []
        for place in numbers:
            values = x[:, place]
            for method in self.methods:
                compute = METHODS[method]
                of_seen = np.array([compute(values[member[:, group]]) for group in seen])
                every = of_seen.mean() if method in OF_SIZE and len(seen) else compute(values)
                column = np.full(len(groups), float(every))
                column[seen] = of_seen
                columns.append(column)
                unseen.append(float(every))
        return {"groups": np.stack(columns, axis=1), "unseen": np.array(unseen)}

    def apply(self, x: Any, table: TableColumns, statistics: Statistics) -> Any:
        """The statistics of each row's group, [B, W].

        Args:
            x: filled columns with one-hot categories, [B, D].
            table: the table.
            statistics: what `fit` returned.
        """
        groups, _ = self._places(table)
        member = x[:, np.array(groups)]
        # A one-hot row takes a row of the table; exact, as the others are multiplied by 0.
        known = jnp.matmul(member, statistics["groups"], precision=jax.lax.Precision.HIGHEST)
        without = 1 - member.sum(axis=1, keepdims=True)
        return known + without * statistics["unseen"]


def aggregate(**options: str) -> Aggregate:
    """The step of `aggregate(by=customer, of=amount, with=mean|std)`.

    Example:
        >>> aggregate(**{"by": "customer", "of": "amount", "with": "mean|std"}).methods
        ('mean', 'std')
    """
    methods = _listed(options["with"])
    for method in methods:
        if method not in METHODS:
            raise UserError(f"features: aggregate has no '{method}'; {nearest(method, METHODS)}")
    return Aggregate(options["by"], _listed(options["of"]), methods)


def _listed(text: str) -> tuple[str, ...]:
    """`mean|std` as its parts, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split("|")))


FEATURE_STEPS.add(
    Entry(
        "aggregate",
        aggregate,
        "statistics of the training rows of a group",
        options=(
            option("by", Annotated[str, "the category that groups rows"], REQUIRED),
            option("of", Annotated[str, "columns of numbers: amount|price"], REQUIRED),
            option("with", Annotated[str, "|".join(METHODS)], "mean"),
        ),
        test_options={"by": "a", "of": "x0"},
    )
)
