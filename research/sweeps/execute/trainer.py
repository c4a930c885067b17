"""The trainer: one pack, from its claims and its checkpoint to its records."""

import dataclasses
import functools
import time
import traceback
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import jax
from jax.experimental import multihost_utils

from research import config as config_lib
from research.data.spec import Arrays
from research.sweeps.coordinate.failures import MAX_ATTEMPTS
from research.sweeps.execute.checkpoint_policy import CheckpointPolicy
from research.sweeps.execute.execution_context import ExecutionContext, ends_all
from research.sweeps.execute.observer import Ended
from research.sweeps.execute.stored_strategy import stored_form, strategy_key
from research.sweeps.plan.run_plan import Pack, PlannedRun, row_counts
from research.sweeps.records.provenance import described, device_kind, provenance
from research.sweeps.records.record import Record
from research.training.checkpoint.checkpoint_writer import CheckpointWriter
from research.training.checkpoint.checkpoints import StoredSnapshot
from research.training.checkpoint.pack_manifest import PackManifest
from research.training.devices import device_memory
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from research.training.engine.outcomes import Outcome
from research.training.engine.pack_observer import Boundary, EpochProgress, PackObserver
from research.training.setup.lane_inputs import abstract_state, footprint

# (so many epochs are done, or a part of one, and so many runs still train; None: as before)
To = Callable[[Fraction, int | None], None]


def train(pack: Pack, context: ExecutionContext, strategy: ExecutionStrategy) -> list[str]:
    """Trains what can be claimed of a pack and writes the records.

    Runs with a checkpoint continue from it; the others begin.

    Args:
        pack: runs of one program.
        context: what the packs of the execution share.
        strategy: how to train them.

    Returns:
        The ids of the runs that were claimed.
    """
    template = functools.cache(lambda: abstract_state(pack.runs[0].config, pack.program))
    with context.holding([run.id for run in pack.runs]) as mine:
        waiting = {run.id: run for run in pack.runs if run.id in set(mine)}
        while waiting:
            stored = context.checkpoints.find(
                list(waiting), pack.program.id, template, context.execution.keep_params
            )
            together = [
                waiting.pop(run_id) for run_id in (stored.runs if stored else list(waiting))
            ]
            _train(dataclasses.replace(pack, runs=tuple(together)), context, strategy, stored)
    return mine


def _train(
    pack: Pack,
    context: ExecutionContext,
    strategy: ExecutionStrategy,
    stored: StoredSnapshot | None,
) -> None:
    """Trains runs that are all at one step, and writes their records."""
    lanes, epochs, started = len(pack.runs), pack.program.config.epochs, time.time()
    reported = Fraction(0)
    training = 0
    started_here = False

    def to(epoch: Fraction, live: int | None = None) -> None:
        nonlocal reported, training, started_here
        training = training if live is None else live
        # The first report after a resume is of epochs before this process: they say nothing of its
        # speed.
        observer = context.observer
        tell = observer.epochs if started_here or stored is None else observer.resumed
        tell((epoch - reported) * lanes)
        reported = epoch
        started_here = True
        show(float(epoch), training)

    with context.showing(pack) as show:
        try:
            strategy, outcomes, seconds, earlier = _with_memory(pack, context, strategy, stored, to)
        except Exception as error:
            if ends_all(error):
                raise
            # What breaks during a stop is no failure of the runs: a Ctrl-C ends their workers too.
            context.go_on()
            context.record_failure(pack, traceback.format_exc())
            to(Fraction(0), 0)
            return
        to(Fraction(epochs), 0)
    origin = provenance(strategy, lanes, seconds, started, earlier)
    parameters, _ = footprint(pack.runs[0].config, pack.program)
    # Asked last: while this process was suspended, others may have taken the runs.
    context.confirm(pack)
    for run, outcome in zip(pack.runs, outcomes, strict=True):
        record = recorded(run, outcome, parameters, origin)
        context.write(record, run, outcome.best_and_last, outcome.predictions)
    # After the records, so that a crash between the two loses no training.
    context.checkpoints.discard(_saved(pack, strategy, context))


