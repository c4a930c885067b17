"""Several targets, an array of each, by name."""

import dataclasses
from typing import Any

import jax
import numpy as np

from research.data.features.feature import feature
from research.data.features.target import TargetFeature


@feature
@dataclasses.dataclass(frozen=True)
class NamedTargets(TargetFeature):
    """Targets {name: [N, ...]}, which a task, its losses and its metrics get as a dict.

    members: name and feature of each. The scores of all stand side by side in their order.

    Example:
        >>> from research.data.features.label import Label
        >>> from research.data.features.number import Number
        >>> kinds = Label(names=('flat', 'house', 'villa'))
        >>> NamedTargets(members=(('kind', kinds), ('price', Number()))).width
        4
    """

    kind = "named_targets"
    counted = "several targets"
    numeric = False

    members: tuple[tuple[str, TargetFeature], ...] = ()

    @property
    def parts(self) -> dict[str, TargetFeature]:
        """The features by name."""
        return dict(self.members)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the targets."""
        return tuple(self.parts)

    @property
    def width(self) -> int:
        """The scores of all targets together."""
        return sum(part.width for part in self.parts.values())

    @property
    def sizes(self) -> tuple[int, ...]:
        """The scores of each target."""
        return tuple(part.width for part in self.parts.values())

    def describe(self) -> str:
        """Each target by its name."""
        return " and ".join(f"{name} ({part.describe()})" for name, part in self.parts.items())

    def placeholder(self) -> Any:
        """One example of each target, without its numbers."""
        return {name: part.placeholder() for name, part in self.parts.items()}

    def fitted_target_like(self, dtype: np.dtype) -> tuple[Any, Any]:
        """The shapes of what `fit_target` returns, by name."""
        number = dict.fromkeys(self.parts, jax.ShapeDtypeStruct((), dtype))
        return number, number

    def fit_target(self, y: Any, train: np.ndarray, scaling: str) -> tuple[Any, Any]:
        """(shift, scale) of each target, by name.

        Args:
            y: targets, {name: [N, ...]}.
            train: the training rows, int [n].
            scaling: a method of data/scaling.py for targets.
        """
        fitted = {n: part.fit_target(y[n], train, scaling) for n, part in self.parts.items()}
        shift = {name: values[0] for name, values in fitted.items()}
        return shift, {name: values[1] for name, values in fitted.items()}
