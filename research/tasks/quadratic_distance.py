"""The loss of DeepOBS's quadratic: how far a point is from the examples, by a fixed Hessian."""

from typing import Any

import jax
import jax.numpy as jnp

from research.data.noisy_quadratic import DIMENSIONS, hessian
from research.registry import LOSSES, Loss


def quadratic(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """½ (z - t)ᵀ Q (z - t), outputs and targets [..., 100].

    Example:
        >>> round(float(quadratic(jnp.ones([100]), jnp.zeros([100]))), 1)
        267.5
    """
    away = outputs - targets
    return 0.5 * jnp.sum((away @ jnp.asarray(hessian(), away.dtype)) * away, axis=-1)


def _of_the_points(config: Any, spec: Any) -> str | None:
    """Inputs are the points of the quadratic, unscaled."""
    if spec.inputs.shape != (DIMENSIONS,):
        return (
            f"loss=quadratic is of {DIMENSIONS} numbers, those of dataset=quadratic; {spec.name}"
            f" has {spec.inputs.shape}"
        )
    if config.scaling != "none":
        return (
            f"loss=quadratic is of the numbers as they are, not of scaling={config.scaling}; say"
            " --scaling=none"
        )
    return None


LOSSES.add(
    Loss(
        "quadratic",
        lambda: quadratic,
        "DeepOBS's quadratic with a fixed Hessian, steep along 10 of 100 axes",
        "Schneider, Balles & Hennig 2019, DeepOBS: a deep learning optimizer benchmark suite",
        tasks=("reconstruction",),
        constraints=(_of_the_points,),
        metrics={"quadratic": quadratic},
    )
)
