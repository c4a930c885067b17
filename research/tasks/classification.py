"""Classification: accuracy, negative log-likelihood, calibration error and ROC-AUC."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import TASKS, Task
from research.tasks.problem import Problem

CALIBRATION_BINS = 15


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
    return {
        "accuracy": float(right.mean()),
        "nll": float(-log_probabilities[np.arange(len(y)), y].mean()),
        "calibration_error": calibration_error(np.exp(log_probabilities.max(axis=1)), right),
        "roc_auc": roc_auc(log_probabilities, y),
    }


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Logits [N, C] as log-probabilities, float64 [N, C]."""
    # float64: in float32 a probability near 1 has an NLL of 0.
    scores = scores.astype(np.float64)
    # The largest logit becomes 0, so that exp cannot overflow.
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: the mean gap of confidence and accuracy over 15 equal bins (Guo
    et al. 2017)."""
    gaps = np.bincount(calibration_bins(confidence), confidence - right, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(right))


def calibration_bins(confidence: np.ndarray) -> np.ndarray:
    """The bin of each confidence in [0, 1], int [N]: 15 of equal width, their lower ends included;
    the first of NaN."""
    return np.minimum(
        # A confidence of exactly 1 belongs to the last bin.
        (np.nan_to_num(confidence) * CALIBRATION_BINS).astype(int),
        CALIBRATION_BINS - 1,
    )


def roc_auc(scores: np.ndarray, y: np.ndarray) -> float:
    """Area under the ROC curve: the second class's for two, the mean of one-against-rest for more;
    NaN if undefined.

    The probability that a random member scores above a random non-member, from mid-ranks (Mann &
    Whitney 1947).
    """
    if scores.shape[1] == 2:
        scores, member = scores[:, 1:] - scores[:, :1], (y == 1)[:, None]
    else:
        member = y[:, None] == np.arange(scores.shape[1])
    inside = member.sum(axis=0)
    outside = len(y) - inside
    if not (inside * outside).all() or np.isnan(scores).any():
        return float("nan")
    ranks = np.where(member, np.apply_along_axis(mid_ranks, 0, scores), 0).sum(axis=0)
    return float(np.mean((ranks - inside * (inside + 1) / 2) / (inside * outside)))


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Each value's rank from 1, float [N]; equal values share the mean of theirs.

    As scipy.stats.rankdata has it, whose import takes as long as that of JAX.
    """
    # Ties must share a rank: a constant score then has an AUC of 1/2.
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


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
        ),
        "which of K classes: accuracy, NLL, calibration error, ROC-AUC",
        loss="cross_entropy",
    )
)
