"""Step metrics: what an update adds to the sums of its epoch."""

import jax

from research.models.layers.forward import Forward
from research.training.setup.program import Program
from research.training.step import means, objective
from research.training.step.state import Lane


def step_metrics(
    program: Program, lane: Lane, fwd: Forward, outputs: jax.Array, y: jax.Array, loss: jax.Array
) -> dict[str, jax.Array]:
    """What an update adds to the epoch's sums: the metrics and the loss of the global batch, [].

    Args:
        program: what the lanes have in common.
        lane: the lane's inputs.
        fwd: which rows of the global batch this device has.
        outputs: the network's outputs, [B, ..., K].
        y: what metrics compare with, [B, ...].
        loss: the loss of the global batch without penalties, [].

    Returns:
        The values by name. Where examples may have other numbers of targets, they are sums, beside
        the counts that they are means over (research/training/step/means.py).
    """
    targets = objective.loss_targets(program, lane, y)
    metrics = objective.metrics(program, lane, outputs, y, targets)
    if not program.counts_targets:
        shares = {name: fwd.share(value) for name, value in metrics.items()}
        return fwd.over_devices(shares) | {means.LOSS: loss}
    sums = means.summed(program, fwd, metrics, objective.target_counts(program, targets))
    return sums | {means.LOSS: loss * sums[program.config.loss_mean]}
