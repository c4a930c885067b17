"""Regression: mean squared and absolute error, and R², in the units of the data."""

from typing import Any

import jax
import numpy as np

from research.registry import TASKS, Task
from research.tasks.error_metrics import r2
from research.tasks.problem import Problem

# Unscaled targets of hundreds make the first updates overflow. Squared errors have steeper
# gradients than cross-entropies: on California housing, whose outliers lie at 120 deviations, an
# mlp diverges by sgd at 0.003 in two seeds of six, at 0.001 in none. At 0.001 these rows still
# raise the loss during the first five epochs; after 20 epochs R² is 0.70 in four seeds of four.
DEFAULTS = {"target_scaling": "standard", "learning_rate": 0.001}


def encode(y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """Values as scaled targets [B, 1].

    Args:
        y: values [B], in the units of the data.
        width: not used: there is one output.
        shift: what is subtracted, [].
        scale: what the difference is divided by, [].
    """
    return ((y - shift) / scale)[:, None]


def decode(scores: jax.Array, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """Scaled predictions in the units of the data.

    Args:
        scores: scaled predictions [...].
        shift: what is added, [].
        scale: what they are multiplied by first, [].
    """
    return scores * scale + shift


def example_metrics(scores: Any, y: Any) -> dict[str, Any]:
    """Squared and absolute error of each example, [B]; of arrays of numpy or JAX."""
    error = scores[:, 0] - y
    return {"mse": error**2, "mae": abs(error)}


def summary(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The metrics of a split; scores: predictions [N, 1], y [N]. R² is NaN where all y are the
    same.

    Example:
        >>> summary(np.array([[1.0], [2.0]]), np.array([1.0, 3.0]))  # the variance is 1
        {'mse': 0.5, 'mae': 0.5, 'r2': 0.5}
    """
    # float64: squares of targets in the hundred thousands lose digits in a float32 sum.
    scores, y = scores.astype(np.float64), y.astype(np.float64)
    means = {name: float(np.mean(of)) for name, of in example_metrics(scores, y).items()}
    return means | {"r2": float(r2(scores, y, np.ones(len(y), bool)))}


TASKS.add(
    Task(
        "regression",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=summary,
            better={"mse": "lower", "mae": "lower", "r2": "higher"},
            whole={"r2": r2},
        ),
        "a number: MSE, MAE, R²",
        # Targets are scaled by default, and the learning rate is smaller.
        version=2,
        loss="squared",
        defaults=DEFAULTS,
    )
)
