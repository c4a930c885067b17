"""Generation: a language model continues a text, one token at a time."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research import rng
from research.data.features.feature import PADDING
from research.training.setup.program import Program
from research.training.step.network import decode_step, predict
from research.training.step.state import Lane, Variables

# Tokens per dispatch: few enough that progress is seen with a large network, and enough that the
# dispatch costs nothing with a small one.
PIECE = 16


class Sampler(NamedTuple):
    """How tokens are drawn: a function of the logits, the seed and the position alone.

    temperature: what the logits are divided by; 0 takes the likeliest token.
    """

    temperature: Any
    seed: Any

    def draw(self, logits: jax.Array, position: jax.Array) -> jax.Array:
        """The token at a position of the generated text, int32 [], from its logits [V]."""
        key = rng.at(self.seed, "generate", position)
        # Where the temperature is 0 the draw is not used; the bound only avoids dividing by 0.
        sampled = jax.random.categorical(key, logits / jnp.maximum(self.temperature, 1e-6))
        return jnp.where(self.temperature > 0, sampled, jnp.argmax(logits)).astype(jnp.int32)


def generate(
    program: Program,
    lane: Lane,
    variables: Variables,
    prompt: np.ndarray,
    sampler: Sampler,
    count: int,
    on_tokens: Callable[[int], object] = lambda tokens: None,
) -> np.ndarray:
    """Continues a prompt.

    A recurrent network carries its state from token to token, so it has seen the whole text. Any
    other network sees the last `context` tokens. A Transformer keeps their keys and values until
    the text is longer than the context. From there on, and for networks without a cache, the
    context is read again for each token.

    Args:
        program: the language model's program.
        lane: the run's lane.
        variables: the run's variables.
        prompt: the tokens that the text begins with, int32 [P], P at least 1.
        sampler: how tokens are drawn.
        count: how many tokens to generate.
        on_tokens: called after each dispatch with the number of tokens that it generated.

    Returns:
        The tokens that follow the prompt, int32 [count].
    """
    # As uint32, since JAX would take a Python int as int32, and a seed may have 32 bits.
    sampler = Sampler(sampler.temperature, np.uint32(sampler.seed))
    pieces = []
    with program.precision_context():
        for tokens in _pieces(
            program, lane, variables, np.asarray(prompt, np.int32), sampler, count
        ):
            pieces.append(tokens)
            on_tokens(len(tokens))
    return np.concatenate(pieces)


def _pieces(
    program: Program,
    lane: Lane,
    variables: Variables,
    text: np.ndarray,
    sampler: Sampler,
    count: int,
) -> Iterator[np.ndarray]:
    """The tokens that follow the text, int32 [at most PIECE] each, `count` in all."""
    context = program.spec.inputs.shape[0]
    seen = text[-context:]
    cached = 0
    if getattr(program.model, "carries", False):
        seen = text
        cached = count
    elif getattr(program.model, "caches", False):
        cached = min(count, context - len(seen) + 1)
    if cached:
        for tokens in _by_cache(program, lane, variables, seen, sampler, cached):
            text = np.concatenate([text, tokens])
            yield tokens
    if cached < count:
        window = text[-context:]
        yield from _by_rereading(
            program, lane, variables, window, sampler, np.arange(cached, count)
        )


def _by_cache(
    program: Program,
    lane: Lane,
    variables: Variables,
    prompt: np.ndarray,
    sampler: Sampler,
    count: int,
) -> Iterator[np.ndarray]:
    """Generates with what the network keeps of each step for the next."""
    token, cache = _read_prompt(program, lane, variables, prompt, sampler)
    yield np.asarray(token)[None]
    for position in range(1, count, PIECE):
        size = min(PIECE, count - position)
        token, cache, tokens = _continue(
            program, lane, variables, (token, cache), sampler, (len(prompt), position, size)
        )
        yield np.asarray(tokens)[:size]


@functools.partial(jax.jit, static_argnames="program")
def _read_prompt(
    program: Program, lane: Lane, variables: Variables, prompt: jax.Array, sampler: Sampler
) -> tuple[jax.Array, Any]:
    """The first token after the prompt [P], and the network's cache."""
    logits, cache = _decode(program, lane, variables, prompt, {}, jnp.int32(0))
    return sampler.draw(logits, jnp.int32(0)), cache


