"""Recomputed statistics: a pass over the training rows for the batch norms of averaged
parameters."""

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.chunk import Chunk
from research.training.engine.chunk_batches import dispatch_steps, gathered_batches
from research.training.setup.program import Program


def recompute_statistics(program: Program, chunk: Chunk, strategy: ExecutionStrategy) -> None:
    """Gives averaged parameters statistics of batch norm of their own, by a pass over the batches
    of the epoch that ends.

    Args:
        program: the chunk's program, which recomputes them.
        chunk: the lanes, whose state is replaced.
        strategy: how they are run.
    """
    epoch = len(chunk.rows)
    per_epoch = program.sizes.steps_per_epoch
    done = (epoch + 1 - chunk.first_epoch) * per_epoch
    # Before the average begins, the pass would change nothing. Asking waits for the updates, once
    # an epoch and in such programs alone.
    if not np.any(chunk.functions.averages(chunk.lanes, done)):
        return
    steps = dispatch_steps(program, strategy)
    total: Any = None
    with contextlib.closing(gathered_batches(program, chunk, strategy, epoch, 0)) as gathered:
        for begin, batches in zip(range(0, per_epoch, steps), gathered, strict=False):
            count = min(steps, per_epoch - begin)
            sums = chunk.functions.statistics(chunk.state, chunk.lanes, batches, steps, count)
            total = sums if total is None else jax.tree.map(jnp.add, total, sums)
    chunk.state = chunk.functions.put_statistics(chunk.state, chunk.lanes, total, per_epoch)
