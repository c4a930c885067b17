"""Observations of an environment."""

import dataclasses

import jax
import numpy as np

from research.data.features.feature import Feature, Fitted, feature


@feature
@dataclasses.dataclass(frozen=True)
class Observed(Feature):
    """What an environment shows, numbers of any shape. They are collected, so none are stored: the
    rows of the data are the numbers of the episodes that evaluation plays.

    Example:
        >>> Observed((4,)).describe()
        'observations [4]'
    """

    kind = "observation"
    counted = "observations"

    @property
    def collected(self) -> bool:
        """They are."""
        return True

    @property
    def kinds(self) -> tuple[str, ...]:
        """Networks of numbers take them, and those of what has as many axes."""
        by_axes = {1: ("table",), 2: ("series",), 3: ("image",)}
        return (self.kind, "numbers", *by_axes.get(len(self.shape), ()))

    @property
    def channels(self) -> tuple[int, ...]:
        """Observations are not scaled."""
        return ()

    def normalize(self, x: jax.Array, fitted: Fitted, dtype: np.dtype) -> jax.Array:
        """Observations in the program's dtype.

        Args:
            x: observations, [B, ...].
            fitted: what `fit` returned.
            dtype: of the program.
        """
        return x.astype(dtype)
