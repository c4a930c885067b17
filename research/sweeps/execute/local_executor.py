"""The local executor: runs from a queue, a few packs at a time, shared with other processes by
claims."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import jax
from jax.experimental import multihost_utils

from research.data.spec import Arrays
from research.sweeps.coordinate import claims as claims_lib
from research.sweeps.coordinate import pack_progress
from research.sweeps.coordinate.claims import Claims
from research.sweeps.coordinate.membership import LeaseLost
from research.sweeps.execute import stored_strategy, trainer
from research.sweeps.execute.execution_context import (
    ABREAST,
    ExecutionContext,
    ExecutionEvents,
    ends_all,
)
from research.sweeps.execute.execution_options import DEFAULT, Execution
from research.sweeps.execute.queue import Queue
from research.sweeps.plan.run_plan import Pack, PlannedRun, packs
from research.sweeps.records.store import Store
from research.training import strategy_choice
from research.training.checkpoints import Checkpoints, steps
from research.training.strategy import ExecutionStrategy
from research.training.warm_start import InitialWeights

# Seconds between looks at what others train, and of a wait in which a stop is noticed.
LOOK, NOTICE = 2.0, 0.2

NONE: Mapping[str, ExecutionStrategy | None] = {}


def execute(
    runs: Sequence[PlannedRun],
    store: Store,
    arrays_of: Callable[[PlannedRun], Arrays],
    report: ExecutionEvents,
    totals: dict[str, int] | None = None,
    timer: strategy_choice.Timer = strategy_choice.time_strategy,
    execution: Execution = DEFAULT,
    origin_of: Callable[[PlannedRun], InitialWeights | None] = lambda run: None,
    again: Mapping[str, ExecutionStrategy | None] = NONE,
    belongs: Callable[[str], bool] = lambda run_id: True,
    wait: bool = True,
    abreast: int = ABREAST,
) -> None:
    """Sees to it that every run has its record; trains those that no other process has claimed,
    waits for the others.

    totals: lanes of a program in the whole sweep, by id. origin_of: where a run starts from, if it
        has `init_from`.
    again: the recorded ways of runs that are trained again, by id. belongs: whether a run is still
        wanted, asked before it is begun. wait: for others too; without, it is over once all that is
        left is held by others who are seen to be alive. abreast: packs under way at once. A pack
        goes on from its checkpoint where there is one. A pack that fails is tried once more, after
        all others; if it fails again it leaves `failed` records. Raises Stopped, after saving what
        is under way, when the report says so.
    """
    checkpoints = Checkpoints(
        Path(execution.checkpoints or store.root / "checkpoints"), report.warn
    )
    checkpoints.prepare()
    pack_progress.tidy(store.root, time.time())
    _say_what_goes_on(runs, checkpoints, report)
    job = ExecutionContext(
        store,
        arrays_of,
        report,
        execution,
        timer,
        checkpoints,
        totals or {},
        origin_of=origin_of,
        belongs=belongs,
        abreast=abreast,
    )
    missing = list(runs)
    while missing:
        with _claims(job) as claims, contextlib.suppress(LeaseLost):
            job.claims = claims
            while missing:
                trained = _round(missing, again, job)
                job.go_on()
                left = [run for run in missing if job.open(run.id)]
                report.epochs(
                    sum(
                        run.config.epochs
                        for run in missing
                        if job.done(run.id) and run.id not in trained
                    )
                )
                if (
                    left
                    and not trained
                    and not wait
                    and (job.claims is None or job.claims.all_live())
                ):
                    left = []  # those who hold it are at work
                elif left and not trained:
                    _wait(left, job)
                missing = left
        if missing:
            report.warn(
                "this process was silent for so long that others took its runs; it begins again"
            )
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("records")
    checkpoints.settle(job.done)


def _say_what_goes_on(
    runs: Sequence[PlannedRun], checkpoints: Checkpoints, report: ExecutionEvents
) -> None:
    """Tells which of the runs are saved, so that nobody takes them for lost."""
    wanted = {run.id for run in runs}
    saved: dict[str, int] = {}
    for folder, pack in checkpoints.packs():
        if step := max(steps(folder), default=0):
            saved |= dict.fromkeys(wanted & set(pack.configs), step)
    if saved:
        count, step = f"{len(saved)} run{'s' * (len(saved) > 1)}", max(saved.values())
        report.note(f"{count} under way, saved up to step {step}: going on from there")


@contextlib.contextmanager
def _claims(job: ExecutionContext) -> Iterator[Claims | None]:
    """This process's claims; none where several processes train each run together."""
    if jax.process_count() > 1:
        yield None
        return
    with claims_lib.working(job.store.root, job.done_anywhere) as claims:
        yield claims


