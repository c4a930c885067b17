"""Game: the players of an objective, which parameters each owns, and the loss of each."""

import dataclasses
import re
from typing import Any, Literal, Protocol

import jax

from research.data.environments.world import State, World
from research.errors import UserError
from research.tasks.objectives.turn import Apply, Aux, Keys, PlayerBatch, Policy


@dataclasses.dataclass(frozen=True)
class Player:
    """One player: the parameters that it updates, and how.

    Args:
        name: what flags and curves call it; "" for the only player of an objective.
        owns: a pattern (`re.search`) of the names of its parameters (`generator/Dense_0/kernel`).
        updates_per_step: how many updates it makes in each step of the training. Each update reads
            `batch_size` rows that the player has not yet read in this step.
        optimizer: what it uses unless flags say otherwise, as a flag takes it (`adam(b1=0.5)`); ""
            for the run's.
        learning_rate: likewise; None for the run's.
        schedule: likewise; "" for the run's.
    """

    name: str = ""
    owns: str = ""
    updates_per_step: int = 1
    optimizer: str = ""
    learning_rate: float | None = None
    schedule: str = ""

    @property
    def suffix(self) -> str:
        """What follows the name of a setting or a curve that belongs to the player."""
        return f".{self.name}" if self.name else ""


class PlayerLoss(Protocol):
    """What a player minimises.

    Penalties of the regularizers are added by the engine. Raises nothing: everything is traced.
    """

    def __call__(
        self, player: str, apply: Apply, params: Any, batch: PlayerBatch, keys: Keys
    ) -> tuple[jax.Array, Aux]:
        """The loss of a batch, [], and what the engine needs beside it.

        Args:
            player: the name of the player.
            apply: the network in training.
            params: the parameters of all players.
            batch: the examples.
            keys: random keys by name.
        """


class Collect(Protocol):
    """How a batch is made in an environment."""

    def __call__(
        self, world: World, policy: Policy, states: State, keys: Keys
    ) -> tuple[State, Any]:
        """The states after the steps, and the examples, leaves [N, ...].

        Args:
            world: the environment.
            policy: observations [B, ...] -> the network's outputs [B, K].
            states: of `batch_size` environments, leaves [B, ...].
            keys: random keys by name; `of_examples` has one per environment.
        """


class Evaluate(Protocol):
    """What is measured in episodes."""

    def __call__(self, world: World, policy: Policy, keys: jax.Array) -> dict[str, jax.Array]:
        """A value per episode by name, [B]: what the task's `better` names.

        Args:
            world: the environment.
            policy: observations [B, ...] -> the network's outputs [B, K].
            keys: a key per episode, [B].
        """


@dataclasses.dataclass(frozen=True)
class Game:
    """The players, in their order, and their losses.

    turns: whether players update at once, each by its gradient at the parameters before the step
        (`simultaneous`), or one after another (`alternating`).
    metrics: the names in the `Aux.metrics` of the players together; None where the first player
        returns outputs, which the task's metrics measure.
    collect, evaluate: how batches are made and what is measured, in an environment; None: batches
        and evaluation are of the data's rows.
    horizon: examples that `collect` makes in each environment.

    Raises:
        UserError: players without names of their own, or what a game that collects cannot have.
    """

    players: tuple[Player, ...]
    loss: PlayerLoss
    turns: Literal["simultaneous", "alternating"] = "simultaneous"
    metrics: tuple[str, ...] | None = None
    collect: Collect | None = None
    evaluate: Evaluate | None = None
    horizon: int = 1

    def __post_init__(self) -> None:
        names = [player.name for player in self.players]
        if len(names) == 1 and (names[0] or self.players[0].owns):
            raise UserError("the only player owns everything; leave out its name and its pattern")
        if len(names) != 1 and not all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names):
            raise UserError(f"players need names such as 'critic', not {names}")
        if (self.collect is None) != (self.evaluate is None):
            raise UserError("a game that collects its batches needs both collect and evaluate")
        if self.collect is not None and self.rounds > 1:
            raise UserError(
                "a game that collects its batches collects a single batch per step; leave out"
                " updates_per_step"
            )
        if len(set(names)) < len(names):
            raise UserError(f"players need different names, not {names}")

    @property
    def rounds(self) -> int:
        """Batches that a step reads: the most updates that a player makes in it."""
        return max(player.updates_per_step for player in self.players)
