"""Target: what the engine asks of what is to be predicted."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import numpy as np

from research.data.features.feature import Feature


@dataclasses.dataclass(frozen=True)
class TargetFeature(Feature):
    """What is to be predicted: one value per example, or one at each place of it.

    shape: of the places that scores are predicted at: () for one per example, (T,) for one per
        step, (H, W) for one per pixel. even: all examples have their targets at the same places.

    A kind that has several arrays (boxes, their classes and their number) names them in `arrays`;
    the task, its losses and its metrics then get a dict.

    place: what such a place is called.
    """

    place: ClassVar[str] = "step"

    even: bool = False

    @property
    def at(self) -> str:
        """What has a target each: an example, or each of its places."""
        return self.place if self.shape else "example"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes, () for numbers."""
        return ()

    @property
    def of_classes(self) -> bool:
        """Whether scores are compared with distributions over classes."""
        return bool(self.classes)

    @property
    def width(self) -> int:
        """C: how many scores are predicted at each place."""
        return max(len(self.classes), 1)

    @property
    def reconstructs(self) -> bool:
        """Whether the targets are the inputs."""
        return False

    @property
    def score_names(self) -> tuple[str, ...]:
        """What each score is called, where scores do not predict a target; else ()."""
        return ()

    @property
    def unlabelled(self) -> bool:
        """Whether labels are not read, so that new rows need none."""
        return self.reconstructs

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the classes that the stored labels are of, () for numbers."""
        return self.classes

    @property
    def numbered(self) -> bool:
        """Whether its classes are numbers that were taken for classes."""
        return False

    def restored(self, values: Any) -> Any:
        """Targets or predictions in the units of the data, float64 where float32 would round."""
        return values

    def answers(self, y: Any) -> tuple[Any, tuple[str, ...]]:
        """The targets [N] that predictions are listed beside, and the names of their classes.

        Args:
            y: stored targets; None where there are none.
        """
        return None if y is None else self.restored(y), self.classes

    def differences(self, values: np.ndarray) -> np.ndarray:
        """Targets in the units of the data as they are stored."""
        return values

    @property
    def stratified(self) -> bool:
        """Whether a split gives every part each class in its share of the rows."""
        return bool(self.classes) and not self.shape

    @property
    def ragged(self) -> bool:
        """Whether examples have their targets at other places."""
        return bool(self.shape) and not self.even

    @property
    def parts(self) -> "dict[str, TargetFeature]":
        """The targets by name, where there are several of them."""
        return {}

    def read(self, x: Any, y: Any) -> Any:
        """What metrics compare with.

        Args:
            x: scaled inputs, [B, ...].
            y: the stored targets, [B, ...].
        """
        return y

    def moved(self, y: Any, move: Callable[[Any], Any]) -> Any:
        """Targets of images that an augmentation moves.

        Args:
            y: targets, [B, ...].
            move: the same change of pixels [B, H, W, 1], with 0 for what comes in from outside.
        """
        return y

    def fitted_target_like(self, dtype: np.dtype) -> tuple[Any, Any]:
        """The shapes of what `fit_target` returns."""
        return (jax.ShapeDtypeStruct((), dtype),) * 2

    def fit_target(self, y: Any, train: np.ndarray, scaling: str) -> tuple[Any, Any]:
        """(shift, scale) of the targets, float64 [].

        Args:
            y: targets, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py for targets.
        """
        return np.zeros(()), np.ones(())
