"""Classification of each step of a sequence: accuracy over steps, whole sequences right, negative
log-likelihood."""

import jax
import jax.numpy as jnp

from research.registry import TASKS, Task
from research.tasks.classification import decode, encode
from research.tasks.problem import Problem, mean_over_steps


def real(targets: jax.Array) -> jax.Array:
    """How much of a target each step has, [B, T]: what `encode` makes of padding is zero."""
    return jnp.sum(targets, axis=-1)


def nll(scores: jax.Array, y: jax.Array) -> jax.Array:
    """The negative log-likelihood in nats of each example's steps y [B, T], their mean [B]; scores:
    [B, T, C]."""
    log_probabilities = jax.nn.log_softmax(scores)
    # The padding class -1 would be the last class; any valid index will do, since the mean leaves
    # it out.
    of_steps = -jnp.take_along_axis(log_probabilities, jnp.maximum(y, 0)[..., None], axis=-1)[
        ..., 0
    ]
    return mean_over_steps(of_steps, y >= 0)


def accuracy(scores: jax.Array, y: jax.Array) -> jax.Array:
    """The share of each example's steps that are right, [B]."""
    return mean_over_steps((jnp.argmax(scores, axis=-1) == y).astype(float), y >= 0)


def exact_match(scores: jax.Array, y: jax.Array) -> jax.Array:
    """1 where all steps of an example are right, [B]."""
    return jnp.all((jnp.argmax(scores, axis=-1) == y) | (y < 0), axis=1).astype(float)


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Of each example, [B]; scores: logits [B, T, C], y: classes [B, T], -1 where there is no
    target.

    Example:
        >>> scores = jax.nn.one_hot(jnp.array([[2, 0, 1, 0]]), 3)
        >>> metrics = example_metrics(scores, jnp.array([[2, 0, 2, -1]]))  # -1: no target
        >>> print(metrics["accuracy"], metrics["exact_match"])
        [0.6666667] [0.]
    """
    return {
        "accuracy": accuracy(scores, y),
        "exact_match": exact_match(scores, y),
        "nll": nll(scores, y),
    }


TASKS.add(
    Task(
        "step_classification",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"accuracy": "higher", "exact_match": "higher", "nll": "lower"},
            per_target=("accuracy", "nll"),
            real=real,
        ),
        "which of K classes, at each step of a sequence: accuracy, exact match, NLL",
        loss="cross_entropy",
    )
)
