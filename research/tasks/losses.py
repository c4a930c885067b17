"""Training losses, each `loss(outputs [..., K], targets [..., C]) -> [...]`."""

from typing import Any

import jax
import jax.numpy as jnp

from research.maxima import max_first_gradient
from research.registry import LOSSES, Loss

# Targets this close are the same: mixed ones may be worked out twice and rounded otherwise.
ROUNDING = 1e-6


def cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """-Σ_k t_k log softmax(z)_k; t may be any distribution (smoothed, mixed).

    Example:
        >>> logits, targets = jnp.log(jnp.array([[0.25, 0.75]])), jnp.array([[1.0, 0.0]])
        >>> print(cross_entropy(logits, targets))  # -log 0.25
        [1.3862944]
    """
    return -jnp.sum(targets * jax.nn.log_softmax(outputs), axis=-1)


def binary_cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """-t log σ(z) - (1-t) log(1-σ(z)) of two classes with one output z; t is the second class's
    share.

    Example:
        >>> z = jnp.log(jnp.array([[3.0]]))  # the odds of the second class
        >>> print(binary_cross_entropy(z, jnp.array([[1.0, 0.0]])))  # -log 0.25
        [1.3862944]
    """
    z = outputs[..., 0]
    t = targets[..., 1]
    return jax.nn.softplus(z) - t * z


def binary_scores(outputs: jax.Array, width: int) -> jax.Array:
    """One output z as the logits (0, z) of two classes."""
    return jnp.concatenate([jnp.zeros_like(outputs), outputs], axis=-1)


def perceptron(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max_k z_k - z_y: zero where the right class has the largest score, so that only mistakes
    teach.

    Example:
        >>> scores = jnp.array([[1.0, 3.0], [3.0, 1.0]])
        >>> print(perceptron(scores, jnp.array([[1.0, 0.0], [1.0, 0.0]])))  # a mistake, then none
        [2. 0.]
    """
    return max_first_gradient(outputs, axis=-1) - jnp.sum(outputs * targets, axis=-1)


def hinge(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """max(0, 1 + max_{k≠y} z_k - z_y), the multi-class hinge loss of Crammer & Singer 2001.

    Example:
        >>> scores = jnp.array([[1.0, 3.0], [1.5, 1.0], [3.0, 1.0]])
        >>> print(hinge(scores, jnp.array([[1.0, 0.0]] * 3)))  # zero from a margin of 1 on
        [3.  0.5 0. ]
    """
    right = jnp.sum(outputs * targets, axis=-1)
    # Mixed targets have several right classes, equal up to rounding.
    is_right = targets > jnp.max(targets, axis=-1, keepdims=True) - ROUNDING
    wrong = max_first_gradient(jnp.where(is_right, -jnp.inf, outputs), axis=-1)
    return jax.nn.relu(1.0 + wrong - right)


def squared(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Σ_k (z_k - t_k)², whose mean over examples is the MSE.

    Example:
        >>> print(squared(jnp.array([[3.0], [0.5]]), jnp.zeros([2, 1])))
        [9.   0.25]
    """
    return jnp.sum((outputs - targets) ** 2, axis=-1)


def absolute(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Σ_k |z_k - t_k|, with the subgradient 0 where they agree (that of `jnp.abs` is 1).

    Example:
        >>> print(absolute(jnp.array([[3.0], [0.5]]), jnp.zeros([2, 1])))
        [3.  0.5]
    """
    error = outputs - targets
    return jnp.sum(error * jax.lax.stop_gradient(jnp.sign(error)), axis=-1)


def huber(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """½e² where |e| <= 1, else |e| - ½ (Huber 1964).

    Example:
        >>> print(huber(jnp.array([[3.0], [0.5]]), jnp.zeros([2, 1])))  # 3 - ½, and ½ 0.5²
        [2.5   0.125]
    """
    # Both branches have the same value and slope at 1.
    error = jnp.abs(outputs - targets)
    return jnp.sum(jnp.where(error <= 1, 0.5 * error**2, error - 0.5), axis=-1)


def _two_classes(config: Any, spec: Any) -> str | None:
    """There are two classes."""
    if len(spec.targets.classes) == 2:
        return None
    return (
        f"loss=binary_cross_entropy needs two classes; {spec.name} has"
        f" {len(spec.targets.classes)}; use cross_entropy"
    )


LOSSES.add(
    Loss(
        "cross_entropy",
        lambda: cross_entropy,
        "softmax cross-entropy",
        tasks=(
            "classification",
            "soft_classification",
            "language_model",
            "step_classification",
            "sequence_to_sequence",
            "segmentation",
        ),
        linear=True,
    )
)
LOSSES.add(
    Loss(
        "binary_cross_entropy",
        lambda: binary_cross_entropy,
        "sigmoid cross-entropy of two classes with one output",
        tasks=("classification",),
        linear=True,
        outputs=lambda width: 1,
        scores=binary_scores,
        constraints=(_two_classes,),
    )
)
LOSSES.add(
    Loss(
        "perceptron",
        lambda: perceptron,
        "the perceptron criterion",
        "Rosenblatt 1958",
        version=2,
        tasks=("classification",),
        linear=True,
    )
)
LOSSES.add(
    Loss(
        "hinge",
        lambda: hinge,
        "multi-class hinge loss",
        "Crammer & Singer 2001",
        version=2,
        tasks=("classification",),
    )
)
for _name, _loss, _summary, _paper in (
    ("squared", squared, "squared error", ""),
    ("absolute", absolute, "absolute error", ""),
    ("huber", huber, "squared error near zero, absolute beyond 1", "Huber 1964"),
):
    LOSSES.add(
        Loss(
            _name,
            lambda loss=_loss: loss,
            _summary,
            _paper,
            tasks=("regression", "forecast", "reconstruction"),
        )
    )
