"""Products: powers of numbers, their products, and ratios."""

import dataclasses
import functools
import itertools
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np

from research.data.engineering.feature_step import (
    StatelessStep,
    Statistics,
    number_names,
    number_place,
)
from research.data.features.table_columns import TableColumns
from research.errors import UserError
from research.options import Range, options_of
from research.registry import FEATURE_STEPS, Entry

# More columns than this are a mistake sooner than a wish.
MOST_COLUMNS = 2000
Degree = Annotated[int, Range(2), "the largest number of factors"]


@dataclasses.dataclass(frozen=True)
class Products(StatelessStep):
    """The products of 2 to `degree` numbers, in the order of scikit-learn's PolynomialFeatures.

    repeated: whether a number may be a factor more than once.

    Example:
        >>> table = TableColumns((2,), ('a', 'b'))
        >>> Products(2, repeated=True).features(table)
        {'a^2': 1, 'a b': 1, 'b^2': 1}
    """

    degree: int
    repeated: bool

    @property
    def _name(self) -> str:
        return f"{'polynomial' if self.repeated else 'interactions'}({self.degree})"

    def features(self, table: TableColumns) -> dict[str, int]:
        """A column per product."""
        names = number_names(table)
        return {_product_name([names[factor] for factor in one]): 1 for one in self._factors(table)}

    def _factors(self, table: TableColumns) -> list[tuple[int, ...]]:
        """The numbers that each product multiplies, by their place among the numbers."""
        count = len(number_names(table))
        return _factors(count, self.degree, self.repeated, self._name)

    def apply(self, x: Any, table: TableColumns, statistics: Statistics) -> Any:
        """The products, [B, W].

        Args:
            x: filled columns, [B, D].
            table: the table.
            statistics: none.
        """
        names = number_names(table)
        places = np.array([number_place(table, name, self._name) for name in names])
        numbers = x[:, places]
        products = []
        for factors in self._factors(table):
            columns = (numbers[:, factor] for factor in factors)
            products.append(functools.reduce(lambda a, b: a * b, columns))
        return jnp.stack(products, axis=1)


@functools.lru_cache(maxsize=16)
def _factors(count: int, degree: int, repeated: bool, where: str) -> list[tuple[int, ...]]:
    choose = itertools.combinations_with_replacement if repeated else itertools.combinations
    factors: list[tuple[int, ...]] = []
    for size in range(2, degree + 1):
        # Counted before they are listed: there may be more than fit in memory.
        factors += itertools.islice(choose(range(count), size), MOST_COLUMNS + 1)
        if len(factors) > MOST_COLUMNS:
            raise UserError(
                f"features: {where} of {count} numbers makes more than {MOST_COLUMNS:,} columns;"
                " use a lower degree"
            )
    if not factors:
        raise UserError(f"features: {where} needs at least two numbers, and here are {count}")
    return factors


def _product_name(names: list[str]) -> str:
    """As scikit-learn calls it: `a^2 b`."""
    powers = [(name, len(list(same))) for name, same in itertools.groupby(names)]
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in powers)


def interactions(degree: Degree = 2) -> Products:
    """Products of different numbers.

    Example:
        >>> table = TableColumns((3,), ("a", "b", "c"))
        >>> list(interactions(2).features(table))
        ['a b', 'a c', 'b c']
    """
    return Products(degree, repeated=False)


def polynomial(degree: Degree = 2) -> Products:
    """Powers and products of numbers.

    Example:
        >>> list(polynomial(2).features(TableColumns((2,), ("a", "b"))))
        ['a^2', 'a b', 'b^2']
    """
    return Products(degree, repeated=True)


@dataclasses.dataclass(frozen=True)
class ratio(StatelessStep):
    """One number divided by another, and 0 where that is 0.

    Example:
        >>> x = jnp.array([[1.0, 4.0], [3.0, 0.0]])
        >>> ratio('a', 'b').apply(x, TableColumns((2,), ('a', 'b')), {}).tolist()
        [[0.25], [0.0]]
    """

    of: Annotated[str, "the column that is divided"]
    by: Annotated[str, "the column that divides"]

    def features(self, table: TableColumns) -> dict[str, int]:
        """One column."""
        self._places(table)
        return {f"{self.of} / {self.by}": 1}

    def _places(self, table: TableColumns) -> tuple[int, int]:
        where = f"ratio({self.of}, {self.by})"
        return number_place(table, self.of, where), number_place(table, self.by, where)

    def apply(self, x: Any, table: TableColumns, statistics: Statistics) -> Any:
        """The ratio, [B, 1].

        Args:
            x: filled columns, [B, D].
            table: the table.
            statistics: none.
        """
        of, by = self._places(table)
        zero = x[:, by] == 0
        quotient = x[:, of] / jnp.where(zero, 1, x[:, by])
        return jnp.where(zero, 0, quotient)[:, None]


FEATURE_STEPS.add(
    Entry("interactions", interactions, "products of numbers", options=options_of(interactions))
)
FEATURE_STEPS.add(
    Entry(
        "polynomial", polynomial, "powers and products of numbers", options=options_of(polynomial)
    )
)
FEATURE_STEPS.add(
    Entry(
        "ratio",
        ratio,
        "one number divided by another",
        options=options_of(ratio),
        test_options={"of": "x0", "by": "x1"},
    )
)
