"""Soft classification: targets are distributions over classes."""

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import TASKS, Task
from research.tasks.classification import decode, log_softmax, mean_prediction
from research.tasks.losses import cross_entropy
from research.tasks.problem import Problem


def encode(y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """The shares [B, K] themselves.

    Args:
        y: shares [B, K].
        width: not used.
        shift: not used, since shares are not scaled.
        scale: not used.
    """
    return jnp.asarray(y, float)


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Whether the likeliest class is the one with the largest share, and the cross-entropy to the
    shares in nats, of each example, [B].

    Example:
        >>> scores, y = jnp.log(jnp.array([[0.25, 0.75]])), jnp.array([[0.5, 0.5]])
        >>> print(example_metrics(scores, y)["nll"])  # -(log 0.25 + log 0.75) / 2
        [0.8369882]
    """
    right = jnp.argmax(scores, axis=-1) == jnp.argmax(y, axis=-1)
    return {"accuracy": right.astype(float), "nll": cross_entropy(scores, y)}


def summary(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The metrics of a split; scores: logits [N, K], y: shares [N, K]."""
    # float64: in float32 a probability near 1 has an NLL of 0.
    log_probabilities = log_softmax(scores)
    return {
        "accuracy": float((scores.argmax(1) == y.argmax(1)).mean()),
        "nll": float(-(y.astype(np.float64) * log_probabilities).sum(1).mean()),
    }


TASKS.add(
    Task(
        "soft_classification",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            mean_prediction=mean_prediction,
            summary=summary,
            better={"accuracy": "higher", "nll": "lower"},
        ),
        "which share each of K classes has: accuracy of the largest, NLL of all",
        loss="cross_entropy",
    )
)
