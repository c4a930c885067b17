"""Language modelling: the next symbol at each place; bits per character, perplexity and
accuracy."""

import math
import sys

import jax

from research.registry import TASKS, Task
from research.tasks.classification import decode, encode
from research.tasks.problem import Problem
from research.tasks.step_classification import accuracy, nll, real

MOST_NATS = math.log(sys.float_info.max)


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Of each example, [B]: nats and bits per character, and the share of characters foreseen.

    scores: logits [B, T, V]; y: the symbol after each place, [B, T], -1 where there is none.

    Example:
        >>> logits = jnp.zeros([1, 3, 4])  # four equally likely symbols
        >>> metrics = example_metrics(logits, jnp.array([[0, 1, -1]]))
        >>> print(metrics["bits_per_character"], metrics["token_accuracy"])
        [2.] [0.5]
    """
    nats = nll(scores, y)
    return {
        "nll": nats,
        "bits_per_character": nats / math.log(2),
        "token_accuracy": accuracy(scores, y),
    }


def finish(means: dict[str, float]) -> dict[str, float]:
    """With the perplexity, exp of the mean of the nats; infinite beyond what a float holds."""
    nats = means["nll"]
    return {**means, "perplexity": math.inf if nats > MOST_NATS else math.exp(nats)}


TASKS.add(
    Task(
        "language_model",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={
                "nll": "lower",
                "bits_per_character": "lower",
                "perplexity": "lower",
                "token_accuracy": "higher",
            },
            finish=finish,
            per_target=("nll", "bits_per_character", "token_accuracy"),
            real=real,
        ),
        "the next symbol: nats and bits per character, perplexity, accuracy",
        loss="cross_entropy",
    )
)
