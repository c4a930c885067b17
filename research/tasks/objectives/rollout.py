"""Rollout: steps of many environments under a policy, in one scan."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research.data.environments.world import State, World

Act = Callable[[jax.Array, jax.Array], jax.Array]


class Transitions(NamedTuple):
    """Steps of B environments.

    observations: [T, B, ...]. actions: int [T, B]. rewards: [T, B]. expected: the expected reward
        of each action, [T, B, A], or None where the world does not know it. over: whether the
        episode ended with the step, bool [T, B].
    """

    observations: jax.Array
    actions: jax.Array
    rewards: jax.Array
    expected: Any
    over: jax.Array


def rollout(
    world: World, act: Act, states: State, keys: jax.Array, steps: int
) -> tuple[State, Transitions]:
    """Steps of environments, each starting a new episode where one is over.

    Args:
        world: the environment.
        act: (observations [B, ...], keys [B]) -> actions int [B].
        states: of the environments, leaves [B, ...].
        keys: a key per environment, [B].
        steps: T.

    Returns:
        The states after the steps, and the steps.
    """

    def step(states: State, number: jax.Array) -> tuple[State, Transitions]:
        drawn = jax.vmap(lambda key: jax.random.split(jax.random.fold_in(key, number), 3))(keys)
        observations = jax.vmap(world.observe)(states)
        actions = act(observations, drawn[:, 0])
        after = jax.vmap(world.step)(states, actions, drawn[:, 1])
        over = after.terminated | after.truncated
        fresh = jax.vmap(world.reset)(drawn[:, 2])

        def chosen(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(over.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        expected = None if world.expected is None else jax.vmap(world.expected)(states)
        transitions = Transitions(observations, actions, after.reward, expected, over)
        return jax.tree.map(chosen, fresh, after.state), transitions

    return jax.lax.scan(step, states, jnp.arange(steps))


def returns_to_go(rewards: jax.Array, over: jax.Array, discount: float | jax.Array) -> jax.Array:
    """The discounted sum of the rewards from each step to the end of its episode or rollout.

    Example:
        >>> rewards = jnp.array([[1.0], [2.0], [4.0]])
        >>> over = jnp.array([[False], [True], [False]])
        >>> print(returns_to_go(rewards, over, 0.5)[:, 0])
        [2. 2. 4.]

    Args:
        rewards: [T, B].
        over: whether the episode ended with the step, bool [T, B].
        discount: of the next step's reward.
    """

    def step(later: jax.Array, now: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        reward, ended = now
        total = reward + discount * jnp.where(ended, 0, later)
        return total, total

    _, totals = jax.lax.scan(step, jnp.zeros_like(rewards[0]), (rewards, over), reverse=True)
    return totals
