"""Batches of a chunk: the rows that its lanes read in an epoch, gathered a dispatch at a time."""

import contextlib
import itertools
from collections.abc import Generator

import jax
import numpy as np

from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.chunk import Chunk
from research.training.setup.program import Program

# The batches of a dispatch are gathered before it, and take at most this much of the device.
BATCH_BYTES = 64 << 20
# The same for tables of categories, which become one-hot as they are gathered. Two dispatches of
# 64 MiB, the one that runs and the next, took more memory than the whole table.
ONE_HOT_BYTES = 8 << 20


def gathered_batches(
    program: Program, chunk: Chunk, strategy: ExecutionStrategy, epoch: int, first: int
) -> Generator[dict[str, jax.Array], None, None]:
    """Yields the rows of each dispatch of an epoch, leaves [steps, W, ...]; none in an environment,
    where the step collects its examples.

    Args:
        program: what the lanes have in common.
        chunk: the chunk.
        strategy: how many updates a dispatch has.
        epoch: the chunk's epoch, from 0.
        first: the step of the epoch to begin with, the first of a dispatch.
    """
    per_epoch, batch = program.sizes.steps_per_epoch, program.sizes.batch
    steps = dispatch_steps(program, strategy)
    if program.spec.inputs.collected:
        yield from itertools.repeat({})
    rows = order(program, chunk, strategy, epoch)
    blocks = chunk.batch_source.batches(rows, first=first, steps=steps, batch=batch)
    with contextlib.closing(blocks):
        for begin, block in zip(range(first, per_epoch, steps), blocks, strict=False):
            yield chunk.functions.gather(block, begin, chunk.real, steps=steps)


def order(program: Program, chunk: Chunk, strategy: ExecutionStrategy, epoch: int) -> jax.Array:
    """The rows that the updates of a chunk's epoch read, [W, rows], padded to whole dispatches.

    Args:
        program: the chunk's program.
        chunk: the lanes that train together.
        strategy: its steps per dispatch.
        epoch: which epoch.
    """
    per_epoch = program.sizes.steps_per_epoch
    batch = program.sizes.batch
    padding = -per_epoch % dispatch_steps(program, strategy) * batch
    # Counted from the run's first epoch, so that a run that joined later has the same orders.
    drawn = np.zeros_like(chunk.first_epoch)
    if program.config.reshuffle_each_epoch:
        drawn = epoch - chunk.first_epoch
    return chunk.functions.order(chunk.lanes, drawn, count=per_epoch * batch, padding=padding)


def factors_at(chunk: Chunk, steps: np.ndarray, count: int) -> np.ndarray:
    """The learning rate's factors of the next updates, [count, W]; or [count, W, players].

    Args:
        chunk: the chunk.
        steps: the step that each lane's run has reached, [W].
        count: how many updates.
    """
    index = steps + np.arange(count)[:, None]
    # An idle lane trains past its run's end: its last factor is repeated, and nothing reads it.
    index = np.minimum(index, len(chunk.lr_factors) - 1)
    return chunk.lr_factors[index, np.arange(index.shape[1])]


def dispatch_steps(program: Program, strategy: ExecutionStrategy) -> int:
    """Updates per dispatch: the strategy's, limited by the epoch and by the memory for batches."""
    example = program.spec.inputs.bytes
    most = ONE_HOT_BYTES if program.spec.inputs.one_hot else BATCH_BYTES
    fitting = max(1, most // (example * program.sizes.batch * strategy.width))
    return min(strategy.steps, program.sizes.steps_per_epoch, fitting)
