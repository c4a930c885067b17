"""Control: what an agent earns in an environment."""

import jax

from research.registry import TASKS, Task
from research.tasks.classification import decode, encode
from research.tasks.problem import Problem


def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
    """Nothing: episodes are measured by the objective that plays them.

    Example:
        >>> example_metrics(jnp.zeros((2, 3)), jnp.zeros(2))
        {}
    """
    return {}


TASKS.add(
    Task(
        "control",
        lambda: Problem(
            encode=encode,
            decode=decode,
            example_metrics=example_metrics,
            summary=None,
            better={"return": "higher"},
        ),
        "actions in an environment: what an episode earns",
        loss="cross_entropy",
    )
)
