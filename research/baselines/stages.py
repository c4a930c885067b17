"""Stages: the scores of a boosted estimator by iteration, and which iteration is used."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from scipy.special import log_softmax

from research.baselines.cores import thread_share
from research.baselines.estimator import LabelledExamples, Predict, Unfit
from research.baselines.scikit_learn import (
    CLASSIFICATION,
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
    predictor: StagedPredictor,
    train: LabelledExamples,
    validation: LabelledExamples,
    patience: int | None,
) -> Predict:
    """One of scikit-learn's boosted estimators, fitted.

    Args:
        predictor: that of an estimator which is not fitted yet.
        train: the training examples, N of them.
        validation: those that the iteration is chosen on, if there is a patience.
        patience: see `Patience`.
    """
    model, notes = fit_estimator(predictor.model, train)
    predictor = dataclasses.replace(predictor, model=model, notes=notes)
    if patience is None:
        return predictor
    losses = (mean_loss(scores, validation.y) for scores in predictor.stages(validation.x))
    with thread_share(validation.x.size):
        used = best_stage(losses, patience)
    return dataclasses.replace(predictor, used=used)


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


def labelled(train: LabelledExamples, task: str) -> tuple[np.ndarray | None, np.ndarray]:
    """The labels of the classes that occur, [C], and each row's place among them, [N]; of a
    regression None and its targets. Libraries number the classes of the rows that they are given.

    Args:
        train: the training examples, N of them.
        task: classification or regression.

    Example:
        >>> labelled(LabelledExamples(np.zeros((3, 1)), np.array([2, 0, 2])), "classification")
        (array([0, 2]), array([1, 0, 1]))
    """
    if task != CLASSIFICATION:
        return None, train.y
    classes, places = np.unique(train.y, return_inverse=True)
    return classes, places


def of_known_classes(
    validation: LabelledExamples, classes: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The inputs of the validation rows whose class occurs in training, and their places among
    those classes. Rows of other classes lose the same in each iteration.

    Args:
        validation: the validation examples.
        classes: the labels that occur in training, ascending; None for a regression, which keeps
            all rows.

    Raises:
        Unfit: there is no such row.
    """
    if classes is None:
        return validation.x, validation.y
    known = np.isin(validation.y, classes)
    if not known.any():
        raise Unfit(
            "early_stopping_rounds reads validation rows, and their classes do not occur in"
            " training; use more rows, or leave it out"
        )
    return validation.x[known], np.searchsorted(classes, validation.y[known])


def scores_of_margin(margin: np.ndarray, classes: np.ndarray | None, outputs: int) -> np.ndarray:
    """The sums of the trees as scores [M, K]: log-probabilities, or values.

    Args:
        margin: the sums: [M], or [M, C] for more than two classes.
        classes: the labels of the columns, [C]; None for a regression.
        outputs: K.
    """
    margin = np.asarray(margin, np.float64)
    if classes is None:
        return margin.reshape(-1, 1)
    if margin.ndim == 1:
        # The log-odds of the second class, as the scores of both.
        margin = np.stack([-margin, margin], axis=1) / 2
    return by_class(log_softmax(margin, axis=1), classes, outputs)