def fail(pack: Pack, context: ExecutionContext) -> list[str]:
    """Counts the exception being handled against each run that can be claimed; returns the ids.

    Raises Stopped if that is asked for: then it may be what broke them.
    """
    context.go_on()
    with context.holding([run.id for run in pack.runs]) as mine:
        context.record_failure(_subset(pack, mine), traceback.format_exc())
    return mine


def write_final_failures(pack: Pack, context: ExecutionContext) -> list[str]:
    """Writes `failed` records of the runs that failed too often, where they can be claimed; returns
    the ids."""
    failed = context.failures.runs()
    errors = {run.id: context.failures.of(run.id) for run in pack.runs if run.id in failed}
    fatal = [run_id for run_id, texts in errors.items() if len(texts) >= MAX_ATTEMPTS]
    if not fatal:
        return []
    # All processes must know before the first one drops the error.
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("condemn")
    with context.holding(fatal) as mine:
        failed_pack = _subset(pack, mine)
        context.confirm(failed_pack)
        for run in failed_pack.runs:
            context.fail(run, errors[run.id][-1])
    context.observer.epochs(len(mine) * pack.program.config.epochs)
    return mine


def _subset(pack: Pack, run_ids: Iterable[str]) -> Pack:
    """The pack of these of its runs."""
    chosen = set(run_ids)
    return dataclasses.replace(pack, runs=tuple(run for run in pack.runs if run.id in chosen))


def _with_memory(
    pack: Pack,
    context: ExecutionContext,
    strategy: ExecutionStrategy,
    stored: StoredSnapshot | None,
    to: To,
) -> tuple[ExecutionStrategy, list[Outcome], float, tuple[str, ...]]:
    """The outcomes of the pack's runs, the way and seconds that they took, and how else steps
    before were trained.

    Out of memory, they go on with narrower chunks.
    """
    if (
        stored is not None
        and stored.device == device_kind()
        and stored.strategy.replicas == strategy.replicas == 1
    ):
        # On the same kind of device, all steps of a run then round alike.
        strategy = stored.strategy
    arrays = context.arrays_of(pack.runs[0])
    while True:
        earlier = _earlier(pack, context, strategy, stored)
        try:
            outcomes, seconds = _attempt(pack, arrays, strategy, context, stored, earlier, to)
        except jax.errors.JaxRuntimeError as error:
            if not device_memory.ran_out(error) or strategy.width == 1:
                raise
        else:
            return strategy, outcomes, seconds, earlier
        # The state was given to the step that failed: back to the last checkpoint, with half the
        # lanes a chunk.
        strategy = narrower(strategy)
        context.observer.warn(
            f"out of memory: {len(pack.runs)} runs go on with {strategy.width} lanes a chunk"
        )
        # Replaces the stored strategy: the next pack of the program would run out of memory too.
        name = strategy_key(pack, context, context.lanes(pack))
        context.store.write_json("ways", name, stored_form(strategy))
        template = functools.partial(abstract_state, pack.runs[0].config, pack.program)
        ids = [run.id for run in pack.runs]
        stored = context.checkpoints.find(
            ids, pack.program.id, template, context.execution.keep_params
        )


