"""The loop: a pack of runs, from its inputs (or a snapshot) to its outcomes, epoch by epoch and
dispatch by dispatch."""

import contextlib
import functools
from collections.abc import Callable, Generator, Sequence
from itertools import zip_longest

import jax
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.training.checkpoint import best_and_last as best_and_last_lib
from research.training.checkpoint import snapshot as snapshot_lib
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import host_fit
from research.training.engine.chunk import START, Chunk, PackSetup
from research.training.engine.chunk_batches import dispatch_steps, factors_at, gathered_batches
from research.training.engine.chunk_evaluation import evaluate
from research.training.engine.dispatch_size import WHOLE_DISPATCHES, AdaptiveDispatch
from research.training.engine.outcomes import Outcome, every_curve, latest_metrics, outcomes
from research.training.engine.pack_observer import NOBODY, Boundary, EpochProgress, PackObserver
from research.training.engine.recomputed_statistics import recompute_statistics
from research.training.setup.program import Program
from research.training.step import means, norm_statistics


def train(
    program: Program,
    configs: Sequence[RunConfig],
    arrays: Arrays,
    strategy: ExecutionStrategy,
    setup: PackSetup = START,
    observer: PackObserver = NOBODY,
    epochs: int | None = None,
) -> list[Outcome]:
    """Trains runs of one program, each as a lane, and returns their outcomes in order.

    Args:
        program: what the runs have in common.
        configs: the config of each run.
        arrays: the data.
        strategy: how the lanes are spread over chunks, dispatches and devices.
        setup: what the runs start from, and what is kept of them. From a snapshot and with the same
            strategy the outcomes are bit for bit those of a training that was never stopped.
        observer: follows the training, and may stop it.
        epochs: stop after so many.

    Raises:
        ValueError: a run has `init_from` and no origin, or `after` and no earlier runs.
    """
    if program.fitted:
        return host_fit.fit(program, configs, arrays, observer, keep=setup.keep)
    missing = [
        config.init_from
        for config, origin in zip_longest(configs, setup.origins)
        if config.init_from and not origin
    ]
    if any(config.after and not earlier for config, earlier in zip_longest(configs, setup.earlier)):
        raise ValueError("a run learns from earlier ones, and was given nothing of them")
    if missing:
        raise ValueError(f"a run starts from {missing[0]}, and was given none of its parameters")
    with program.precision_context():
        chunks = chunk_lib.start(program, configs, arrays, strategy, setup)
        per_epoch = program.sizes.steps_per_epoch
        epochs = min(epochs or program.config.epochs, program.config.epochs)
        done, first = divmod(setup.resume.step if setup.resume else 0, per_epoch)
        pace = adaptive_dispatch(program, strategy)
        for epoch in range(done, epochs):
            # A chunk is dropped as a whole: its lanes share one program, so a single run that still
            # trains keeps all of them computing.
            live = [chunk for chunk in chunks if chunk.training.any()]
            if not live:
                break
            before = epoch * per_epoch

            # Bound as a default: the closure must not see the next epoch's value.
            def after(step: int, before: int = before) -> None:
                observer.at_boundary(_boundary(before + step, chunks))

            run_epoch(program, live, strategy, epoch, first, after, pace)
            first = 0
            training = sum(int(chunk.training.sum()) for chunk in chunks)
            so_far = functools.partial(every_curve, program, chunks)
            latest = functools.partial(latest_metrics, program, chunks, epoch + 1)
            progress = EpochProgress(epoch + 1, epochs, training, len(configs), so_far, latest)
            observer.at_epoch(progress)
            observer.at_boundary(_boundary(before + per_epoch, chunks))
        return [
            outcome
            for chunk in chunks
            for outcome in outcomes(program, chunk, keep_predictions=setup.keep_predictions)
        ]


def _boundary(step: int, chunks: list[Chunk]) -> Boundary:
    def wait() -> None:
        jax.block_until_ready([chunk.state for chunk in chunks])

    return Boundary(step, wait, lambda: snapshot_lib.take(step, chunks))


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
    if norm_statistics.are_recomputed(program):
        recompute_statistics(program, chunk, strategy)
    evaluated: dict[str, jax.Array] = {}
    if program.sizes.validation:
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        evaluated = evaluate(program, chunk, variables, chunk.lanes.validation)
    chunk.state, row = chunk.functions.close_epoch(
        chunk.state, chunk.lanes, evaluated, chunk.validation
    )
    if chunk.best_and_last is not None:
        loss = means.to_minimize(program, row)
        # Read again, since `close_epoch` donates the arrays of the state that was evaluated above.
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        chunk.best_and_last = best_and_last_lib.update(
            chunk.best_and_last, chunk.state, variables, loss
        )
    return row
