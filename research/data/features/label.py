"""Labels: one of several classes."""

import dataclasses

import jax.numpy as jnp

from research.data.features.feature import feature
from research.data.features.target import TargetFeature


@feature
@dataclasses.dataclass(frozen=True)
class Label(TargetFeature):
    """A class per example [N], or at each step [N, T]: int32, PADDING where there is none.

    names: of the classes. numbered: they are numbers that were taken for classes.

    Example:
        >>> Label(names=('cat', 'dog')).width
        2
    """

    kind = "label"
    dtype = jnp.int32
    counted = "classes"
    numeric = False

    names: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.names
