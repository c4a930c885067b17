"""Generation: a language model goes on with a text, a symbol at a time."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from research import rng
from research.data.spec import PADDING
from research.training.program import Program, predict
from research.training.state import Lane, Variables


def generate(
    program: Program, lane: Lane, variables: Variables, prompt: np.ndarray, *, count: int, temperature: float, seed: int
) -> np.ndarray:
    """The `count` tokens that follow the prompt [P], int32; each is drawn from what the model says of the next one.

    The model sees the last `context` tokens, as in training. temperature: what the logits are divided by; 0 takes the
    likeliest token. The draws are a function of the seed and the place.
    """
    context = program.spec.shape[0]
    seen = prompt[-context:]
    window = np.full(context, PADDING, np.int32)
    window[: len(seen)] = seen
    with program.numbers():
        lane = jax.tree.map(jnp.asarray, lane)
        return np.asarray(_generate(program, count, lane, variables, window, len(seen), temperature, np.uint32(seed)))


@functools.partial(jax.jit, static_argnames=("program", "count"))
def _generate(
    program: Program,
    count: int,
    lane: Lane,
    variables: Variables,
    window: jax.Array,
    seen: jax.Array,
    temperature: jax.Array,
    seed: jax.Array,
) -> jax.Array:
    """window: the tokens seen, [context], padding after the first `seen` of them."""

    def step(carry: tuple[jax.Array, jax.Array], place: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        window, seen = carry
        logits = predict(program, variables, lane, window[None])[0, seen - 1]
        drawn = jax.random.categorical(rng.at(seed, "generate", place), logits / jnp.maximum(temperature, 1e-6))
        token = jnp.where(temperature > 0, drawn, jnp.argmax(logits)).astype(window.dtype)
        full = seen == window.shape[0]
        window = jnp.where(full, jnp.roll(window, -1), window)
        seen = jnp.where(full, seen, seen + 1)
        return (window.at[seen - 1].set(token), seen), token

    return jax.lax.scan(step, (window, jnp.asarray(seen)), jnp.arange(count))[1]
