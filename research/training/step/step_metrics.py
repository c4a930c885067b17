"""Step metrics: what the update of a player adds to the sums of its epoch."""

import jax

from research.tasks.objectives.game import Player
from research.training.setup.program import Program
from research.training.step import means, objective
from research.training.step.augment import AugmentedBatch
from research.training.step.gradient import LossResult
from research.training.step.state import Lane


def step_metrics(
    program: Program, player: Player, lane: Lane, batch: AugmentedBatch, result: LossResult
) -> dict[str, jax.Array]:
    """What an update adds to the epoch's sums: the metrics and the loss of the global batch, [].

    Args:
        program: what the lanes have in common.
        player: whose update it is.
        lane: the lane's inputs.
        batch: the examples.
        result: what the player's loss returned.

    Returns:
        The values by name, those that the objective returns among them; the first player's loss is
        `loss` too. Where examples may have other
        numbers of targets, they are sums, beside the counts that they are means over
        (research/training/step/means.py).
    """
    loss = {f"{means.LOSS}{player.suffix}": result.loss}
    if player != program.game.players[0]:
        return loss | result.metrics
    loss |= {means.LOSS: result.loss}
    # Where the task's metrics are followed, the objective has none; `_count` names one that it has.
    loss |= result.metrics
    if program.game.metrics is not None:
        return loss
    targets = objective.loss_targets(program, lane, batch.y)
    metrics = objective.metrics(program, lane, result.outputs, batch.y, targets)
    if not program.counts_targets:
        shares = {name: batch.fwd.share(value) for name, value in metrics.items()}
        return batch.fwd.over_devices(shares) | loss
    counts = objective.target_counts(program, targets)
    sums = means.summed(program, batch.fwd, metrics, counts)
    return sums | {name: value * sums[program.config.loss_mean] for name, value in loss.items()}
