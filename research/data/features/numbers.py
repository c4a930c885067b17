"""Numbers of any shape, which a scaling brings into a common range."""

import dataclasses
from typing import Any

import jax
import numpy as np

from research.data import scaling as scaling_lib
from research.data.features.feature import Feature, Fitted, feature


@feature
@dataclasses.dataclass(frozen=True)
class Numbers(Feature):
    """Numbers, float32 or uint8 [N, *shape], scaled along their last axis.

    names: of the last axis's columns, () where they have none. maximum: what scaling `none` divides
        by, 255 for bytes. origin: what was subtracted from each column before it became float32, ()
        where nothing was (see data/origin.py). What is shown in the data's units adds it; fitted
        scalings do not depend on it. missing: (row, column) of the first number that is missing.

    Example:
        >>> Numbers((3,), names=('a', 'b', 'c')).describe()
        'numbers [3]'
    """

    kind = "numbers"
    counted = "numbers"

    names: tuple[str, ...] = ()
    maximum: float = 1.0
    origin: tuple[float, ...] = ()
    missing: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes of one example: pixels are stored as uint8, all else as float32."""
        return int(np.prod(self.shape)) * (1 if self.maximum > 1 else 4)

    @property
    def merged(self) -> tuple[str, float] | None:
        """The first column from which something was subtracted."""
        shifted = ((column, origin) for column, origin in enumerate(self.origin) if origin)
        column, origin = next(shifted, (None, 0.0))
        if column is None:
            return None
        return f"values of the {self.column(column) if self.names else 'inputs'}", origin

    @property
    def gap(self) -> tuple[int, str] | None:
        """The first number that is missing."""
        if not self.missing:
            return None
        row, column = self.missing
        return row, self.column(column)

    @property
    def of_table(self) -> dict[str, Any]:
        """The columns' names, what they are divided by, and what was subtracted."""
        return {"features": self.names, "maximum": self.maximum, "origin": self.origin}

    def column(self, place: int) -> str:
        """What a column is called in messages."""
        return f"column '{self.names[place]}'" if self.names else f"column {place}"

    @property
    def columns_by_name(self) -> dict[str, tuple[int, ...]]:
        """The features along the last axis, and the places of the columns of each."""
        count = self.shape[-1] if self.shape else 1
        names = self.names or tuple(f"x{place}" for place in range(count))
        return {name: (place,) for place, name in enumerate(names)}

    def in_unit_interval(self, scaling: str) -> bool:
        """`minmax` does, and `none` of bytes."""
        return scaling_lib.into_unit(scaling, self.maximum)

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype, **more: Any) -> Fitted:
        """`scaling` of the training rows; `none` adds the origin back, which requires float64.

        Args:
            x: raw examples, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py.
            dtype: of the program.
            **more: unused.
        """
        fill, seen, rows = self._seen(x, train, dtype)
        shift, scale = scaling_lib.fit(seen, scaling, self.maximum, rows)
        if scaling == "none" and self.origin:
            shift = -np.array(self.origin)
        return Fitted(fill, shift.reshape(self.channels), scale.reshape(self.channels))

    def _seen(
        self, x: Any, train: np.ndarray, dtype: np.dtype
    ) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """(what fills missing numbers, the numbers that a scaling is fitted on, their rows)."""
        return np.zeros(self.channels, dtype), x, train

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """(x - shift) / scale, in the program's dtype.

        Args:
            x: raw examples, [B, ...].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        return (x.astype(dtype) - fitted.shift) / fitted.scale
