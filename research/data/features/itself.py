"""The inputs as their own targets."""

import dataclasses
from typing import Any

import jax

from research.data.features.feature import feature
from research.data.features.target import TargetFeature


@feature
@dataclasses.dataclass(frozen=True)
class Itself(TargetFeature):
    """The inputs themselves, as they are scaled: the labels are not read.

    size: how many numbers an example has.

    Example:
        >>> Itself(size=64).width
        64
    """

    kind = "itself"
    counted = "the inputs themselves"

    size: int = 1

    @property
    def reconstructs(self) -> bool:
        """They are."""
        return True

    @property
    def width(self) -> int:
        """A score for each number of the inputs."""
        return self.size

    def placeholder(self) -> Any:
        """The inputs as a vector."""
        return jax.ShapeDtypeStruct((self.size,), self.dtype)

    def read(self, x: Any, y: Any) -> Any:
        """The scaled inputs as vectors, [B, D].

        Args:
            x: scaled inputs, [B, ...].
            y: not read.
        """
        return x.reshape(len(x), -1)
