"""Combination: what the members of an ensemble predict together, and how much they disagree."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from research.errors import UserError
from research.tasks.classification import log_softmax
from research.training.engine.predicted_rows import PredictedRows

# What a run predicted, by part of the split.
Predicted = Mapping[str, PredictedRows]


def mean_scores(scores: np.ndarray, classes: bool) -> np.ndarray:
    """The mean of the members' predictions, float64 [R, C]: of classes the logarithm of their mean
    probability (a soft vote), else of the values.

    Args:
        scores: of each member, [M, R, C].
        classes: whether they are logits of classes.

    Example:
        >>> two = np.log([[[0.9, 0.1]], [[0.5, 0.5]]])
        >>> np.exp(mean_scores(two, classes=True)).round(6)
        array([[0.7, 0.3]])
    """
    if not classes:
        return np.asarray(scores.mean(axis=0, dtype=np.float64))
    # In float64, as probabilities near 0 and 1 are. One of 0 has a logarithm that is a number.
    probabilities = np.exp(log_softmax(scores))
    return np.log(np.maximum(probabilities.mean(axis=0), np.finfo(float).tiny))


def mean(
    predicted: Sequence[Predicted], classes: bool, **options: object
) -> dict[str, PredictedRows]:
    """The mean of what the members predicted, of each part that all of them kept.

    Args:
        predicted: of each member.
        classes: whether scores are logits of classes.
        **options: of the ensemble; not used.
    """
    return by_part(predicted, lambda scores: mean_scores(scores, classes))


def by_part(
    predicted: Sequence[Predicted], combine: Callable[[np.ndarray], np.ndarray]
) -> dict[str, PredictedRows]:
    """What the members predicted together, of each part that they kept.

    Args:
        predicted: of each member.
        combine: the scores of all members [M, R, C] as those of the ensemble [R, C].

    Raises:
        UserError: members predicted other rows, or other targets.
    """
    return {
        part: first._replace(scores=combine(stacked(predicted, part)))
        for part, first in predicted[0].items()
    }


def stacked(predicted: Sequence[Predicted], part: str) -> np.ndarray:
    """The scores of all members, [M, R, C].

    Args:
        predicted: of each member.
        part: of the split.

    Raises:
        UserError: members predicted other rows, or other targets.
    """
    first = predicted[0][part]
    for number, of_member in enumerate(predicted):
        theirs = of_member.get(part)
        if theirs is None or not np.array_equal(first.rows, theirs.rows):
            raise UserError(
                f"member {number} predicted other {part} rows than member 0; members must share"
                " one split: give each the same --split and --split_seed"
            )
        if first.scores.shape != theirs.scores.shape:
            widths = [of.scores.shape[-1] for of in (theirs, first)]
            raise UserError(
                f"member {number} has {widths[0]} scores per row, and member 0 has {widths[1]};"
                " members must predict the same classes"
            )
    return np.stack([of_member[part].scores for of_member in predicted])


def disagreement(scores: np.ndarray, classes: bool) -> float:
    """How far two members differ in a row, on average: of classes the share of rows where they
    predict different ones, else the absolute difference of their values.

    Args:
        scores: of each member, [M, R, C]; a single one agrees with itself.
        classes: whether they are logits of classes.

    Example:
        >>> disagreement(np.array([[[1, 0], [0, 1]], [[1, 0], [1, 0]]]), classes=True)
        0.5
        >>> disagreement(np.array([[[1.0], [2.0]], [[1.0], [5.0]]]), classes=False)
        1.5
    """
    answers = scores.argmax(axis=-1) if classes else scores.astype(np.float64)
    pairs = list(itertools.combinations(answers, 2))
    if not pairs:
        return 0.0
    differences = [(a != b) if classes else np.abs(a - b) for a, b in pairs]
    return float(np.mean(differences, dtype=np.float64))
