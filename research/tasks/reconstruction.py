"""Reconstruction: the inputs themselves as targets, of any data set of numbers; mean squared and
absolute error."""

import dataclasses
import math

import jax
import jax.numpy as jnp

from research.data.features.itself import Itself
from research.data.spec import DataSpec
from research.registry import TASKS, Task
from research.tasks.classification import decode
from research.tasks.problem import Problem
from research.tasks.unlabelled import check_examples


def encode(y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """Scaled inputs, which are the targets as they are.

    Args:
        y: scaled inputs [B, D].
        width: not used.
        shift: not used.
        scale: not used.
    """
    return y


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Squared and absolute error of each example, the means over its inputs [B, D], in their units
    after scaling.

    Example:
        >>> metrics = example_metrics(jnp.array([[1.0, 3.0]]), jnp.array([[1.0, 1.0]]))
        >>> print(metrics["mse"], metrics["mae"])
        [2.] [1.]
    """
    error = scores - y
    return {"mse": jnp.mean(error**2, axis=-1), "mae": jnp.mean(jnp.abs(error), axis=-1)}


def sees(spec: DataSpec) -> DataSpec:
    """A data set whose labels are not read. Raises UserError if it has no examples of numbers with
    one label each."""
    check_examples(spec, "reconstruction")
    return dataclasses.replace(
        spec, task="reconstruction", targets=Itself(size=math.prod(spec.inputs.shape))
    )


TASKS.add(
    Task(
        "reconstruction",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"mse": "lower", "mae": "lower", "elbo": "higher", "kl": "lower"},
        ),
        "the inputs themselves, before noise: MSE, MAE; ELBO of a vae",
        "Hinton & Salakhutdinov 2006; Vincent et al. 2008, Extracting and composing robust"
        " features",
        loss="squared",
        sees=sees,
    )
)
