"""Decoding: an encoder–decoder's answers to a source, by beam search (greedy with one beam)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp


def beam_search(
    model: nn.Module,
    params: Any,
    source: jax.Array,
    *,
    start: int | jax.Array,
    count: int,
    width: int,
    end: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """The most likely answers to sources, and their log-probabilities.

    At each step, each of the `width` best answers so far is extended by every token, and the best
    extensions remain. One beam takes the most likely token each time (greedy). With as many beams
    as there are answers of count - 1 tokens, the search is exhaustive.

    Args:
        model: a module with `begin` and `advance` (transformer, seq2seq).
        params: its parameters.
        source: int [B, S].
        start: the token that starts an answer.
        count: the number of tokens of an answer.
        width: the number of beams.
        end: the token that ends an answer; no other token follows it, at no cost. None: all answers
            have `count` tokens.

    Returns:
        The answers, int32 [B, width, count], best first, and their log-probabilities, [B, width].

    Reference: Sutskever et al. 2014.
    """
    rows = source.shape[0]

    def step(carry: Any, index: jax.Array) -> Any:
        # Leaves [B·width, ...], int32 [B, width, count], [B, width].
        state, tokens, scores = carry
        # Both branches are computed, so the index is kept in range.
        last = jnp.where(index == 0, start, tokens[..., jnp.maximum(index - 1, 0)])
        logits, state = _advance(model, params, state, last.reshape(-1), index)
        # Scores add up over the answer; bfloat16 would lose the differences between beams.
        wide = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
        log_probabilities = jax.nn.log_softmax(wide).reshape(rows, width, -1)
        if end is not None:
            over = (index > 0) & (last == end)
            # A finished answer goes on with probability 1, so that its score stays as it is.
            only_end = jnp.where(jnp.arange(log_probabilities.shape[-1]) == end, 0.0, -jnp.inf)
            log_probabilities = jnp.where(over[..., None], only_end, log_probabilities)
        extended = scores[..., None] + log_probabilities
        # Beams and tokens compete in one list, so that a good beam may fill several places.
        scores, candidates = jax.lax.top_k(extended.reshape(rows, -1), width)
        beam = candidates // wide.shape[-1]
        token = candidates % wide.shape[-1]
        tokens = jnp.take_along_axis(tokens, beam[..., None], axis=1).at[..., index].set(token)
        # A cache belongs to its answer, so it moves with it.
        flat = (jnp.arange(rows)[:, None] * width + beam).reshape(-1)
        return (jax.tree.map(lambda leaf: leaf[flat], state), tokens, scores), None

    state = _begin(model, params, jnp.repeat(source, width, axis=0), start)
    tokens = jnp.zeros((rows, width, count), jnp.int32)
    # The beams begin alike: only the first counts.
    scores = jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf) * jnp.ones((rows, 1))
    (_, tokens, scores), _ = jax.lax.scan(step, (state, tokens, scores), jnp.arange(count))
    return tokens, scores


def _begin(model: nn.Module, params: Any, source: jax.Array, start: int | jax.Array) -> Any:
    """The model's encoding of the source [B, S], and its cache with all arrays allocated."""
    carry = model.apply({"params": params}, source, method="begin")
    # A scan's carry has a fixed structure, so one call makes the cache's arrays. The first step
    # then writes the same place again.
    token = jnp.full(source.shape[0], start, jnp.int32)
    _, cache = model.apply(
        {"params": params}, carry, token, jnp.int32(0), method="advance", mutable=["cache"]
    )
    return carry, cache


def _advance(model: nn.Module, params: Any, state: Any, token: jax.Array, index: jax.Array) -> Any:
    carry, cache = state
    (logits, carry), cache = model.apply(
        {"params": params, **cache}, carry, token, index, method="advance", mutable=["cache"]
    )
    return logits, (carry, cache)
