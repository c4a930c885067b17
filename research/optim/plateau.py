"""Reduce on plateau: the learning rate's factor as a function of the validation metrics seen so
far."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp


class State(NamedTuple):
    """scale: the factor, float []. best: lowest metric, float []. waited: evaluations since, int32
    []."""

    scale: jax.Array
    best: jax.Array
    waited: jax.Array


def init() -> State:
    """Factor 1, nothing seen yet."""
    # An infinite best metric makes the first evaluation an improvement.
    return State(jnp.ones((), float), jnp.full((), jnp.inf, float), jnp.int32(0))


def update(state: State, metric: jax.Array, options: Mapping[str, jax.typing.ArrayLike]) -> State:
    """The state after one evaluation.

    After `patience` evaluations in a row that are not below best - min_delta, the scale is
    multiplied
    by `factor`, down to `end` at the least, and the count starts again. Keras counts so; PyTorch
    waits
    for one evaluation more. Neutral at factor 1. A metric that is NaN is no improvement.

    Args:
        state: the state before it.
        metric: float [], lower is better.
        options: those of the schedule reduce_on_plateau.
    """
    improved = metric < state.best - options["min_delta"]
    waited = jnp.where(improved, 0, state.waited + 1)
    # Selects instead of branches: lanes of one program drop at different times.
    drop = waited >= options["patience"]
    lower = jnp.maximum(state.scale * options["factor"], options["end"])
    return State(
        scale=jnp.where(drop, lower, state.scale),
        best=jnp.where(improved, metric, state.best),
        waited=jnp.where(drop, 0, waited),
    )
