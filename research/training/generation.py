"""Generation: a language model goes on with a text, a symbol at a time."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research import rng
from research.data.spec import PADDING
from research.training.network import decode_step, predict
from research.training.program import Program
from research.training.state import Lane, Variables


def generate(
    program: Program,
    lane: Lane,
    variables: Variables,
    prompt: np.ndarray,
    *,
    count: int,
    temperature: float,
    seed: int,
) -> np.ndarray:
    """The `count` tokens that follow the prompt [P], int32; each is drawn from what the model says
    of the next one.

    A recurrent network carries its state on from symbol to symbol, and so has seen all of the text.
    Any other sees the last `context` tokens: a transformer by the keys and values that it keeps,
    until the text is longer than that; from there on, as those without a memory, by reading them
    again for each. temperature: what the logits are divided by; 0 takes the likeliest token. The
    draws are a function of the seed and the place.
    """
    numbers = temperature, np.uint32(seed)
    context = program.spec.shape[0]
    carries, caches = (getattr(program.model, name, False) for name in ("carries", "caches"))
    text = np.asarray(prompt, np.int32)
    seen = text if carries else text[-context:]
    kept = count if carries else min(count, context - len(seen) + 1) if caches else 0
    with program.precision_context():
        if kept:
            made = _continued(program, kept, lane, variables, seen, *numbers)
            text = np.concatenate([text, made])
        if count > kept:
            seen = text[-context:]
            window = np.full(context, PADDING, np.int32)
            window[: len(seen)] = seen
            made = _full_recompute(
                program, count - kept, lane, variables, window, len(seen), kept, *numbers
            )
            text = np.concatenate([text, made])
    return text[len(prompt) :]


def _drawn(
    logits: jax.Array, place: jax.Array, temperature: jax.Array, seed: jax.Array
) -> jax.Array:
    """The token, int32 [], at a place of the text, by the logits [V]."""
    drawn = jax.random.categorical(
        rng.at(seed, "generate", place), logits / jnp.maximum(temperature, 1e-6)
    )
    return jnp.where(temperature > 0, drawn, jnp.argmax(logits)).astype(jnp.int32)


@functools.partial(jax.jit, static_argnames=("program", "count"))
def _continued(
    program: Program,
    count: int,
    lane: Lane,
    variables: Variables,
    prompt: jax.Array,
    temperature: jax.Array,
    seed: jax.Array,
) -> jax.Array:
    """By what the network leaves of each step for the next."""

    def following(tokens: jax.Array, cache: Any, start: Any) -> tuple[jax.Array, Any]:
        told = jnp.int32(start) if getattr(program.model, "caches", False) else None
        outputs, cache = decode_step(program, variables, lane, tokens[None], cache, told)
        return outputs[0, -1], cache

    def step(carry: Any, place: jax.Array) -> Any:
        token, cache = carry
        logits, cache = following(token[None], cache, len(prompt) + place - 1)
        token = _drawn(logits, place, temperature, seed)
        return (token, cache), token

    logits, cache = following(prompt, {}, 0)
    first = _drawn(logits, jnp.int32(0), temperature, seed)
    return jnp.append(first, jax.lax.scan(step, (first, cache), jnp.arange(1, count))[1])


@functools.partial(jax.jit, static_argnames=("program", "count"))
def _full_recompute(
    program: Program,
    count: int,
    lane: Lane,
    variables: Variables,
    window: jax.Array,
    seen: jax.Array,
    first: jax.Array,
    temperature: jax.Array,
    seed: jax.Array,
) -> jax.Array:
    """window: the tokens seen, [context], padding after the first `seen` of them; first: the place
    of the next."""

    def step(
        carry: tuple[jax.Array, jax.Array], place: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        window, seen = carry
        token = _drawn(
            predict(program, variables, lane, window[None])[0, seen - 1], place, temperature, seed
        )
        full = seen == window.shape[0]
        window = jnp.where(full, jnp.roll(window, -1), window)
        seen = jnp.where(full, seen, seen + 1)
        return (window.at[seen - 1].set(token), seen), token

    return jax.lax.scan(step, (window, jnp.asarray(seen)), first + jnp.arange(count))[1]
