"""Generation: what a language model goes on with after a prompt, token by token, by its cache."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.forward import Forward

# (logits [B, V], which token of the text this is, int32 []) -> the next tokens, int32 [B].
Choose = Callable[[jax.Array, jax.Array], jax.Array]


def most_likely(logits: jax.Array, step: jax.Array) -> jax.Array:
    """The most likely token of each text."""
    return jnp.argmax(logits, axis=-1).astype(jnp.int32)


def sampled(key: jax.Array, temperature: float = 1.0, top_k: int | None = None) -> Choose:
    """Draws from softmax(logits / temperature), from its `top_k` most likely tokens alone where that is given."""

    def choose(logits: jax.Array, step: jax.Array) -> jax.Array:
        logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32)) / temperature
        if top_k is not None:
            least = jax.lax.top_k(logits, min(top_k, logits.shape[-1]))[0][..., -1:]
            logits = jnp.where(logits < least, -jnp.inf, logits)
        return jax.random.categorical(jax.random.fold_in(key, step), logits).astype(jnp.int32)

    return choose


def generate(model: nn.Module, params: Any, prompt: jax.Array, count: int, choose: Choose = most_likely) -> jax.Array:
    """The `count` tokens that follow a prompt int [B, P], int32 [B, count]; count and P are at least 1.

    model: called as `model(tokens, fwd, start)`, with a `context` (gpt). Text longer than that is seen by its last
    `context` tokens, which are then worked out anew for each token.
    """
    context: int = model.context
    window = jnp.asarray(prompt, jnp.int32)[:, -context:]
    length = window.shape[1]
    by_cache = min(count, context - length + 1)

    def step(cache: Any, tokens: jax.Array, start: Any) -> tuple[jax.Array, Any]:
        logits, left = model.apply({"params": params, **cache}, tokens, Forward(), start, mutable=["cache"])
        return logits[:, -1], left

    def following(carry: Any, place: jax.Array) -> Any:
        cache, token = carry
        logits, cache = step(cache, token[:, None], length + place - 1)
        token = choose(logits, place)
        return (cache, token), token

    def sliding(window: jax.Array, place: jax.Array) -> Any:
        logits: Any = model.apply({"params": params}, window, Forward())
        token = choose(logits[:, -1], place)
        return jnp.concatenate([window[:, 1:], token[:, None]], axis=1), token

    logits, cache = step({}, window, jnp.int32(0))
    first = choose(logits, jnp.int32(0))
    _, more = jax.lax.scan(following, (cache, first), jnp.arange(1, by_cache))
    made = jnp.concatenate([first[:, None], more.T], axis=1)
    if count > by_cache:
        seen = jnp.concatenate([window, made], axis=1)[:, -context:]
        _, rest = jax.lax.scan(sliding, seen, jnp.arange(by_cache, count))
        made = jnp.concatenate([made, rest.T], axis=1)
    return made
