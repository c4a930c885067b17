"""Bandits: one state, and a reward that depends on the action alone."""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from research.data.environments.collected import environment
from research.data.environments.world import State, World, WorldStep
from research.options import Fraction, NonNegative, Range
from research.registry import DATASETS

PAPER = "Sutton & Barto 2018, Reinforcement learning: an introduction, chapter 2"
TRIED_BY = {"objective": "policy_gradient", "arch": "linear"}
Arms = Annotated[int, Range(2), "actions"]


def gaussian_bandit(
    arms: Arms = 5,
    gap: Annotated[float, "by which each arm's mean reward is above the one before it"] = 0.25,
    deviation: Annotated[NonNegative, "of the rewards"] = 1.0,
) -> World:
    """Arm k has rewards from N(k · gap, deviation²).

    Args:
        arms: number of arms.
        gap: by which each arm's mean reward is above the previous one.
        deviation: standard deviation of the rewards.

    Example:
        >>> world = gaussian_bandit(arms=3, gap=0.5)
        >>> print(world.expected(world.reset(jax.random.key(0))))
        [0.  0.5 1. ]
    """
    means = gap * jnp.arange(arms)

    def reward(action: jax.Array, key: jax.Array) -> jax.Array:
        return means[action] + deviation * jax.random.normal(key)

    return _bandit(means, reward)


def bernoulli_bandit(
    arms: Arms = 5,
    worst: Annotated[Fraction, "probability that the first arm pays 1"] = 0.1,
    best: Annotated[Fraction, "probability that the last arm pays 1"] = 0.9,
) -> World:
    """Arm k pays 1 or 0, with probabilities evenly spaced from `worst` to `best`.

    Args:
        arms: number of arms.
        worst: probability that the first arm pays 1.
        best: probability that the last arm pays 1.

    Example:
        >>> world = bernoulli_bandit(arms=3, worst=0.0, best=1.0)
        >>> world.actions[2], float(world.step(0, jnp.array(2), jax.random.key(0)).reward)
        ('arm 2', 1.0)
    """
    means = worst + (best - worst) * jnp.arange(arms) / (arms - 1)

    def reward(action: jax.Array, key: jax.Array) -> jax.Array:
        return jax.random.bernoulli(key, means[action]).astype(means.dtype)

    return _bandit(means, reward)


def _bandit(means: jax.Array, reward: Callable[[jax.Array, jax.Array], jax.Array]) -> World:
    """A world of one state, whose every episode is one action long."""

    def step(state: State, action: jax.Array, key: jax.Array) -> WorldStep:
        over, cut = jnp.array(True), jnp.array(False)
        return WorldStep(state, reward(action, key), over, cut)

    return World(
        observation=(1,),
        actions=tuple(f"arm {number}" for number in range(len(means))),
        reset=lambda key: jnp.zeros((), jnp.int32),
        observe=lambda state: jnp.ones(1),
        step=step,
        expected=lambda state: means,
    )


DATASETS.add(
    environment(
        "gaussian_bandit",
        gaussian_bandit,
        "arms with normal rewards, each better than the one before it",
        PAPER,
        test_settings=TRIED_BY,
    )
)
DATASETS.add(
    environment(
        "bernoulli_bandit",
        bernoulli_bandit,
        "arms that pay 1 or 0, each more often than the one before it",
        PAPER,
        test_settings=TRIED_BY,
    )
)
