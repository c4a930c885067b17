"""The local executor: runs from a queue, a few packs at a time, shared with other processes by
claims."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

import jax
from jax.experimental import multihost_utils

from research.sweeps.coordinate import claims as claims_lib
from research.sweeps.coordinate import pack_progress
from research.sweeps.coordinate.claims import Claims
from research.sweeps.coordinate.membership import LeaseLost
from research.sweeps.execute import stored_strategy, trainer
from research.sweeps.execute.execution_context import ExecutionContext, ends_all
from research.sweeps.execute.observer import Observer
from research.sweeps.execute.queue import Queue
from research.sweeps.plan.run_plan import Pack, PlannedRun, packs
from research.training.checkpoint.checkpoints import Checkpoints, steps
from research.training.devices.strategy import ExecutionStrategy

# Seconds between looks at what others train, and of a wait in which a stop is noticed.
LOOK, NOTICE = 2.0, 0.2

NONE: Mapping[str, ExecutionStrategy | None] = {}


def execute(
    runs: Sequence[PlannedRun],
    context: ExecutionContext,
    *,
    retrain_as: Mapping[str, ExecutionStrategy | None] = NONE,
    wait: bool = True,
) -> None:
    """Ensures that every run has its record: trains those that no other process has claimed, and
    waits for the others.

    A pack continues from its checkpoint where there is one. A pack that fails is tried once more,
    after all others; if it fails again it leaves `failed` records.

    Args:
        runs: the runs without a record, and those of `retrain_as`.
        context: what their packs share.
        retrain_as: the recorded strategies of runs that are trained again, by id.
        wait: for other processes too; without, it is over once workers that are seen to be alive
            have claimed all that is left.

    Raises:
        Stopped: after saving what is under way, when the observer asks for a stop.
    """
    observer = context.observer
    checkpoints = context.checkpoints
    checkpoints.prepare()
    pack_progress.tidy(context.store.root, time.time())
    _say_what_goes_on(runs, checkpoints, observer)
    missing = list(runs)
    while missing:
        # A worker that was marked dead cannot claim again: each turn of this loop is a new worker.
        with _claims(context) as claims, contextlib.suppress(LeaseLost):
            context.claims = claims
            while missing:
                trained = _round(missing, retrain_as, context)
                context.go_on()
                left = [run for run in missing if context.open(run.id)]
                observer.epochs(
                    sum(
                        run.config.epochs
                        for run in missing
                        if context.done(run.id) and run.id not in trained
                    )
                )
                if (
                    left
                    and not trained
                    and not wait
                    and (context.claims is None or context.claims.all_live())
                ):
                    left = []  # those who hold it are at work
                elif left and not trained:
                    _wait(left, context)
                missing = left
        if missing:
            observer.warn(
                "this process did not answer for so long that others took over its runs; it"
                " starts again"
            )
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("records")
    checkpoints.settle(context.done)


def _say_what_goes_on(
    runs: Sequence[PlannedRun], checkpoints: Checkpoints, observer: Observer
) -> None:
    """Tells which of the runs are saved, so that nobody takes them for lost."""
    wanted = {run.id for run in runs}
    saved: dict[str, int] = {}
    for folder, pack in checkpoints.packs():
        if step := max(steps(folder), default=0):
            saved |= dict.fromkeys(wanted & set(pack.configs), step)
    if saved:
        count, step = f"{len(saved)} run{'s' * (len(saved) > 1)}", max(saved.values())
        observer.note(f"{count} under way, saved at step {step}: continuing from there")


@contextlib.contextmanager
def _claims(context: ExecutionContext) -> Iterator[Claims | None]:
    """This process's claims; none where several processes train each run together."""
    if jax.process_count() > 1:
        yield None
        return
    with claims_lib.working(context.store.root, context.done_anywhere) as claims:
        yield claims


def _round(
    missing: Sequence[PlannedRun],
    retrain_as: Mapping[str, ExecutionStrategy | None],
    context: ExecutionContext,
) -> set[str]:
    """Trains what can be claimed of these runs, first those that have not failed; returns the ids
    of what was taken."""
    claimed, failed = context.claimed(), context.failures.runs()
    free = [run for run in missing if run.id not in claimed]
    if not free and context.claims and context.claims.take_over():
        claimed = context.claimed()
        free = [run for run in missing if run.id not in claimed]
    # A run that ended its process before must not keep the others from being trained.
    sound = [run for run in free if run.id not in failed]
    waits = [
        (pack, Queue(pack.runs, context.open, context.claimed))
        for pack in packs(sound or free, retrain_as)
    ]
    if claimed and context.claims:
        for _, queue in waits:
            queue.begin_at(context.claims.worker.share)
    return _trained(waits, context)


def _trained(
    waits: Sequence[tuple[Pack, Queue[PlannedRun]]], context: ExecutionContext
) -> set[str]:
    """Trains what can be claimed of these packs; returns the runs' ids. Raises what ended a pack
    beside its failing."""
    trained: set[str] = set()
    others = threading.Event()
    context.others = others
    with concurrent.futures.ThreadPoolExecutor(
        # Packs over several devices take turns: each needs its devices at the same moment.
        1 if context.execution.replicas > 1 else context.abreast
    ) as pool:

        def train_next(
            pack: Pack, queue: Queue[PlannedRun], lanes: int
        ) -> list[concurrent.futures.Future]:
            """Trains as many runs of a program as its way takes at once; the others follow in the
            queue."""
            # One run before the strategy: compiling and timing would be in vain if nothing is left.
            runs = queue.next(1) if not context.stopping() else []
            if not runs:
                return []
            try:
                with context.under_way(run.id for run in (*runs, *queue.waiting())):
                    chosen = stored_strategy.strategy_for(pack, context, lanes)
            except Exception as error:
                if ends_all(error):
                    raise
                # The program itself does not run.
                trained.update(trainer.fail(pack, context))
                return []
            runs += queue.next(chosen.width * chosen.devices - 1)
            # Submitted before this pack trains, so that the next one is compiled meanwhile.
            follow = [pool.submit(train_next, pack, queue, lanes)]
            trained.update(
                trainer.train(dataclasses.replace(pack, runs=tuple(runs)), context, chosen)
            )
            return follow

        for pack, _ in waits:
            trained.update(trainer.write_final_failures(pack, context))
        waiting = {
            pool.submit(train_next, pack, queue, context.lanes(pack)) for pack, queue in waits
        }
        try:
            while waiting:
                done, waiting = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED
                )
                waiting |= set(itertools.chain.from_iterable(future.result() for future in done))
        except BaseException:
            # The packs that still train save and stop as well; the pool waits for them.
            others.set()
            for future in waiting:
                future.cancel()
            raise
    return trained


def _wait(missing: Sequence[PlannedRun], context: ExecutionContext) -> None:
    """Waits a while for other processes, which hold all of these runs."""
    claims = context.claims
    assert claims is not None
    holders = claims.others(run.id for run in missing)
    if holders and not context.waited:
        who = ", ".join(sorted(set(holders.values())))
        context.observer.warn(
            f"waiting for {len(holders)} run{'s' * (len(holders) != 1)} of other processes: {who}"
        )
        context.waited = True
    until = time.monotonic() + LOOK
    while time.monotonic() < until and not context.stopping():
        time.sleep(NOTICE)
