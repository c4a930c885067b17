"""Recomputed statistics: a pass over the training rows for the batch norms of averaged
parameters."""

import contextlib
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.chunk import Chunk
from research.training.engine.chunk_batches import dispatch_steps, gathered_batches
from research.training.setup.program import Program
from research.training.step import norm_statistics
from research.training.step.state import Lane


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
    lanes = jax.device_get(chunk.lanes.hparams)
    # Before the average begins, the pass would change nothing.
    if not any(
        norm_statistics.is_average(program, _numbers_of(chunk, lanes, lane), int(steps))
        for lane, steps in enumerate(done)
    ):
        return
    steps = dispatch_steps(program, strategy)
    total: Any = None
    with contextlib.closing(gathered_batches(program, chunk, strategy, epoch, 0)) as gathered:
        for begin, batches in zip(range(0, per_epoch, steps), gathered, strict=False):
            count = min(steps, per_epoch - begin)
            sums = chunk.functions.statistics(chunk.state, chunk.lanes, batches, steps, count)
            total = sums if total is None else jax.tree.map(jnp.add, total, sums)
    chunk.state = chunk.functions.put_statistics(chunk.state, chunk.lanes, total, per_epoch)


def _numbers_of(chunk: Chunk, hparams: dict[str, np.ndarray], lane: int) -> Lane:
    """A lane with its numbers alone on the host."""
    numbers = {name: values[lane] for name, values in hparams.items()}
    return dataclasses.replace(chunk.lanes, hparams=numbers)
