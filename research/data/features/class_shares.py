"""Class shares: how much of each class an example is."""

import dataclasses
from typing import Any

import jax
import numpy as np

from research.data.features.feature import feature
from research.data.features.target import TargetFeature

# How far the shares of an example may be off 1 together: they are float32, or were printed.
OFF = 1e-3


@feature
@dataclasses.dataclass(frozen=True)
class ClassShares(TargetFeature):
    """A distribution over classes per example [N, K]: float32, such as the votes of annotators.

    names: of the classes.

    Example:
        >>> ClassShares(names=('cat', 'dog')).width
        2
    """

    kind = "class_shares"
    counted = "shares of classes"

    names: tuple[str, ...] = ()

    @property
    def of_classes(self) -> bool:
        """Always: they are compared with probabilities."""
        return True

    @property
    def width(self) -> int:
        """K, the number of classes."""
        return len(self.names)

    def answers(self, y: Any) -> tuple[Any, tuple[str, ...]]:
        """The class with the largest share [N], and the names of all classes.

        Args:
            y: shares [N, K]; None where there are none.
        """
        return None if y is None else y.argmax(-1), self.names

    def placeholder(self) -> Any:
        """The shares of one example, without their numbers."""
        return jax.ShapeDtypeStruct((self.width,), self.dtype)


def first_flaw(y: np.ndarray) -> str:
    """What is wrong with shares [N, K], "" where nothing is."""
    wrong = ~((y >= 0).all(-1) & (np.abs(y.sum(-1) - 1) <= OFF))
    if not wrong.any():
        return ""
    row = int(wrong.argmax())
    shares = ", ".join(f"{share:g}" for share in y[row][:5]) + (", …" if y.shape[1] > 5 else "")
    return f"shares of classes in row {row} are {shares}; they must be 0 or more, and add up to 1"
