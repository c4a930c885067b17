"""Estimator: what a host estimator is fitted to, and what it returns."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np


class LabelledExamples(NamedTuple):
    """The examples of a split.

    x: inputs [N, ...], filled and scaled as a network sees them; of several, each by its name.
    y: labels int32 [N], or values [N] in the units of the data.
    """

    x: Any
    y: np.ndarray


# Inputs [M, ...] -> scores [M, K]: logits or log-probabilities of K classes, or predictions (K = 1)
# in the units of the data.
Predict = Callable[[Any], np.ndarray]


class Fit(Protocol):
    """Fits an estimator. The same arguments give the same bits."""

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The fitted predictor.

        Args:
            train: the training examples, N of them.
            validation: the validation examples, for stopping early; there may be none.
            seed: of all that is random.
        """
