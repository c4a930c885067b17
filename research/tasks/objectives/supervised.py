"""Supervised learning: one player, which owns every parameter, minimises the mean loss."""

from typing import Any

import jax

from research.registry import OBJECTIVES, Objective
from research.tasks.objectives.game import Game, Player
from research.tasks.objectives.turn import Apply, Aux, Keys, PlayerBatch


def loss(
    player: str, apply: Apply, params: Any, batch: PlayerBatch, keys: Keys
) -> tuple[jax.Array, Aux]:
    """The mean of `--loss` over the batch, [].

    Args:
        player: the only one.
        apply: the network.
        params: all parameters.
        batch: the rows of the update.
        keys: of random draws; unused.
    """
    forward = apply(params, batch.x)
    return batch.mean(batch.losses(forward.outputs)), Aux(forward)


def supervised() -> Game:
    """One player that owns every parameter.

    Example:
        >>> [player.owns for player in supervised().players]  # "" is found in every name
        ['']
    """
    return Game((Player(),), loss)


OBJECTIVES.add(
    Objective(
        "supervised",
        supervised,
        "the mean of --loss over the batch, by one player that owns every parameter",
    )
)
