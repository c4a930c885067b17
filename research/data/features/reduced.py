"""Reduced: inputs as fewer numbers, by a map that is fitted to the training rows."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data.features.feature import Feature, Fitted, feature
from research.data.features.named_arrays import by_array, take
from research.data.features.table_columns import TableColumns
from research.registry import REDUCTIONS


@feature
@dataclasses.dataclass(frozen=True)
class Reduced(TableColumns):
    """A table of K numbers, which the network gets in the place of the inputs.

    of: the inputs as they are stored; as many numbers if it is not given. method: an entry of
        REDUCTIONS, whose only option is K.

    Example:
        >>> Reduced((2,), of=TableColumns((13,)), method='pca').describe()
        'a table of 2 numbers'
    """

    kind = "reduced"

    of: Feature = dataclasses.field(default_factory=TableColumns)
    method: str = "pca"

    def __post_init__(self) -> None:
        if not self.of.shape:
            object.__setattr__(self, "of", TableColumns(self.shape))

    @property
    def stored(self) -> Feature:
        """The inputs that are reduced."""
        return self.of.stored

    @property
    def merged(self) -> tuple[str, float] | None:
        """As of the inputs."""
        return self.of.merged

    @property
    def gap(self) -> tuple[int, str] | None:
        """As of the inputs."""
        return self.of.gap

    @property
    def one_hot(self) -> bool:
        """As of the inputs."""
        return self.of.one_hot

    @property
    def bytes(self) -> int:
        """Those of the stored inputs."""
        return self.of.bytes

    def in_unit_interval(self, scaling: str) -> bool:
        """Components may be of any size."""
        return False

    def loaded(self, x: Any) -> Any:
        """The stored arrays as the inputs have them."""
        return self.of.loaded(x)

    def view(self, x: Any) -> Any:
        """The stored arrays as the inputs read them."""
        return self.of.view(x)

    def of_numbers(self) -> TableColumns:
        """Itself, which has no categories."""
        return self

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns.

        Args:
            dtype: of the program.
        """
        of = self.of.fitted_like(dtype)
        numbers = int(np.prod(self.of.shape))
        mean = jax.ShapeDtypeStruct((numbers,), dtype)
        directions = jax.ShapeDtypeStruct((numbers, *self.shape), dtype)
        return _joined(of, mean, directions)

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype, **more: Any) -> Fitted:
        """The scaling of the training rows, then the reduction of the scaled ones.

        Args:
            x: raw examples, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py.
            dtype: of the program.
            **more: what the inputs' `fit` takes besides.
        """
        # In the program's type, as the network will see the numbers.
        fitted = self.of.fit(x, train, scaling, dtype, **more)
        of = jax.tree.map(lambda part: np.asarray(part, dtype), fitted)
        rows = self.of.normalize(by_array(take(x, train), jnp.asarray), of, dtype)
        scaled = np.asarray(rows, np.float64).reshape(len(train), -1)
        reduce = REDUCTIONS.get(self.method).build(*self.shape)
        return _joined(of, *reduce(scaled))

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Scaled and reduced, [B, K].

        Args:
            x: raw examples, [B, ...].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        shift, scale = fitted.shift["scaling"], fitted.scale["scaling"]
        of = Fitted(fitted.fill, shift, scale, fitted.statistics)
        scaled = self.of.normalize(x, of, dtype).reshape(len(x), -1)
        return (scaled - fitted.shift["reduction"]) @ fitted.scale["reduction"]


def _joined(of: Fitted, mean: Any, directions: Any) -> Fitted:
    """What is fitted to the inputs, and what reduces them."""
    shift = {"scaling": of.shift, "reduction": mean}
    scale = {"scaling": of.scale, "reduction": directions}
    return Fitted(of.fill, shift, scale, of.statistics)
