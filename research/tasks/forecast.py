"""Forecasting: the next value at each step of a series; MSE, MAE and MASE, in the units of the data."""

import jax
import jax.numpy as jnp

from research.registry import TASKS, Task
from research.tasks.problem import Problem, mean_over_steps
from research.tasks.regression import decode


def encode(y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """Values [B, T] as scaled targets [B, T, 1]."""
    return ((y - shift) / scale)[..., None]


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Of each example, [B]; scores: forecasts [B, T, 1] of the values y [B, T].

    naive_mae: the mean absolute error of saying that a value is the one before it.
    """
    error = scores[..., 0] - y
    return {
        "mse": mean_over_steps(error**2),
        "mae": mean_over_steps(jnp.abs(error)),
        "naive_mae": mean_over_steps(jnp.abs(y[:, 1:] - y[:, :-1])),
    }


def finish(means: dict[str, float]) -> dict[str, float]:
    """With the MASE: the MAE in units of the naive forecast's on the same windows (Hyndman & Koehler 2006)."""
    return {**means, "mase": means["mae"] / means["naive_mae"] if means["naive_mae"] else float("nan")}


TASKS.add(
    Task(
        "forecast",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"mse": "lower", "mae": "lower", "mase": "lower", "naive_mae": "lower"},
            finish=finish,
        ),
        "the next value of a series: MSE, MAE, MASE",
        "Hyndman & Koehler 2006, Another look at measures of forecast accuracy",
        loss="squared",
    )
)
