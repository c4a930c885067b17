"""Estimators of scikit-learn: how they are fitted to examples, and their scores."""

import dataclasses
import threading
import warnings
from typing import Any

import numpy as np

from research.baselines.cores import thread_share
from research.baselines.estimator import LabelledExamples, library_errors

CLASSIFICATION = "classification"
# The log-probability of what a model calls impossible: minus infinity would make the loss infinite.
IMPOSSIBLE = float(np.log(np.finfo(np.float32).tiny))

_FITTING = threading.Lock()


def flat(x: np.ndarray) -> np.ndarray:
    """Inputs [M, ...] as float64 [M, D]."""
    # Linear models solve in the type of their inputs, and float32 costs them digits.
    return np.asarray(x, np.float64).reshape(len(x), -1)


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A fitted estimator as a function [M, ...] -> scores [M, K].

    model: the estimator.
    outputs: K: classes, or 1 for a regression.
    notes: what the estimator warned of while it was fitted.
    """

    model: Any
    outputs: int
    notes: tuple[str, ...] = ()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Log-probabilities where the estimator has them, else its decision function, or values."""
        inputs = flat(x)
        if not hasattr(self.model, "classes_"):
            return np.asarray(self.model.predict(inputs), np.float64).reshape(-1, 1)
        if hasattr(self.model, "predict_proba"):
            shares = self.model.predict_proba(inputs)
            return scores_of_shares(shares, self.model.classes_, self.outputs)
        decisions = self.model.decision_function(inputs)
        if decisions.ndim == 1:
            # The log-odds of the second class, as the scores of both.
            decisions = np.stack([-decisions, decisions], axis=1) / 2
        return by_class(decisions, self.model.classes_, self.outputs)


def fitted(estimator: Any, train: LabelledExamples, outputs: int) -> Predictor:
    """The estimator, fitted.

    Args:
        estimator: one of scikit-learn's, or one with its methods.
        train: the examples, N of them.
        outputs: K.
    """
    model, notes = fit_estimator(estimator, train)
    return Predictor(model, outputs, notes)


def fit_estimator(estimator: Any, train: LabelledExamples) -> tuple[Any, tuple[str, ...]]:
    """The estimator, fitted without more threads than the inputs are worth, and its warnings.

    Args:
        estimator: one of scikit-learn's, or one with its methods.
        train: the examples, N of them.

    Raises:
        Unfit: it refuses these examples.
    """
    weights = {} if train.weight is None else {"sample_weight": train.weight}
    with (
        # Python's filters of warnings are the whole process's, and packs may be fitted in threads.
        _FITTING,
        warnings.catch_warnings(record=True) as caught,
        thread_share(train.x.size),
        library_errors(),
    ):
        warnings.simplefilter("always")
        estimator.fit(flat(train.x), train.y, **weights)
    lines = [str(warning.message).strip().splitlines()[0].rstrip(":") for warning in caught]
    return estimator, tuple(dict.fromkeys(lines))


def scores_of_shares(shares: np.ndarray, classes: np.ndarray, outputs: int) -> np.ndarray:
    """Probabilities [M, C] of the classes in training as log-probabilities [M, K] of all.

    Args:
        shares: the probabilities.
        classes: the labels of the columns, [C].
        outputs: K.
    """
    with np.errstate(divide="ignore"):  # of 0, which the bound below replaces
        logarithms = np.maximum(np.log(shares), IMPOSSIBLE)
    return by_class(logarithms, classes, outputs)


def by_class(scores: np.ndarray, classes: np.ndarray, outputs: int) -> np.ndarray:
    """Scores [M, C] of the classes in training as scores [M, K] of all: a class without training
    rows is never predicted.

    Args:
        scores: the scores.
        classes: the labels of the columns, [C].
        outputs: K.
    """
    everywhere = np.full((len(scores), outputs), IMPOSSIBLE)
    everywhere[:, np.asarray(classes, int)] = scores
    return everywhere
