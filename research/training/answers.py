"""Answers: what a network says to a source when it sees its own tokens so far, and not the right ones."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from research.models.decoding import greedy
from research.training.network import effective, predict, rounded
from research.training.program import Program
from research.training.state import Lane, Variables

ROWS = 256  # that are answered together


def answered(program: Program, lane: Lane, variables: Variables, x: np.ndarray) -> np.ndarray:
    """The greedy answers, int32 [N, T], to examples x int [N, S + T], of which source and starting token are read."""
    with program.numbers():
        parts = []
        for first in range(0, len(x), ROWS):
            part = x[first : first + ROWS]
            full = np.pad(part, ((0, ROWS - len(part)), (0, 0)), mode="edge")
            parts.append(np.asarray(_answered(program, lane, variables, full))[: len(part)])
    return np.concatenate(parts)


@functools.partial(jax.jit, static_argnames="program")
def _answered(program: Program, lane: Lane, variables: Variables, x: jax.Array) -> jax.Array:
    width = program.spec.source
    count = x.shape[1] - width
    if hasattr(program.model, "begin"):
        params = rounded(program, effective(program, lane, variables.params))
        start = x[0, width]
        return greedy(program.model, params, x[:, :width], start=start, count=count)

    def step(x: jax.Array, place: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = jax.lax.dynamic_index_in_dim(predict(program, variables, lane, x), place, axis=1, keepdims=False)
        token = jnp.argmax(logits, axis=-1).astype(x.dtype)
        after = jnp.where(place + 1 < x.shape[1], token, x[:, -1])  # after the last place there is none
        return x.at[:, jnp.minimum(place + 1, x.shape[1] - 1)].set(after), token

    return jax.lax.scan(step, x, jnp.arange(width, width + count))[1].T
