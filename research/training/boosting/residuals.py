"""Gradient boosting: each member fits the negative gradient of the loss at the sum of those before.

Reference: Friedman, Greedy function approximation: a gradient boosting machine, Annals of
Statistics 29, 2001.
"""

import jax
import numpy as np


def first_scores(y: np.ndarray, classes: int) -> np.ndarray:
    """The constant that the first member is added to, float64 [C]: the logarithm of each class's
    share of the training rows, or their mean.

    Args:
        y: labels or values of the training rows, [R].
        classes: how many there are; 0 for numbers.

    Example:
        >>> np.exp(first_scores(np.array([0, 0, 0, 1]), classes=2)).round(6).tolist()
        [0.75, 0.25]
        >>> first_scores(np.array([1.0, 3.0]), classes=0).tolist()
        [2.0]
    """
    if not classes:
        return np.array([y.mean(dtype=np.float64)])
    shares = np.bincount(y, minlength=classes) / len(y)
    # A class without a row has a logarithm that is still a number.
    return np.log(np.maximum(shares, np.finfo(np.float32).eps))


def negative_gradient(targets: jax.Array, scores: jax.Array, classes: bool) -> jax.Array:
    """What a member fits, [B, C]: of classes t - softmax(F), the negative gradient of their
    cross-entropy; of numbers t - F, that of half the squared error.

    Args:
        targets: as the loss takes them, t [B, C].
        scores: of the members so far, F [B, C].
        classes: whether targets are shares of classes.

    Example:
        >>> print(negative_gradient(np.array([[1.0, 0.0]]), np.zeros([1, 2]), classes=True))
        [[ 0.5 -0.5]]
    """
    return targets - (jax.nn.softmax(scores) if classes else scores)
