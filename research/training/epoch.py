"""An epoch of chunks: its dispatches, in pieces and in turn, and the row that it adds to curves."""

import contextlib
import math
from collections.abc import Callable, Generator, Sequence

import jax
import numpy as np

from research.training import best_and_last as best_and_last_lib
from research.training.chunk import Chunk
from research.training.chunk_evaluation import evaluate
from research.training.dispatch_size import WHOLE_DISPATCHES, AdaptiveDispatch
from research.training.program import Program
from research.training.strategy import ExecutionStrategy

# The batches of a dispatch are gathered before it, and take at most this much of the device.
BATCH_BYTES = 64 << 20


def run_epoch(
    program: Program,
    chunks: Sequence[Chunk],
    strategy: ExecutionStrategy,
    epoch: int,
    first: int = 0,
    after: Callable[[int], None] = lambda step: None,
    pace: AdaptiveDispatch = WHOLE_DISPATCHES,
) -> None:
    """Runs an epoch of chunks, from its step `first` on, and adds its row to their curves.

    Chunks take their pieces in turn, so that those on other devices run at the same time. after:
    called between pieces with the epoch's steps done so far, all chunks being at the same one.
    """
    step = first
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(
                contextlib.closing(dispatches(program, chunk, strategy, epoch, first, pace))
            )
            for chunk in chunks
        ]
        while step < program.sizes.steps_per_epoch:
            with pace.measure(lambda: jax.block_until_ready([chunk.state for chunk in chunks])):
                (count,) = {next(dispatch) for dispatch in running}
            step += count
            if step < program.sizes.steps_per_epoch:
                after(step)
    finish(program, chunks, strategy)


def adaptive_dispatch(program: Program, strategy: ExecutionStrategy) -> AdaptiveDispatch:
    """The pace of a strategy. Processes that train a run together cut nothing, since each has a
    clock of its own."""
    return (
        WHOLE_DISPATCHES
        if jax.process_count() > 1
        else AdaptiveDispatch(most=dispatch_steps(program, strategy))
    )


def dispatches(
    program: Program,
    chunk: Chunk,
    strategy: ExecutionStrategy,
    epoch: int,
    first: int = 0,
    pace: AdaptiveDispatch = WHOLE_DISPATCHES,
) -> Generator[int, None, None]:
    """Dispatches the updates of an epoch from step `first` on, as many at once as strategy and pace
    take, and says so."""
    per_epoch, steps = program.sizes.steps_per_epoch, dispatch_steps(program, strategy)
    rows = order(program, chunk, strategy, epoch)
    # Lanes may have joined the chunk at different epochs, so each has a step of its own.
    first_steps = (epoch - chunk.first_epoch) * per_epoch
    aligned = first - first % steps  # where the dispatch begins in which it was stopped
    slabs = chunk.batch_source.batches(rows, first=aligned, steps=steps, batch=program.sizes.batch)
    with contextlib.closing(slabs):
        for begin in range(aligned, per_epoch, steps):
            slab, count = next(slabs), min(steps, per_epoch - begin)
            batches = chunk.functions.gather(
                slab.x, slab.y, slab.rows, np.int32(slab.begin), np.int32(begin), steps=steps
            )
            lr_factors = np.pad(
                factors_at(chunk, first_steps + begin, count), ((0, steps - count), (0, 0))
            )
            done = max(first - begin, 0)
            while done < count:
                piece = min(pace.steps, count - done)
                of = (batches, lr_factors, np.int32(done), np.int32(piece))
                chunk.state = chunk.functions.advance(chunk.state, chunk.lanes, *of)
                done += piece
                yield piece


def order(program: Program, chunk: Chunk, strategy: ExecutionStrategy, epoch: int) -> jax.Array:
    """The rows that the updates of a chunk's epoch read, [W, rows], padded to whole dispatches."""
    per_epoch, batch, steps = (
        program.sizes.steps_per_epoch,
        program.sizes.batch,
        dispatch_steps(program, strategy),
    )
    padding = -per_epoch % steps * batch
    drawn = (
        epoch - chunk.first_epoch
        if program.config.reshuffle_each_epoch
        else np.zeros_like(chunk.first_epoch)
    )
    return chunk.functions.order(chunk.lanes, drawn, count=per_epoch * batch, padding=padding)


def factors_at(chunk: Chunk, steps: np.ndarray, count: int) -> np.ndarray:
    """The factors [count, W] of updates from each lane's own step [W] on; those of an idle lane end
    with its last."""
    index = steps + np.arange(count)[:, None]
    return np.take_along_axis(
        chunk.lr_factors, np.minimum(index, len(chunk.lr_factors) - 1), axis=0
    )


def dispatch_steps(program: Program, strategy: ExecutionStrategy) -> int:
    """Updates a dispatch: the strategy's, within an epoch and the memory for its batches."""
    example = math.prod(program.spec.shape) * (1 if program.spec.maximum > 1 else 4)
    fitting = max(1, BATCH_BYTES // (example * program.sizes.batch * strategy.width))
    return min(strategy.steps, program.sizes.steps_per_epoch, fitting)


def finish(program: Program, chunks: Sequence[Chunk], strategy: ExecutionStrategy) -> None:
    """Ends an epoch of chunks and adds its row to their curves."""
    for chunk, row in zip(
        chunks, [close(program, chunk, strategy) for chunk in chunks], strict=True
    ):
        chunk.rows.append(
            {name: values[: strategy.width] for name, values in jax.device_get(row).items()}
        )


def close(program: Program, chunk: Chunk, strategy: ExecutionStrategy) -> dict[str, jax.Array]:
    """Ends an epoch of a chunk; returns the curves' row, {name: [W]}, still on the device."""
    evaluated: dict[str, jax.Array] = {}
    if program.sizes.validation:
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        evaluated = evaluate(program, chunk, variables, chunk.lanes.validation)
    chunk.state, row = chunk.functions.close_epoch(
        chunk.state, chunk.lanes, evaluated, chunk.validation
    )
    if chunk.best_and_last is not None:
        loss = row.get("validation/loss", row["train/loss"])
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        chunk.best_and_last = best_and_last_lib.update(
            chunk.best_and_last, chunk.state, variables, loss
        )
    return row
