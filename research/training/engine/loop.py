"""The loop: a pack of runs, from its inputs (or a snapshot) to its outcomes."""

import functools
from collections.abc import Sequence
from itertools import zip_longest

import jax

from research.config import RunConfig
from research.data.spec import Arrays
from research.training.checkpoint import snapshot as snapshot_lib
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import epoch as epoch_lib
from research.training.engine import host_fit
from research.training.engine.chunk import START, Chunk, PackSetup
from research.training.engine.outcomes import Outcome, every_curve, latest_metrics, outcomes
from research.training.engine.pack_observer import NOBODY, Boundary, EpochProgress, PackObserver
from research.training.setup.program import Program


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
        ValueError: a run has `init_from` and no origin.
    """
    if program.fitted:
        return host_fit.fit(program, configs, arrays, observer)
    missing = [
        config.init_from
        for config, origin in zip_longest(configs, setup.origins)
        if config.init_from and not origin
    ]
    if missing:
        raise ValueError(f"a run starts from {missing[0]}, and was given none of its parameters")
    with program.precision_context():
        chunks = chunk_lib.start(program, configs, arrays, strategy, setup)
        per_epoch = program.sizes.steps_per_epoch
        epochs = min(epochs or program.config.epochs, program.config.epochs)
        done, first = divmod(setup.resume.step if setup.resume else 0, per_epoch)
        pace = epoch_lib.adaptive_dispatch(program, strategy)
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

            epoch_lib.run_epoch(program, live, strategy, epoch, first, after, pace)
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
