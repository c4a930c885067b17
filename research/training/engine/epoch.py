"""An epoch of chunks: its dispatches, in pieces and in turn, and the row that it adds to curves."""

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence

import jax
import numpy as np

from research.training.checkpoint import best_and_last as best_and_last_lib
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.chunk import Chunk
from research.training.engine.chunk_evaluation import evaluate
from research.training.engine.dispatch_size import WHOLE_DISPATCHES, AdaptiveDispatch
from research.training.setup.program import Program

# The batches of a dispatch are gathered before it, and take at most this much of the device.
BATCH_BYTES = 64 << 20
# The same for tables of categories, which become one-hot as they are gathered. Two dispatches of
# 64 MiB, the one that runs and the next, took more memory than the whole table.
ONE_HOT_BYTES = 8 << 20


def run_epoch(
    program: Program,
    chunks: Sequence[Chunk],
    strategy: ExecutionStrategy,
    epoch: int,
    first: int = 0,
    after: Callable[[int], None] = lambda step: None,
    pace: AdaptiveDispatch = WHOLE_DISPATCHES,
) -> None:
    """Runs an epoch of chunks and adds its row to their curves.

    Args:
        program: what the lanes have in common.
        chunks: the chunks, all at the same epoch.
        strategy: how many updates a dispatch has.
        epoch: the chunks' epoch, from 0.
        first: the step of the epoch to begin with.
        after: called between pieces of dispatches with the epoch's steps done so far, which are
            the same for all chunks.
        pace: how dispatches are cut into pieces.
    """
    step = first
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(
                contextlib.closing(dispatches(program, chunk, strategy, epoch, first, pace))
            )
            for chunk in chunks
        ]
        # Dispatching returns before the device is done. So taking the chunks in turn makes those on
        # other devices run at the same time, without a thread for each.
        while step < program.sizes.steps_per_epoch:
            with pace.measure(lambda: jax.block_until_ready([chunk.state for chunk in chunks])):
                (count,) = {next(dispatch) for dispatch in running}
            step += count
            if step < program.sizes.steps_per_epoch:
                after(step)
    finish(program, chunks, strategy)


def adaptive_dispatch(program: Program, strategy: ExecutionStrategy) -> AdaptiveDispatch:
    """The pace of a strategy."""
    # Processes that train one run must dispatch the same pieces, or a sum over devices waits for
    # ever. Each has a clock of its own, so none of them cuts.
    if jax.process_count() > 1:
        return WHOLE_DISPATCHES
    return AdaptiveDispatch(most=dispatch_steps(program, strategy))


def dispatches(
    program: Program,
    chunk: Chunk,
    strategy: ExecutionStrategy,
    epoch: int,
    first: int = 0,
    pace: AdaptiveDispatch = WHOLE_DISPATCHES,
) -> Generator[int, None, None]:
    """Dispatches the updates of an epoch.

    Args:
        program: what the lanes have in common.
        chunk: the chunk, whose state is replaced.
        strategy: how many updates a dispatch has.
        epoch: the chunk's epoch, from 0.
        first: the step of the epoch to begin with.
        pace: how dispatches are cut into pieces.

    Yields:
        The number of updates of each piece, once it is dispatched.
    """
    per_epoch = program.sizes.steps_per_epoch
    steps = dispatch_steps(program, strategy)
    # Lanes may have joined the chunk at different epochs, so each has a step of its own.
    first_steps = (epoch - chunk.first_epoch) * per_epoch
    # A resumed epoch begins with the whole dispatch in which it was stopped, and skips the updates
    # that are done: batches are then gathered by the same program as without a stop.
    aligned = first - first % steps
    gathered = gathered_batches(program, chunk, strategy, epoch, aligned)
    with contextlib.closing(gathered):
        for begin in range(aligned, per_epoch, steps):
            batches = next(gathered)
            count = min(steps, per_epoch - begin)
            # Padded to a whole dispatch, so that one compiled program serves all; no update reads
            # the padding.
            factors = factors_at(chunk, first_steps + begin, count)
            factors = np.pad(factors, ((0, steps - count), *[(0, 0)] * (factors.ndim - 1)))
            done = max(first - begin, 0)
            while done < count:
                piece = min(pace.steps, count - done)
                # The old state is donated: from here on only the new one may be read.
                chunk.state = chunk.functions.advance(
                    chunk.state, chunk.lanes, batches, factors, np.int32(done), np.int32(piece)
                )
                done += piece
                yield piece


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
    if program.spec.collected:
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
    most = ONE_HOT_BYTES if program.spec.kinds else BATCH_BYTES
    fitting = max(1, most // (example * program.sizes.batch * strategy.width))
    return min(strategy.steps, program.sizes.steps_per_epoch, fitting)


def finish(program: Program, chunks: Sequence[Chunk], strategy: ExecutionStrategy) -> None:
    """Ends an epoch of chunks and adds its row to their curves.

    Args:
        program: the chunks' program.
        chunks: the chunks.
        strategy: how they are run.
    """
    # All are dispatched before the first is read, so that devices do not wait for one another.
    rows = [close(program, chunk, strategy) for chunk in chunks]
    for chunk, row in zip(chunks, rows, strict=True):
        # One run over several devices has a row per device, all alike: its width keeps the first.
        chunk.rows.append(
            {name: values[: strategy.width] for name, values in jax.device_get(row).items()}
        )


def close(program: Program, chunk: Chunk, strategy: ExecutionStrategy) -> dict[str, jax.Array]:
    """Ends an epoch of a chunk; returns the curves' row, {name: [W]}, still on the device.

    Args:
        program: the chunk's program.
        chunk: the lanes that train together.
        strategy: how they are run.
    """
    evaluated: dict[str, jax.Array] = {}
    if program.sizes.validation:
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        evaluated = evaluate(program, chunk, variables, chunk.lanes.validation)
    chunk.state, row = chunk.functions.close_epoch(
        chunk.state, chunk.lanes, evaluated, chunk.validation
    )
    if chunk.best_and_last is not None:
        loss = row.get("validation/loss", row["train/loss"])
        # Read again, since `close_epoch` donates the arrays of the state that was evaluated above.
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        chunk.best_and_last = best_and_last_lib.update(
            chunk.best_and_last, chunk.state, variables, loss
        )
    return row