def _round(
    missing: Sequence[PlannedRun],
    again: Mapping[str, ExecutionStrategy | None],
    job: ExecutionContext,
) -> set[str]:
    """Trains what can be claimed of these runs, first those that have not failed; returns the ids
    of what was taken."""
    held, failed = job.held(), job.strikes.runs()
    free = [run for run in missing if run.id not in held]
    if not free and job.claims and job.claims.inherit():
        held = job.held()
        free = [run for run in missing if run.id not in held]
    sound = [run for run in free if run.id not in failed]
    waits = [(pack, Queue(pack.runs, job.open, job.held)) for pack in packs(sound or free, again)]
    if held and job.claims:
        for _, queue in waits:
            queue.begin_at(job.claims.worker.share)
    return _trained(waits, job)


def _trained(waits: Sequence[tuple[Pack, Queue[PlannedRun]]], job: ExecutionContext) -> set[str]:
    """Trains what can be claimed of these packs; returns the runs' ids. Raises what ended a pack
    beside its failing."""
    trained: set[str] = set()
    others = threading.Event()
    job.others = others
    with concurrent.futures.ThreadPoolExecutor(
        1 if job.execution.replicas > 1 else job.abreast
    ) as pool:

        def one(
            pack: Pack, queue: Queue[PlannedRun], lanes: int
        ) -> list[concurrent.futures.Future]:
            """Trains as many runs of a program as its way takes at once; the others follow in the
            queue."""
            runs = queue.next(1) if not job.stopping() else []
            if not runs:
                return []
            try:
                with job.under_way(run.id for run in (*runs, *queue.waiting())):
                    chosen = stored_strategy.strategy_for(pack, job, lanes)
            except Exception as error:
                if ends_all(error):
                    raise
                # The program itself does not run.
                trained.update(trainer.fail(pack, job))
                return []
            runs += queue.next(chosen.width * chosen.devices - 1)
            follow = [pool.submit(one, pack, queue, lanes)]
            trained.update(trainer.train(dataclasses.replace(pack, runs=tuple(runs)), job, chosen))
            return follow

        for pack, _ in waits:
            trained.update(trainer.condemn(pack, job))
        waiting = {pool.submit(one, pack, queue, job.lanes(pack)) for pack, queue in waits}
        try:
            while waiting:
                done, waiting = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED
                )
                waiting |= set(itertools.chain.from_iterable(future.result() for future in done))
        except BaseException:
            others.set()
            for future in waiting:
                future.cancel()
            raise
    return trained


def _wait(missing: Sequence[PlannedRun], job: ExecutionContext) -> None:
    """Waits a while for other processes, which hold all of these runs."""
    claims = job.claims
    assert claims is not None
    holders = claims.others(run.id for run in missing)
    if holders and not job.waited:
        who = ", ".join(sorted(set(holders.values())))
        job.report.warn(
            f"waiting for {len(holders)} run{'s' * (len(holders) != 1)} of other processes: {who}"
        )
        job.waited = True
    until = time.monotonic() + LOOK
    while time.monotonic() < until and not job.stopping():
        time.sleep(NOTICE)
