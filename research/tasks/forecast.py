"""Forecasting: the next value at each step of a series; MSE, MAE and MASE, in the units of the
data."""

import jax
import jax.numpy as jnp
import numpy as np

from research.data.spec import Arrays
from research.registry import TASKS, Task
from research.tasks.problem import Problem, mean_over_steps
from research.tasks.regression import DEFAULTS, decode


def encode(y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """Values as scaled targets [B, T, 1]; a value that is not to be predicted is NaN.

    Args:
        y: values [B, T], in the units of the data.
        width: not used: there is one output per step.
        shift: what is subtracted, [].
        scale: what the difference is divided by, [].
    """
    return ((y - shift) / scale)[..., None]


def real(targets: jax.Array) -> jax.Array:
    """Which steps' targets [B, T, 1] are there, bool [B, T]."""
    return ~jnp.isnan(targets[..., 0])


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Of each example, [B]; scores: forecasts [B, T, 1] of the values y [B, T], NaN where there is
    none.

    Example:
        >>> metrics = example_metrics(jnp.array([[[1.0], [2.0]]]), jnp.array([[1.0, 4.0]]))
        >>> print(metrics["mse"], metrics["mae"])
        [2.] [1.]
    """
    error = scores[..., 0] - y
    there = ~jnp.isnan(y)
    return {"mse": mean_over_steps(error**2, there), "mae": mean_over_steps(jnp.abs(error), there)}


def naive_error(arrays: Arrays, train: np.ndarray) -> float:
    """The mean absolute error, over the training series, of saying that a value is the one before
    it."""
    # float64, since the values are large and their steps small.
    before, after = (windows.covered(train).astype(np.float64) for windows in (arrays.x, arrays.y))
    return float(np.mean(np.abs(after - before)))


def scaled(metrics: dict[str, jax.Array], naive: jax.Array) -> dict[str, jax.Array]:
    """With the MASE, the MAE in units of the naive forecast's in-sample error; NaN for a constant
    training series."""
    # Without a step in training there is no unit; NaN is counted as undefined.
    return {**metrics, "mase": jnp.where(naive > 0, metrics["mae"] / naive, jnp.nan)}


TASKS.add(
    Task(
        "forecast",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"mse": "lower", "mae": "lower", "mase": "lower"},
            per_target=("mse", "mae", "mase"),
            real=real,
            unit=naive_error,
            in_unit=scaled,
        ),
        "the next value of a series: MSE, MAE, MASE",
        "Hyndman & Koehler 2006, Another look at measures of forecast accuracy",
        # 3: scaling is fitted on each value of the training stretch once. 4: regression's defaults.
        version=4,
        loss="squared",
        defaults=DEFAULTS,
    )
)
