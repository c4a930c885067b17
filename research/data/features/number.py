"""Numbers to be predicted."""

import dataclasses
from typing import Any

import numpy as np

from research.data import scaling as scaling_lib
from research.data.features.feature import feature
from research.data.features.target import TargetFeature
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
