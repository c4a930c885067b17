"""Classification: accuracy, negative log-likelihood, calibration error and ROC-AUC."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import TASKS, Task
from research.tasks.problem import Problem

CALIBRATION_BINS = 15
# (scores [N] of one class, member [N], other [N]) -> the area under a curve of its ranking; float
# [N] of 0 and 1, both 0 for rows that do not count.
Area = Callable[[Any, Any, Any], Any]


def encode(y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """Labels as one-hot floats [B, width].

    Args:
        y: labels int [B].
        width: number of classes.
        shift: not used, since labels are not scaled.
        scale: not used.
    """
    return jax.nn.one_hot(y, width, dtype=float)


def decode(scores: jax.Array, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """The logits, which have no units, unchanged.

    Args:
        scores: logits [..., K].
        shift: not used.
        scale: not used.
    """
    return scores


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Right or wrong, and the negative log-likelihood in nats, of each example, [B]."""
    log_probabilities = jax.nn.log_softmax(scores)
    right = jnp.argmax(scores, axis=-1) == y
    return {
        "accuracy": right.astype(float),
        "nll": -jnp.take_along_axis(log_probabilities, y[:, None], axis=-1)[:, 0],
    }


def mean_prediction(scores: jax.Array) -> jax.Array:
    """The members' logits [B, M, C] as the logarithm of their mean probabilities, [B, C].

    Example:
        >>> logits = jnp.log(jnp.array([[[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]]))
        >>> print(jnp.exp(mean_prediction(logits)).round(4))
        [[0.5 0.5]]
    """
    log_probabilities = jax.nn.log_softmax(scores)
    return jax.nn.logsumexp(log_probabilities, axis=1) - math.log(scores.shape[1])


def summary(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The metrics of a split; scores: logits [N, C], y: labels [N].

    Example:
        >>> logits = np.log([[0.75, 0.25], [0.25, 0.75], [0.75, 0.25]])
        >>> metrics = summary(logits, np.array([0, 1, 1]))
        >>> {name: round(value, 2) for name, value in metrics.items()}
        {'accuracy': 0.67, 'nll': 0.65, 'calibration_error': 0.08, 'roc_auc': 0.75}
    """
    log_probabilities = log_softmax(scores)
    right = scores.argmax(axis=1) == y
    all_rows = np.ones(len(y), bool)
    return {
        "accuracy": float(right.mean()),
        "nll": float(-log_probabilities[np.arange(len(y)), y].mean()),
        "calibration_error": calibration_error(np.exp(log_probabilities.max(axis=1)), right),
        "roc_auc": float(one_against_rest(roc_area, log_probabilities, y, all_rows)),
    }


def log_softmax(scores: Any) -> Any:
    """Logits [..., C] as log-probabilities [..., C], of numpy (float64) or JAX."""
    xp = scores.__array_namespace__()
    if isinstance(scores, np.ndarray):
        # float64: in float32 a probability near 1 has an NLL of 0.
        scores = scores.astype(np.float64)
    # The largest logit becomes 0, so that exp cannot overflow.
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: the mean gap of confidence and accuracy over 15 equal bins (Guo
    et al. 2017)."""
    gaps = np.bincount(calibration_bins(confidence), confidence - right, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(right))


def calibration_bins(confidence: Any) -> Any:
    """The bin of each confidence in [0, 1], int [N]: 15 of equal width, their lower ends included;
    the first of NaN."""
    xp = confidence.__array_namespace__()
    return xp.minimum(
        # A confidence of exactly 1 belongs to the last bin.
        (xp.nan_to_num(confidence) * CALIBRATION_BINS).astype(int),
        CALIBRATION_BINS - 1,
    )


def one_against_rest(area: Area, scores: Any, y: Any, real: Any) -> Any:
    """The area of the second of two classes, or the mean over more. NaN where a class has no rows,
    or all of them: scikit-learn then raises, or warns and takes 0.

    Args:
        area: of one class.
        scores: [N, C], of numpy or JAX. Each column is ranked, or of two their difference.
        y: classes [N].
        real: which rows count, bool [N].
    """
    xp = scores.__array_namespace__()
    if scores.shape[1] == 2:
        columns = {1: scores[:, 1] - scores[:, 0]}
    else:
        columns = {k: scores[:, k] for k in range(scores.shape[1])}
    areas = []
    for k, column in columns.items():
        member = ((y == k) & real).astype(scores.dtype)
        other = ((y != k) & real).astype(scores.dtype)
        there = (xp.sum(member) > 0) & (xp.sum(other) > 0) & ~xp.any(xp.isnan(column) & real)
        areas.append(xp.where(there, area(column, member, other), xp.nan))
    return xp.mean(xp.stack(areas))


def roc_area(scores: Any, member: Any, other: Any) -> Any:
    """The probability that a member scores above another row; ties count half (Mann & Whitney
    1947).

    Args:
        scores: of one class, float [N].
        member: 1 for rows of the class that count, else 0, float [N].
        other: 1 for other rows that count, else 0, float [N].
    """
    xp = scores.__array_namespace__()
    order = xp.argsort(scores)
    ascending = scores[order]
    below = xp.concat([xp.zeros(1, scores.dtype), xp.cumulative_sum(other[order])])
    # Equal scores share what lies below the first and above the last of them.
    first = xp.searchsorted(ascending, ascending, side="left")
    last = xp.searchsorted(ascending, ascending, side="right")
    wins = xp.sum(member[order] * (below[first] + below[last])) / 2
    return wins / at_least_one(xp, xp.sum(member) * xp.sum(other))


def at_least_one(xp: Any, count: Any) -> Any:
    """The counts where they are above 0, else 1: a divisor whose result is not read."""
    return xp.where(count > 0, count, 1)


def roc_auc(scores: jax.Array, y: jax.Array, real: jax.Array) -> jax.Array:
    """The area under the ROC curve on the device.

    Args:
        scores: logits [N, C].
        y: classes [N].
        real: which rows count, bool [N].
    """
    area: jax.Array = one_against_rest(roc_area, log_softmax(scores), y, real)
    return area


def calibration_error_on_device(scores: jax.Array, y: jax.Array, real: jax.Array) -> jax.Array:
    """`calibration_error` on the device.

    Args:
        scores: logits [N, C].
        y: classes [N].
        real: which rows count, bool [N].
    """
    confidence = jnp.exp(log_softmax(scores).max(axis=1))
    gaps = jnp.where(real, confidence - (jnp.argmax(scores, axis=1) == y), 0)
    of_bins = jnp.bincount(calibration_bins(confidence), gaps, length=CALIBRATION_BINS)
    return jnp.abs(of_bins).sum() / real.sum()


TASKS.add(
    Task(
        "classification",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            mean_prediction=mean_prediction,
            summary=summary,
            better={
                "accuracy": "higher",
                "nll": "lower",
                "calibration_error": "lower",
                "roc_auc": "higher",
            },
            whole={"calibration_error": calibration_error_on_device, "roc_auc": roc_auc},
        ),
        "which of K classes: accuracy, NLL, calibration error, ROC-AUC",
        loss="cross_entropy",
    )
)
