"""Sequence to sequence: whole answers that are right, tokens that are right, negative
log-likelihood."""

import jax

from research.registry import TASKS, Task
from research.tasks.classification import decode, encode
from research.tasks.problem import Problem
from research.tasks.step_classification import accuracy, exact_match, nll, real


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Of each example, [B]; scores: logits [B, T, C] after the right answer so far, y: tokens [B,
    T], -1 before it.

    That an answer is right throughout is the same for greedy decoding, which sees the right answer
    so far until its first mistake; the share of right tokens is not: there it sees its own.

    Example:
        >>> scores = jax.nn.one_hot(jnp.array([[2, 0, 1], [2, 0, 2]]), 3)  # two answers
        >>> metrics = example_metrics(scores, jnp.array([[2, 0, 1], [2, 0, 1]]))
        >>> print(metrics["exact_match"], metrics["token_accuracy"])
        [1. 0.] [1.        0.6666667]
    """
    return {
        "exact_match": exact_match(scores, y),
        "token_accuracy": accuracy(scores, y),
        "nll": nll(scores, y),
    }


TASKS.add(
    Task(
        "sequence_to_sequence",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"exact_match": "higher", "token_accuracy": "higher", "nll": "lower"},
            per_target=("token_accuracy", "nll"),
            real=real,
        ),
        "a sequence as the answer to another: exact match, token accuracy, NLL",
        loss="cross_entropy",
    )
)
