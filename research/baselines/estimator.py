"""Estimator: what a host estimator is fitted to, and what it returns."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np


class Unfit(Exception):
    """The training rows do not allow a fit. Its text says why, in a line."""


@contextlib.contextmanager
def library_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Raises Unfit, with the library's reason, where a library refuses to fit.

    Args:
        *kinds: its errors beside ValueError.
    """
    refusals: tuple[type[Exception], ...] = (ValueError, *kinds)
    try:
        yield
    except refusals as error:
        line = str(error).strip().partition("\n")[0]
        # CatBoost says where in its source it stopped.
        raise Unfit(re.sub(r"^\S+\.cpp:\d+: ", "", line)) from error


class LabelledExamples(NamedTuple):
    """The examples of a split.

    x: inputs [N, ...], filled and scaled as a network sees them; of several, each by its name.
    y: labels int32 [N], or values [N] in the units of the data.
    weight: what each example weighs in the fit, [N]; None: all the same.
    categories: the columns of x that hold the place of a category, NaN where there is none. Only an
        estimator that takes categories has some; others get one-hot columns.
    """

    x: Any
    y: np.ndarray
    weight: np.ndarray | None = None
    categories: tuple[int, ...] = ()


# Inputs [M, ...] -> scores [M, K]: logits or log-probabilities of K classes, or predictions (K = 1)
# in the units of the data.
Predict = Callable[[Any], np.ndarray]


@runtime_checkable
class StagedPredict(Protocol):
    """A predictor that is fitted in iterations, such as boosting. Its curves are by iteration."""

    def __call__(self, x: Any) -> np.ndarray:
        """The scores [M, K] of inputs [M, ...]."""

    def stages(self, x: Any) -> Iterator[np.ndarray]:
        """The scores [M, K] after each iteration, whether or not the predictor uses it."""


class Fit(Protocol):
    """Fits an estimator. The same arguments give the same bits."""

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The fitted predictor.

        Args:
            train: the training examples, N of them.
            validation: the validation examples, for stopping early; there may be none.
            seed: of all that is random.

        Raises:
            Unfit: the training rows do not allow it.
        """
