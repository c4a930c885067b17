"""Numbers to be predicted."""

import dataclasses
from typing import Any

import numpy as np

from research.data import scaling as scaling_lib
from research.data.features.feature import feature
from research.data.features.target import TargetFeature
from research.data.origin import differences
from research.data.windows import Windows


@feature
@dataclasses.dataclass(frozen=True)
class Number(TargetFeature):
    """A number per example [N], or at each place [N, T]: float32, NaN where there is none.

    offset: what was subtracted before the numbers became float32 (see data/origin.py).

    Example:
        >>> Number(offset=20.0).width
        1
    """

    kind = "number"
    counted = "numbers"

    offset: float = 0.0

    @property
    def merged(self) -> tuple[str, float] | None:
        """The targets, if something was subtracted."""
        return ("targets", self.offset) if self.offset else None

    def restored(self, values: Any) -> Any:
        """The values with what was subtracted."""
        # In float32, adding a large origin back would round the small values that were trained on.
        return values.astype(np.float64) + self.offset if self.offset else values

    def differences(self, values: np.ndarray) -> np.ndarray:
        """The values without what is subtracted, float32."""
        return differences(values, self.offset)

    def fit_target(self, y: Any, train: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
        """`scaling` of the targets that are there; `none` adds the offset back.

        Args:
            y: targets, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py for targets.
        """
        if scaling == "none":
            return np.asarray(0.0 - self.offset), np.ones(())
        # Of windows each value counts once.
        windows = isinstance(y, Windows)
        answers = y.after_burn_in().covered(train) if windows else np.asarray(y[train])
        return scaling_lib.fit_target(answers[~np.isnan(answers)], scaling)
