"""Stages: the scores of a boosted estimator by iteration, and which iteration is used."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import (
    Predictor,
    by_class,
    fit_estimator,
    flat,
    scores_of_shares,
)
from research.options import Count

Patience = Annotated[
    Count | None,
    "iterations without a better loss on validation rows, after which the best is used; none: the"
    " last is used",
]


@dataclasses.dataclass(frozen=True)
class StagedPredictor:
    """A boosted estimator of scikit-learn as a function [M, ...] -> scores [M, K].

    model: the fitted estimator; it has `classes_` if it classifies.
    outputs: K: classes, or 1 for a regression.
    notes: what the estimator warned of while it was fitted.
    used: the iteration whose scores are the predictions; None: the last.
    """

    model: Any
    outputs: int
    notes: tuple[str, ...] = ()
    used: int | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The scores after the iteration that is used."""
        if self.used is None:
            return Predictor(self.model, self.outputs)(x)
        return next(itertools.islice(self.stages(x), self.used - 1, None))

    def stages(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """The scores [M, K] after each iteration."""
        if not hasattr(self.model, "classes_"):
            for values in self.model.staged_predict(flat(x)):
                yield np.asarray(values, np.float64).reshape(-1, 1)
            return
        for shares in self.model.staged_predict_proba(flat(x)):
            yield scores_of_shares(shares, self.model.classes_, self.outputs)


def fitted_in_stages(
    model: Any,
    train: LabelledExamples,
    validation: LabelledExamples,
    outputs: int,
    patience: int | None,
) -> Predict:
    """One of scikit-learn's boosted estimators, fitted.

    Args:
        model: the estimator.
        train: the training examples, N of them.
        validation: those that the iteration is chosen on, if there is a patience.
        outputs: K.
        patience: see `Patience`.
    """
    model, notes = fit_estimator(model, train)
    predictor = StagedPredictor(model, outputs, notes)
    if patience is None:
        return predictor
    losses = (mean_loss(scores, validation.y) for scores in predictor.stages(validation.x))
    return dataclasses.replace(predictor, used=best_stage(losses, patience))


def best_stage(losses: Iterator[float], patience: int) -> int:
    """The iteration, from 1, with the first lowest loss before `patience` others are no better.

    Args:
        losses: the loss after each iteration.
        patience: how many.

    Example:
        >>> best_stage(iter([3.0, 2.0, 2.5, 2.0, 1.0]), patience=2)
        2
    """
    best, lowest = 1, np.inf
    for iteration, loss in enumerate(losses, start=1):
        if loss < lowest:
            best, lowest = iteration, loss
        elif iteration - best >= patience:
            break
    return best


def mean_loss(scores: np.ndarray, y: np.ndarray) -> float:
    """The mean negative log-likelihood of labels, or the mean squared error of values.

    Args:
        scores: log-probabilities [M, K], or values [M, 1].
        y: labels or values, [M].
    """
    if scores.shape[1] == 1:
        return float(np.mean((scores[:, 0] - y) ** 2))
    return float(-np.mean(scores[np.arange(len(y)), y]))


def scores_of_margins(
    margins: Iterator[np.ndarray], classes: np.ndarray | None, outputs: int
) -> Iterator[np.ndarray]:
    """The margins after each iteration as scores [M, K].

    Args:
        margins: the sums of the trees: [M], or [M, C] for more than two classes.
        classes: the labels of the columns, [C]; None for a regression.
        outputs: K.
    """
    for margin in margins:
        if classes is None:
            yield np.asarray(margin, np.float64).reshape(-1, 1)
        elif margin.ndim == 1:
            # The log-odds of the second class, as the scores of both.
            yield by_class(np.stack([-margin, margin], axis=1) / 2, classes, outputs)
        else:
            yield by_class(margin, classes, outputs)
