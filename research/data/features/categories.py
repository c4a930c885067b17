"""Categories: the places of a table's categories, for networks that embed them."""

import dataclasses

import jax.numpy as jnp

from research.data.features.feature import Feature, feature


@feature
@dataclasses.dataclass(frozen=True)
class Categories(Feature):
    """Places among the categories of columns, int32 [N, C]; -1 where there is none.

    names: of the columns. counts: how many categories each has.

    Example:
        >>> Categories((2,), names=('colour', 'size'), counts=(3, 2)).describe()
        'columns of categories [2]'
    """

    kind = "categories"
    dtype = jnp.int32
    counted = "columns of categories"
    numeric = False

    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def channels(self) -> tuple[int, ...]:
        """Places are not scaled."""
        return ()
