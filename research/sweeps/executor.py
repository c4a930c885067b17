"""The local executor: packs from a queue, a few at a time, each ending in records."""

import concurrent.futures
import dataclasses
import functools
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from research import config as config_lib
from research.data.spec import Arrays
from research.errors import Stopped, UserError
from research.sweeps.execution import DEFAULT, Execution
from research.sweeps.keeper import Keeper
from research.sweeps.parameters import Parameters
from research.sweeps.plan import Pack, Run
from research.sweeps.provenance import device_kind, provenance
from research.sweeps.record import Record
from research.sweeps.store import Store
from research.training import checkpoints as checkpoints_lib
from research.training import loop, ways
from research.training.checkpoints import Checkpoints, Found, Writer
from research.training.inputs import abstract_state, footprint
from research.training.lanes import Way
from research.training.transfer import Origin

# Packs under way at once: while one is compiled on one core, another trains.
WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Report:
    """What the executor tells, and asks, of whoever watches.

    epochs: so many lane-epochs were just done. record: this record was written. warn: something to know. stopping:
    why to stop, or "".
    """

    epochs: Callable[[int], None] = lambda count: None
    record: Callable[[Record], None] = lambda record: None
    warn: Callable[[str], None] = lambda message: None
    stopping: Callable[[], str] = lambda: ""


@dataclasses.dataclass(frozen=True)
class _Job:
    """What every pack of one execution shares. others: set when another pack ended them all."""

    store: Store
    arrays_of: Callable[[Run], Arrays]
    report: Report
    execution: Execution
    timer: ways.Timer
    origin_of: Callable[[Run], Origin | None]
    checkpoints: Checkpoints
    others: threading.Event

    def stopping(self) -> str:
        return self.report.stopping() or ("another pack stopped" if self.others.is_set() else "")


def execute(
    packs: Sequence[Pack],
    store: Store,
    arrays_of: Callable[[Run], Arrays],
    report: Report,
    totals: dict[str, int] | None = None,
    timer: ways.Timer = ways.time_way,
    execution: Execution = DEFAULT,
    origin_of: Callable[[Run], Origin | None] = lambda run: None,
) -> None:
    """Trains every run of the packs and writes its record. totals: lanes of a program in the whole sweep, by id.

    origin_of: where a run starts from, if it has `init_from`.

    A pack goes on from its checkpoint where there is one. A pack that fails leaves `failed` records and the others go
    on. Raises Stopped, after saving what is under way, when the report says so.
    """
    checkpoints = Checkpoints(Path(execution.checkpoints or store.root / "checkpoints"), report.warn)
    checkpoints.prepare()
    job = _Job(store, arrays_of, report, execution, timer, origin_of, checkpoints, threading.Event())

    def one(pack: Pack) -> None:
        if not job.stopping():
            _train(pack, job, (totals or {}).get(pack.program.id, len(pack.runs)))

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(one, pack) for pack in packs]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
        except BaseException:
            job.others.set()
            for future in futures:
                future.cancel()
            raise
    if report.stopping():
        raise Stopped(report.stopping())
    checkpoints.settle(lambda run_id: store.path(run_id).exists())


def _train(pack: Pack, job: _Job, lanes: int) -> None:
    """Trains one pack and writes its records: first the runs that a checkpoint holds, from where it has them."""
    waiting = {run.id: run for run in pack.runs}
    template = functools.cache(lambda: abstract_state(pack.runs[0].config, pack.program))
    while waiting:
        found = job.checkpoints.find(list(waiting), pack.program.id, template, job.execution.keep_params)
        together = [waiting.pop(run_id) for run_id in (found.runs if found else list(waiting))]
        _train_together(dataclasses.replace(pack, runs=tuple(together)), job, lanes, found)