def narrower(strategy: ExecutionStrategy) -> ExecutionStrategy:
    """The way with half the lanes a chunk."""
    return dataclasses.replace(strategy, width=(strategy.width + 1) // 2)


def _earlier(
    pack: Pack,
    context: ExecutionContext,
    strategy: ExecutionStrategy,
    stored: StoredSnapshot | None,
) -> tuple[str, ...]:
    """The strategies and devices that trained the steps before a checkpoint; warns if the steps
    after it will be trained otherwise."""
    if stored is None:
        return ()
    before, now = (
        f"{described(used)} on {device}"
        for used, device in ((stored.strategy, stored.device), (strategy, device_kind()))
    )
    if before == now:
        return stored.snapshot.earlier
    context.observer.warn(
        f"trained until step {stored.snapshot.step} with {before}, from there on with {now}"
        f" ({len(pack.runs)} run{'s' * (len(pack.runs) != 1)}): the last digits may differ from"
        " those of one strategy throughout"
    )
    return (*stored.snapshot.earlier, before)


def _attempt(
    pack: Pack,
    arrays: Arrays,
    strategy: ExecutionStrategy,
    context: ExecutionContext,
    stored: StoredSnapshot | None,
    earlier: tuple[str, ...],
    to: To,
) -> tuple[list[Outcome], float]:
    """The outcomes of the pack's runs, in order, and the seconds that they took since their first
    step."""
    began = time.monotonic()
    resume = stored.of([run.id for run in pack.runs]) if stored else None
    per_epoch = pack.program.sizes.steps_per_epoch
    before = resume.seconds if resume else 0.0
    with CheckpointWriter(context.checkpoints, _saved(pack, strategy, context)) as writer:
        policy = CheckpointPolicy(
            program=pack.program,
            writer=writer,
            every=context.execution.every,
            stopping=context.agreed,
            warn=context.observer.warn,
            confirm=functools.partial(context.confirm, pack),
            done=lambda step: to(Fraction(step, per_epoch), None),
            step=resume.step if resume else 0,
            seconds=before,
            earlier=earlier,
        )

        if resume:
            to(Fraction(resume.step, per_epoch), resume.runs)
        outcomes = loop.train(
            pack.program,
            [run.config for run in pack.runs],
            arrays,
            strategy,
            PackSetup(
                resume=resume,
                memory=context.execution.memory,
                origins=[context.origin_of(run) for run in pack.runs],
                earlier=[context.earlier_of(run) for run in pack.runs],
                keep=context.execution.keep_params,
                keep_predictions=context.execution.keep_predictions,
            ),
            _TrainedPack(pack, context, policy, to),
        )
    return outcomes, before + time.monotonic() - began


@dataclasses.dataclass(frozen=True)
class _TrainedPack(PackObserver):
    """Saves a pack as its policy says, and reports how far it is."""

    pack: Pack
    context: ExecutionContext
    policy: CheckpointPolicy
    to: To

    def at_boundary(self, boundary: Boundary) -> None:
        self.context.observer.stepped()
        self.policy(boundary)

    def at_epoch(self, progress: EpochProgress) -> None:
        self.context.ended(functools.partial(_ended, self.pack, progress))
        self.to(Fraction(progress.epoch), progress.live)
        # All processes have the same curves; one of them writes.
        if jax.process_index() == 0:
            self.context.observer.curves(self.pack.runs, progress.curves)

    def at_warning(self, message: str) -> None:
        self.context.observer.warn(message)


def _ended(pack: Pack, at: EpochProgress) -> list[Ended]:
    """The pack's runs that have trained to the end of this epoch."""
    pairs = zip(pack.runs, at.latest(), strict=True)
    return [Ended(run, at.epoch, metrics) for run, metrics in pairs if metrics]


def _saved(pack: Pack, strategy: ExecutionStrategy, context: ExecutionContext) -> PackManifest:
    """The pack as its checkpoints name it."""
    configs = {run.id: config_lib.to_flags(run.config) for run in pack.runs}
    execution = context.execution
    return PackManifest(
        pack.program.id, device_kind(), strategy, configs, execution.keep, execution.keep_params
    )


def recorded(run: PlannedRun, outcome: Outcome, parameters: int, origin: dict[str, Any]) -> Record:
    """The record of a run that was trained.

    Args:
        run: the run.
        outcome: its metrics, curves and checksums.
        parameters: how many parameters it has.
        origin: its provenance.
    """
    return Record(
        run_id=run.id,
        status="finished" if outcome.diverged_at is None else "diverged",
        config=config_lib.to_flags(run.config),
        metrics=outcome.metrics,
        curves=outcome.curves,
        checksums=outcome.checksums,
        parameters=parameters,
        steps=outcome.steps,
        diverged_at=outcome.diverged_at,
        error=outcome.cause,
        calibration=outcome.calibration,
        selected=outcome.selected,
        provenance=origin | row_counts(run),
    )
