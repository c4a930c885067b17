"""Target: what the engine asks of what is to be predicted."""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from research.data.features.feature import Feature


@dataclasses.dataclass(frozen=True)
class TargetFeature(Feature):
    """What is to be predicted: one value per example, or one at each place of it.

    shape: of the places that have a target each: () for one per example, (T,) for one per step,
        (H, W) for one per pixel. even: all examples have their targets at the same places.

    place: what such a place is called.
    """

    place: ClassVar[str] = "step"

    even: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes, () for numbers."""
        return ()

    @property
    def width(self) -> int:
        """C: how many scores are predicted at each place."""
        return max(len(self.classes), 1)

    @property
    def ragged(self) -> bool:
        """Whether examples have their targets at other places."""
        return bool(self.shape) and not self.even

    def fit_target(self, y: Any, train: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
        """(shift, scale) of the targets, float64 [].

        Args:
            y: targets, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py for targets.
        """
        return np.zeros(()), np.ones(())
