"""AdaBoost: the weights of training rows and of members, from the members' mistakes.

References:
    Zhu, Zou, Rosset & Hastie, Multi-class AdaBoost, Statistics and Its Interface 2, 2009 (SAMME).
    Drucker, Improving regressors using boosting techniques, ICML 1997 (R2, for numbers).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class BoostedWeights(NamedTuple):
    """rows: what each training row weighs for the next member, float64 [R], 1 on average. members:
    what each member weighs in the ensemble, float64 [M]."""

    rows: np.ndarray
    members: np.ndarray


def samme(wrong: np.ndarray, classes: int, rate: float = 1.0) -> BoostedWeights:
    """The weights of classes. A member of the weighted error e weighs rate · (log((1 - e) / e) +
    log(K - 1)), and its mistakes weigh exp of that more for the next one.

    A member without mistakes weighs 1, and one that is no better than chance 0; the members after
    either weigh 0. Where all weigh 0, the first weighs 1.

    Args:
        wrong: whether each member is wrong on each training row, bool [M, R].
        classes: K.
        rate: what the members' weights are multiplied by.

    Example:
        >>> weights = samme(np.array([[True, False, False, False]]), classes=2)
        >>> weights.members.round(3).tolist(), weights.rows.round(3).tolist()  # log 3; 3:1
        ([1.099], [2.0, 0.667, 0.667, 0.667])
    """

    def member(error: float) -> float:
        return rate * (float(np.log((1 - error) / error)) + float(np.log(classes - 1)))

    def grown(rows: np.ndarray, mistakes: np.ndarray, error: float) -> np.ndarray:
        return rows * np.exp(member(error) * mistakes)

    return _weights(wrong.astype(np.float64), 1 - 1 / classes, member, grown)


def r2(errors: np.ndarray, rate: float = 1.0) -> BoostedWeights:
    """The weights of numbers, with the linear loss. An error counts as a share of the member's
    largest; b = e / (1 - e) of their weighted mean e, a member weighs rate · log(1 / b), and a row
    of the error l weighs b^(rate · (1 - l)) times as much for the next one.

    A member without errors weighs 1, and one whose e is at least 1/2 weighs 0; the members after
    either weigh 0. Where all weigh 0, the first weighs 1.

    Args:
        errors: the absolute error of each member on each training row, [M, R].
        rate: what the members' weights are multiplied by.

    Example:
        >>> weights = r2(np.array([[4.0, 0.0, 0.0, 0.0]]))  # e is 1/4, and b is 1/3
        >>> weights.members.round(3).tolist(), weights.rows.round(3).tolist()
        ([1.099], [2.0, 0.667, 0.667, 0.667])
    """
    largest = errors.max(axis=1, keepdims=True)
    shares = errors / np.where(largest > 0, largest, 1)

    def member(error: float) -> float:
        return rate * float(np.log((1 - error) / error))

    def grown(rows: np.ndarray, losses: np.ndarray, error: float) -> np.ndarray:
        return rows * (error / (1 - error)) ** (rate * (1 - losses))

    return _weights(shares.astype(np.float64), 0.5, member, grown)


def _weights(
    losses: np.ndarray,
    chance: float,
    member: Callable[[float], float],
    grown: Callable[[np.ndarray, np.ndarray, float], np.ndarray],
) -> BoostedWeights:
    """The weights after all members.

    Args:
        losses: of each member on each row, in [0, 1], [M, R].
        chance: the mean loss from which on a member has no say.
        member: the weight of a member, by its mean loss.
        grown: the weights of rows after a member, by those before, its losses and their mean.
    """
    count = losses.shape[1]
    rows = np.full(count, 1 / count)
    members = np.zeros(len(losses))
    for number, of_member in enumerate(losses):
        error = float(rows @ of_member)
        if error <= 0:
            members[number] = 1
            break
        if error >= chance:
            break
        members[number] = member(error)
        rows = grown(rows, of_member, error)
        rows = rows / rows.sum()
    if not members.any():
        members[:1] = 1
    return BoostedWeights(rows * count, members)


def votes(answers: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """The logits of SAMME's ensemble, float64 [R, K]: those of scikit-learn's `predict_proba`.

    A member of the weight w adds w to the class that it answers, and -w / (K - 1) to each other.

    Args:
        answers: the class that each member answers, int [M, R].
        weights: of the members, [M].
        classes: K.
    """
    chosen = answers[..., None] == np.arange(classes)
    added = np.where(chosen, 1.0, -1 / (classes - 1))
    return np.tensordot(weights, added, 1) / weights.sum() / (classes - 1)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The smallest value of a row up to which members have half of all weight, [R].

    Args:
        values: of each member, [M, R].
        weights: of the members, [M].
    """
    order = np.argsort(values, axis=0, kind="stable")
    so_far = np.cumsum(weights[order], axis=0)
    first = np.argmax(so_far >= 0.5 * so_far[-1], axis=0)
    places = np.take_along_axis(order, first[None], axis=0)
    median: np.ndarray = np.take_along_axis(values, places, axis=0)[0]
    return median