@functools.partial(jax.jit, static_argnames="program")
def _continue(
    program: Program,
    lane: Lane,
    variables: Variables,
    state: tuple[jax.Array, Any],
    sampler: Sampler,
    where: tuple[jax.Array, jax.Array, jax.Array],
) -> tuple[jax.Array, Any, jax.Array]:
    """Generates one piece; its size is an argument, so that every piece is one compiled program.

    Args:
        program: the language model's program.
        lane: the run's lane.
        variables: the run's variables.
        state: the last token, int32 [], and the network's cache.
        sampler: how tokens are drawn.
        where: the prompt's length, the position of the piece's first token, and its size.

    Returns:
        The last token, the cache, and the piece's tokens, int32 [PIECE]; the first `size` are set.
    """
    prompt_length, first, size = where

    def step(index: jax.Array, carry: Any) -> Any:
        token, cache, tokens = carry
        position = first + index
        logits, cache = _decode(
            program, lane, variables, token[None], cache, prompt_length + position - 1
        )
        token = sampler.draw(logits, position)
        return token, cache, tokens.at[index].set(token)

    result: tuple[jax.Array, Any, jax.Array] = jax.lax.fori_loop(
        0, size, step, (*state, jnp.zeros(PIECE, jnp.int32))
    )
    return result


def _decode(
    program: Program, lane: Lane, variables: Variables, tokens: jax.Array, cache: Any, start: Any
) -> tuple[jax.Array, Any]:
    """The logits [V] after the next tokens [T], whose first is at `start`, and the cache."""
    # A network that carries its state does not depend on positions, and takes none.
    position = jnp.int32(start) if getattr(program.model, "caches", False) else None
    outputs, cache = decode_step(program, variables, lane, tokens[None], cache, position)
    return outputs[0, -1], cache


def _by_rereading(
    program: Program,
    lane: Lane,
    variables: Variables,
    seen: np.ndarray,
    sampler: Sampler,
    positions: np.ndarray,
) -> Iterator[np.ndarray]:
    """Generates by reading the context again for each of the positions [N]."""
    window = np.full(program.spec.inputs.shape[0], PADDING, np.int32)
    window[: len(seen)] = seen
    state: tuple[Any, Any] = (window, np.int32(len(seen)))
    for begin in range(0, len(positions), PIECE):
        size = min(PIECE, len(positions) - begin)
        *state, tokens = _reread(
            program, lane, variables, tuple(state), sampler, (positions[begin], size)
        )
        yield np.asarray(tokens)[:size]


@functools.partial(jax.jit, static_argnames="program")
def _reread(
    program: Program,
    lane: Lane,
    variables: Variables,
    state: tuple[jax.Array, jax.Array],
    sampler: Sampler,
    where: tuple[jax.Array, jax.Array],
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Generates one piece, as `_continue` does, without a cache.

    Args:
        program: the language model's program.
        lane: the run's lane.
        variables: the run's variables.
        state: the tokens seen, int32 [context] with padding at the end, and how many they are.
        sampler: how tokens are drawn.
        where: the position of the piece's first token, and its size.

    Returns:
        The state after the piece, and the piece's tokens, int32 [PIECE]; the first `size` are set.
    """
    first, size = where

    def step(index: jax.Array, carry: Any) -> Any:
        window, seen, tokens = carry
        logits = predict(program, variables, lane, window[None])[0, seen - 1]
        token = sampler.draw(logits, first + index)
        full = seen == window.shape[0]
        # Padding is at the end, so the window moves only once it is full.
        window = jnp.where(full, jnp.roll(window, -1), window)
        seen = jnp.where(full, seen, seen + 1)
        return window.at[seen - 1].set(token), seen, tokens.at[index].set(token)

    result: tuple[jax.Array, jax.Array, jax.Array] = jax.lax.fori_loop(
        0, size, step, (*state, jnp.zeros(PIECE, jnp.int32))
    )
    return result