def _train_together(pack: Pack, job: _Job, lanes: int, found: Found | None) -> None:
    """Trains runs that are all at one step, and writes their records."""
    configs = [run.config for run in pack.runs]
    epochs = pack.program.config.epochs
    started = time.time()
    done = 0

    def to(epoch: int) -> None:
        nonlocal done
        job.report.epochs((epoch - done) * len(configs))
        done = epoch

    try:
        arrays = job.arrays_of(pack.runs[0])
        way = way_of(pack, job.store, lanes, lambda candidate: job.timer(pack.program, configs, arrays, candidate))
        if found is not None and found.device == device_kind():
            way = found.way
        while True:
            try:
                outcomes, seconds = _attempt(pack, arrays, way, job, found, to)
                break
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error) or way.width == 1:
                    raise
            # The state was given to the step that failed: back to the last checkpoint, with half the lanes a chunk.
            way = dataclasses.replace(way, width=(way.width + 1) // 2)
            job.report.warn(f"out of memory: {len(configs)} runs go on with {way.width} lanes a chunk")
            store_way(pack, job.store, lanes, way, {})
            template = functools.partial(abstract_state, configs[0], pack.program)
            ids = [run.id for run in pack.runs]
            found = job.checkpoints.find(ids, pack.program.id, template, job.execution.keep_params)
    except (UserError, Stopped):
        raise
    except Exception:
        for run in pack.runs:
            failed = Record(run.id, "failed", config_lib.flat(run.config), error=traceback.format_exc())
            job.store.write(failed)
            job.report.record(failed)
        to(epochs)
        return
    to(epochs)
    origin = provenance(way, len(configs), seconds, started)
    parameters, _ = footprint(configs[0], pack.program)
    for run, outcome in zip(pack.runs, outcomes, strict=True):
        record = _record(run, outcome, parameters, origin)
        if outcome.kept is not None:  # before the record: what has one has both
            Parameters(job.store).save(run.id, record.config, outcome.kept)
        job.store.write(record)
        job.report.record(record)
    job.checkpoints.discard(_saved(pack, way, job))


def _saved(pack: Pack, way: Way, job: _Job) -> checkpoints_lib.Pack:
    """The pack as its checkpoints name it."""
    configs = {run.id: config_lib.flat(run.config) for run in pack.runs}
    execution = job.execution
    return checkpoints_lib.Pack(pack.program.id, device_kind(), way, configs, execution.keep, execution.keep_params)


def _attempt(
    pack: Pack, arrays: Arrays, way: Way, job: _Job, found: Found | None, to: Callable[[int], None]
) -> tuple[list[loop.Outcome], float]:
    """The outcomes of the pack's runs, in order, and the seconds that they took since their first step."""
    began, resume = time.monotonic(), found.of([run.id for run in pack.runs]) if found else None
    before = resume.seconds if resume else 0.0
    with Writer(job.checkpoints, _saved(pack, way, job)) as writer:
        keeper = Keeper(
            pack.program,
            writer,
            job.execution.every,
            job.stopping,
            job.report.warn,
            step=resume.step if resume else 0,
            seconds=before,
        )
        if resume:
            to(resume.step // pack.program.sizes.steps_per_epoch)
        outcomes = loop.train(
            pack.program,
            [run.config for run in pack.runs],
            arrays,
            way,
            lambda progress: to(progress.epoch),
            keeper,
            resume,
            origins=[job.origin_of(run) for run in pack.runs],
            keep=job.execution.keep_params,
        )
    return outcomes, before + time.monotonic() - began


def _record(run: Run, outcome: loop.Outcome, parameters: int, origin: dict[str, Any]) -> Record:
    return Record(
        run_id=run.id,
        status="finished" if outcome.diverged_at is None else "diverged",
        config=config_lib.flat(run.config),
        metrics=outcome.metrics,
        curves=outcome.curves,
        checksums=outcome.checksums,
        parameters=parameters,
        steps=outcome.steps,
        diverged_at=outcome.diverged_at,
        provenance=origin,
    )


def way_of(pack: Pack, store: Store, lanes: int, time_way: Callable[[Way], float]) -> Way:
    """The pack's own way, or its program's on this kind of device: stored, else chosen and stored before a step."""
    if pack.way is not None:
        return pack.way
    stored = store.read_json("ways", way_name(pack, lanes))
    if stored is not None:
        return Way(**stored["way"])
    way, timings = ways.choose(pack.program, pack.runs[0].config, lanes, time_way)
    store_way(pack, store, lanes, way, timings)
    return way


def store_way(pack: Pack, store: Store, lanes: int, way: Way, timings: dict[str, float]) -> None:
    """Keeps the program's way on this kind of device."""
    value = {"way": dataclasses.asdict(way), "seconds_per_lane_step": timings}
    store.write_json("ways", way_name(pack, lanes), value)


def way_name(pack: Pack, lanes: int) -> str:
    """A run alone and a sweep's lanes have a way each, so that one run's does not slow a later sweep.

    Whether it is a sweep goes by all its lanes, done ones included, so that a resumed sweep keeps its way.
    """
    return f"{pack.program.id}.{device_kind()}.{'one' if lanes == 1 else 'many'}"
