"""OneHot: a table that stores a category as its place among the column's categories, and hands it
out one-hot."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# Bytes that are expanded at once on the host.
_BLOCK = 8 << 20


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class OneHot:
    """Rows [N, D], indexed by rows as an array is. Only [N, C] is stored.

    values: float32 [N, C], a stored column each: numbers as they are, and of a category its place.
        NaN is a number that is missing, or a category that is to be imputed. A category that is
        neither imputed nor known (NaN, -1) sets none of its columns.
        kinds: for each stored column how many categories it has, 0 of numbers. So 1,000 categories
        take 4 bytes per row and not 4,000, and what is gathered is the same.
    """

    values: Any
    kinds: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    def __getitem__(self, rows: Any) -> Any:
        """Rows [...] as float32 [..., D]."""
        stored = self.values[rows]
        column, category = self._layout()
        array = np if isinstance(stored, np.ndarray) else jnp
        taken = array.take(stored, column, axis=-1)
        return array.where(category < 0, taken, (taken == category).astype(np.float32))

    def _layout(self) -> tuple[np.ndarray, np.ndarray]:
        """For each of the D columns the stored one that it is read from, and its category, -1 of a
        number."""
        column = np.repeat(np.arange(len(self.kinds)), np.maximum(self.kinds, 1))
        place = np.arange(len(column)) - self.starts[column]
        # float32 like the stored values with which they are compared; exact up to 2^24 categories.
        return column, np.where(np.array(self.kinds)[column] > 0, place, -1).astype(np.float32)

    def take(self, rows: np.ndarray) -> "OneHot":
        """These rows alone, stored as here."""
        return OneHot(self.values[rows], self.kinds)

    @property
    def starts(self) -> np.ndarray:
        """For each stored column the first of the D columns that are read from it, int [C]."""
        # A number takes one column, a category one per value.
        widths = np.maximum(self.kinds, 1)
        return np.cumsum(widths) - widths

    def blocks(self) -> Iterator[np.ndarray]:
        """All rows in their order, a few at a time: float32 [n, D]."""
        size = max(1, _BLOCK // max(1, 4 * self.shape[1]))
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self.blocks():
            yield from block

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, int]:
        """As it is read, [N, D]."""
        return len(self.values), int(np.maximum(self.kinds, 1).sum())

    @property
    def ndim(self) -> int:
        """As it is read."""
        return 2

    @property
    def dtype(self) -> np.dtype:
        """As it is read."""
        return np.dtype(np.float32)

    @property
    def nbytes(self) -> int:
        """What is stored."""
        return self.values.nbytes
