"""World: an environment as pure functions of one instance."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

State = Any


class WorldStep(NamedTuple):
    """What follows an action.

    state: the next state. reward: []. terminated: whether the episode is over, bool []. truncated:
        whether it is cut here, as by a limit of time, bool [].
    """

    state: State
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array


@dataclasses.dataclass(frozen=True)
class World:
    """One instance of an environment; the engine maps its functions over many.

    A state is a pytree of arrays. It is part of a run's state, so checkpoints have it.

    observation: the shape of what a policy sees.
    actions: the names of the actions.
    reset: key -> the state at the start of an episode.
    observe: state -> observation, of that shape.
    step: (state, action int [], key) -> WorldStep.
    expected: state -> the expected reward of each action, [A]; None where it is not known.
    """

    observation: tuple[int, ...]
    actions: tuple[str, ...]
    reset: Callable[[jax.Array], State]
    observe: Callable[[State], jax.Array]
    step: Callable[[State, jax.Array, jax.Array], WorldStep]
    expected: Callable[[State], jax.Array] | None = None
