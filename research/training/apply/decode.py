"""Decoding: an encoder–decoder's answers to a source, when it reads its own tokens instead of the
right ones."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.data.features.feature import PADDING
from research.data.features.named_arrays import take
from research.models.decoding import beam_search
from research.training.setup.program import Program
from research.training.step.network import (
    cast_to_compute,
    joined_kernels,
    normalize_inputs,
    predict,
)
from research.training.step.state import Lane, Variables

ROWS = 256  # that are answered together


def has_decoder(program: Program) -> bool:
    """Whether the network has a decoder, which answers a token at a time (transformer, seq2seq)."""
    return hasattr(program.model, "begin")


def decode(
    program: Program,
    lane: Lane,
    variables: Variables,
    x: Any,
    beams: int = 1,
    report: Callable[[int], object] = lambda answered: None,
) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest answers to examples.

    Once an answer has the symbol that ends it, where the data have one, only that symbol follows.

    Args:
        program: what the lanes have in common.
        lane: the run's lane.
        variables: the run's variables.
        x: the examples, int [N, S + T], or by name: only the source and the starting token are
            read.
        beams: the width of the search. One takes the likeliest token each time (greedy), and a
            network without a decoder has no more.
        report: called after each part with the number of examples that it answered.

    Returns:
        The answers, int32 [N, beams, T], the best first, and their log-probabilities [N, beams].
    """
    tokens, scores = [], []
    rows = len(jax.tree.leaves(x)[0])
    with program.precision_context():
        for first in range(0, rows, ROWS):
            count = min(ROWS, rows - first)
            part = take(x, slice(first, first + count))
            # The last part repeats its last row: all parts are one compiled program.
            full = take(part, np.minimum(np.arange(ROWS), count - 1))
            of_part = (lane, variables, full)
            answers = (
                _beam_search(program, beams, *of_part)
                if has_decoder(program)
                else _full_recompute(program, *of_part)
            )
            answer, score = jax.device_get(answers)
            tokens.append(answer[:count])
            scores.append(score[:count])
            report(count)
    return np.concatenate(tokens), np.concatenate(scores)


@functools.partial(jax.jit, static_argnames=("program", "beams"))
def _beam_search(
    program: Program, beams: int, lane: Lane, variables: Variables, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """By the network's decoder."""
    params = cast_to_compute(program, joined_kernels(program, lane, variables.params))
    pair: Any = normalize_inputs(program, lane, x)
    return beam_search(
        program.model,
        params,
        pair["source"],
        start=pair["answer"][0, 0],
        count=pair["answer"].shape[1],
        width=beams,
        end=_end(program),
    )


def _end(program: Program) -> int | None:
    """The token that ends an answer, or None."""
    tokens = program.spec.inputs.tokens
    return tokens.vocabulary.index(tokens.end) if tokens.end else None


@functools.partial(jax.jit, static_argnames="program")
def _full_recompute(
    program: Program, lane: Lane, variables: Variables, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """By reading source and answer so far for each token."""
    width, end = program.spec.inputs.tokens.source, _end(program)
    seen = (
        jnp.full((len(x), x.shape[1] + 1), PADDING, x.dtype)
        .at[:, : width + 1]
        .set(x[:, : width + 1])
    )

    def step(seen: jax.Array, place: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        outputs = predict(program, variables, lane, seen[:, :-1])
        logits = jax.nn.log_softmax(
            jax.lax.dynamic_index_in_dim(outputs, place, axis=1, keepdims=False)
        )
        token, score = jnp.argmax(logits, axis=-1).astype(x.dtype), jnp.max(logits, axis=-1)
        if end is not None:
            # An answer that has ended repeats the symbol at no cost, so its score stays.
            over = (place > width) & (seen[:, place] == end)
            token, score = jnp.where(over, end, token), jnp.where(over, 0, score)
        return seen.at[:, place + 1].set(token), (token, score)

    # A scan: the network is compiled once, and not once per token.
    _, (tokens, scores) = jax.lax.scan(step, seen, jnp.arange(width, x.shape[1]))
    return tokens.T[:, None], jnp.sum(scores, axis=0)[:, None]
