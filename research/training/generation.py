"""Generation: a language model goes on with a text, a symbol at a time."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from research import rng
from research.data.spec import PADDING
from research.training.network import advance, predict
from research.training.program import Program
from research.training.state import Lane, Variables


def generate(
    program: Program, lane: Lane, variables: Variables, prompt: np.ndarray, *, count: int, temperature: float, seed: int
) -> np.ndarray:
    """The `count` tokens that follow the prompt [P], int32; each is drawn from what the model says of the next one.

    A recurrent network carries its state on from symbol to symbol, and so has seen all of the text. Any other reads the
    last `context` tokens again for each. temperature: what the logits are divided by; 0 takes the likeliest token. The
    draws are a function of the seed and the place.
    """
    numbers = temperature, np.uint32(seed)
    with program.numbers():
        if getattr(program.model, "carries", False):
            return np.asarray(_carried(program, count, lane, variables, np.asarray(prompt, np.int32), *numbers))
        context = program.spec.shape[0]
        seen = prompt[-context:]
        window = np.full(context, PADDING, np.int32)
        window[: len(seen)] = seen
        return np.asarray(_reread(program, count, lane, variables, window, len(seen), *numbers))


def _drawn(logits: jax.Array, place: jax.Array, temperature: jax.Array, seed: jax.Array) -> jax.Array:
    """The token, int32 [], at a place of the text, by the logits [V]."""
    drawn = jax.random.categorical(rng.at(seed, "generate", place), logits / jnp.maximum(temperature, 1e-6))
    return jnp.where(temperature > 0, drawn, jnp.argmax(logits)).astype(jnp.int32)


@functools.partial(jax.jit, static_argnames=("program", "count"))
def _carried(
    program: Program,
    count: int,
    lane: Lane,
    variables: Variables,
    prompt: jax.Array,
    temperature: jax.Array,
    seed: jax.Array,
) -> jax.Array:
    def step(carry: tuple[jax.Array, object], place: jax.Array) -> tuple[tuple[jax.Array, object], jax.Array]:
        logits, cache = carry
        token = _drawn(logits, place, temperature, seed)
        outputs, cache = advance(program, variables, lane, token[None, None], cache)
        return (outputs[0, -1], cache), token

    outputs, cache = advance(program, variables, lane, prompt[None], {})
    return jax.lax.scan(step, (outputs[0, -1], cache), jnp.arange(count))[1]


@functools.partial(jax.jit, static_argnames=("program", "count"))
def _reread(
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
        token = _drawn(predict(program, variables, lane, window[None])[0, seen - 1], place, temperature, seed)
        full = seen == window.shape[0]
        window = jnp.where(full, jnp.roll(window, -1), window)
        seen = jnp.where(full, seen, seen + 1)
        return (window.at[seen - 1].set(token), seen), token

    return jax.lax.scan(step, (window, jnp.asarray(seen)), jnp.arange(count))[1]
