"""The trainer: one pack, from its claims and its checkpoint to its records."""

import dataclasses
import functools
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import jax
from jax.experimental import multihost_utils

from research import config as config_lib
from research.data.spec import Arrays
from research.errors import Stopped, UserError
from research.sweeps.claims import Claims
from research.sweeps.execution import Execution
from research.sweeps.keeper import Keeper
from research.sweeps.parameters import Parameters
from research.sweeps.plan import Pack, Run
from research.sweeps.provenance import described, device_kind, provenance
from research.sweeps.record import Record
from research.sweeps.roll import Lost
from research.sweeps.store import Store
from research.training import checkpoints as checkpoints_lib
from research.training import loop, ways
from research.training.checkpoints import Checkpoints, Found, Writer
from research.training.inputs import abstract_state, footprint
from research.training.kept import Kept
from research.training.lanes import Way
from research.training.transfer import Origin

# What XLA says of memory that is not there: on a GPU, and on a CPU.
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory")


@dataclasses.dataclass(frozen=True)
class Report:
    """What an executor tells, and asks, of whoever watches.

    epochs: so many lane-epochs were just done. record: this record was written. warn: something to know. stopping:
    why to stop, or "".
    """

    epochs: Callable[[int], None] = lambda count: None
    record: Callable[[Record], None] = lambda record: None
    warn: Callable[[str], None] = lambda message: None
    stopping: Callable[[], str] = lambda: ""


@dataclasses.dataclass
class Job:
    """What the packs of one execution share.

    origin_of: where a run starts from. claims: None where several processes train each run together, of which the first
    writes. others: set when one pack ended them all. waited: whether it was said that others are waited for.
    """

    store: Store
    arrays_of: Callable[[Run], Arrays]
    report: Report
    execution: Execution
    timer: ways.Timer
    checkpoints: Checkpoints
    totals: Mapping[str, int]
    origin_of: Callable[[Run], Origin | None] = lambda run: None
    claims: Claims | None = None
    others: threading.Event = dataclasses.field(default_factory=threading.Event)
    waited: bool = False

    def __post_init__(self) -> None:
        self._over: set[str] = set()
        self._boundaries = 0
        self._began = time.time_ns()

    def stopping(self) -> str:
        """Why to stop, or ""."""
        return self.report.stopping() or ("another pack's end" if self.others.is_set() else "")

    def agreed(self) -> str:
        """Why to stop at this boundary, or ""; the same in all processes that train together."""
        if jax.process_count() == 1:
            return self.stopping()
        self._boundaries += 1
        return "SIGTERM" if multihost_utils.reached_preemption_sync_point(self._boundaries) else ""

    def lanes(self, pack: Pack) -> int:
        """How many runs of the pack's program the whole sweep has."""
        return self.totals.get(pack.program.id, len(pack.runs))

    def done(self, run_id: str) -> bool:
        """Whether a run has its record. An earlier failure is none; one of this execution, whoever's, is."""
        if run_id not in self._over and self.store.path(run_id).exists():
            record = self.store.find([run_id])[0].get(run_id)
            if record is not None and (self._is_new(run_id) if record.status == "failed" else self._has_kept(run_id)):
                self._over.add(run_id)
        return run_id in self._over

    def _is_new(self, run_id: str) -> bool:
        return self.store.path(run_id).stat().st_mtime_ns >= self._began

    def _has_kept(self, run_id: str) -> bool:
        return not self.execution.keep_params or Parameters(self.store).has(run_id)

    def confirm(self, pack: Pack) -> None:
        """Raises Lost if another process has taken one of the runs."""
        if self.claims is not None:
            self.claims.confirm(run.id for run in pack.runs)

    def write(self, record: Record, kept: Kept | None = None) -> None:
        """Writes a record, in one process; what the run keeps comes before it, so that what has one has both."""
        if jax.process_index() == 0:
            if kept is not None:
                Parameters(self.store).save(record.run_id, record.config, kept)
            self.store.write(record)
        if jax.process_count() > 1:
            self._over.add(record.run_id)
        self.report.record(record)


def train(pack: Pack, job: Job, way: Way) -> list[str]:
    """Trains what can be claimed of a pack, writes the records and returns the ids.

    The runs that a checkpoint holds go on from there; the others begin.
    """
    ids = [run.id for run in pack.runs]
    mine = job.claims.take(ids, len(ids)) if job.claims else ids
    waiting = {run.id: run for run in pack.runs if run.id in set(mine)}
    template = functools.cache(lambda: abstract_state(pack.runs[0].config, pack.program))
    while waiting:
        found = job.checkpoints.find(list(waiting), pack.program.id, template, job.execution.keep_params)
        together = [waiting.pop(run_id) for run_id in (found.runs if found else list(waiting))]
        _train(dataclasses.replace(pack, runs=tuple(together)), job, way, found)
    if job.claims:
        job.claims.release(mine)
    return mine


def _train(pack: Pack, job: Job, way: Way, found: Found | None) -> None:
    """Trains runs that are all at one step, and writes their records."""
    lanes, epochs, started, told = len(pack.runs), pack.program.config.epochs, time.time(), 0

    def to(epoch: int) -> None:
        nonlocal told
        job.report.epochs((epoch - told) * lanes)
        told = epoch

    try:
        way, outcomes, seconds, earlier = _with_memory(pack, job, way, found, to)
    except (UserError, Stopped, Lost):
        raise
    except Exception:
        _fail(pack, job)
        to(epochs)
        return
    to(epochs)
    origin = provenance(way, lanes, seconds, started, earlier)
    parameters, _ = footprint(pack.runs[0].config, pack.program)
    job.confirm(pack)
    for run, outcome in zip(pack.runs, outcomes, strict=True):
        job.write(recorded(run, outcome, parameters, origin), outcome.kept)
    job.checkpoints.discard(_saved(pack, way, job))


def fail(pack: Pack, job: Job) -> list[str]:
    """Writes a `failed` record, of the exception being handled, for each run that can be claimed; returns the ids."""
    ids = [run.id for run in pack.runs]
    mine = job.claims.take(ids, len(ids)) if job.claims else ids
    _fail(dataclasses.replace(pack, runs=tuple(run for run in pack.runs if run.id in set(mine))), job)
    if job.claims:
        job.claims.release(mine)
    return mine


def _fail(pack: Pack, job: Job) -> None:
    job.confirm(pack)
    for run in pack.runs:
        job.write(Record(run.id, "failed", config_lib.flat(run.config), error=traceback.format_exc()))


def _with_memory(
    pack: Pack, job: Job, way: Way, found: Found | None, to: Callable[[int], None]
) -> tuple[Way, list[loop.Outcome], float, tuple[str, ...]]:
    """The outcomes of the pack's runs, the way and seconds that they took, and how else steps before were trained.

    Out of memory, they go on with narrower chunks.
    """
    if found is not None and found.device == device_kind() and found.way.replicas == way.replicas == 1:
        way = found.way
    arrays = job.arrays_of(pack.runs[0])
    while True:
        earlier = _earlier(pack, job, way, found)
        try:
            outcomes, seconds = _attempt(pack, arrays, way, job, found, earlier, to)
        except jax.errors.JaxRuntimeError as error:
            if not out_of_memory(error) or way.width == 1:
                raise
        else:
            return way, outcomes, seconds, earlier
        # The state was given to the step that failed: back to the last checkpoint, with half the lanes a chunk.
        way = narrower(way)
        job.report.warn(f"out of memory: {len(pack.runs)} runs go on with {way.width} lanes a chunk")
        value = {"way": dataclasses.asdict(way), "seconds_per_lane_step": {}}
        job.store.write_json("ways", way_name(pack, job, job.lanes(pack)), value)
        template = functools.partial(abstract_state, pack.runs[0].config, pack.program)
        ids = [run.id for run in pack.runs]
        found = job.checkpoints.find(ids, pack.program.id, template, job.execution.keep_params)


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that a device has not enough memory."""
    return isinstance(error, jax.errors.JaxRuntimeError) and any(word in str(error) for word in _OUT_OF_MEMORY)


def narrower(way: Way) -> Way:
    """The way with half the lanes a chunk."""
    return dataclasses.replace(way, width=(way.width + 1) // 2)


def _earlier(pack: Pack, job: Job, way: Way, found: Found | None) -> tuple[str, ...]:
    """How else the steps before a checkpoint were trained than those after it will be; says so if they were."""
    if found is None:
        return ()
    before, now = (f"{described(of)} on {device}" for of, device in ((found.way, found.device), (way, device_kind())))
    if before == now:
        return found.snapshot.earlier
    job.report.warn(
        f"{len(pack.runs)} runs go on from step {found.snapshot.step}, up to which they were trained with {before}, "
        f"with {now}: their numbers are those of one training to rounding, not bit for bit"
    )
    return (*found.snapshot.earlier, before)


def _attempt(
    pack: Pack,
    arrays: Arrays,
    way: Way,
    job: Job,
    found: Found | None,
    earlier: tuple[str, ...],
    to: Callable[[int], None],
) -> tuple[list[loop.Outcome], float]:
    """The outcomes of the pack's runs, in order, and the seconds that they took since their first step."""
    began, resume = time.monotonic(), found.of([run.id for run in pack.runs]) if found else None
    before = resume.seconds if resume else 0.0
    with Writer(job.checkpoints, _saved(pack, way, job)) as writer:
        keeper = Keeper(
            program=pack.program,
            writer=writer,
            every=job.execution.every,
            stopping=job.agreed,
            warn=job.report.warn,
            confirm=functools.partial(job.confirm, pack),
            step=resume.step if resume else 0,
            seconds=before,
            earlier=earlier,
        )
        if resume:
            to(resume.step // pack.program.sizes.steps_per_epoch)
        outcomes = loop.train(
            pack.program,
            [run.config for run in pack.runs],
            arrays,
            way,
            report=lambda progress: to(progress.epoch),
            at_boundary=keeper,
            resume=resume,
            memory=job.execution.memory,
            origins=[job.origin_of(run) for run in pack.runs],
            keep=job.execution.keep_params,
        )
    return outcomes, before + time.monotonic() - began


def _saved(pack: Pack, way: Way, job: Job) -> checkpoints_lib.Pack:
    """The pack as its checkpoints name it."""
    configs = {run.id: config_lib.flat(run.config) for run in pack.runs}
    execution = job.execution
    return checkpoints_lib.Pack(pack.program.id, device_kind(), way, configs, execution.keep, execution.keep_params)


def recorded(run: Run, outcome: loop.Outcome, parameters: int, origin: dict[str, Any]) -> Record:
    """The record of a run that was trained. origin: its provenance."""
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


def way_of(pack: Pack, job: Job, lanes: int) -> Way:
    """The pack's own way, or its program's on this kind of device: the stored one, else chosen now and stored.

    lanes: how many runs of the program the whole sweep has.
    """
    if pack.way is not None:
        return pack.way
    name = way_name(pack, job, lanes)
    stored = job.store.read_json("ways", name)
    if stored is None:
        config, configs = pack.runs[0].config, [run.config for run in pack.runs]
        if job.execution.replicas > 1:
            chosen: tuple[Way, dict[str, float]] = ways.spread(pack.program, config, job.execution.replicas), {}
        else:
            arrays = job.arrays_of(pack.runs[0])
            chosen = ways.choose(pack.program, config, lanes, lambda one: job.timer(pack.program, configs, arrays, one))
        value = {"way": dataclasses.asdict(chosen[0]), "seconds_per_lane_step": chosen[1]}
        # Another process may have been first: its way is the program's.
        stored = job.store.keep_json("ways", name, value)
    return Way(**stored["way"])


def way_name(pack: Pack, job: Job, lanes: int) -> str:
    """A run alone, a sweep's lanes and a run over several devices have a way each, so that none slows another.

    Whether it is a sweep goes by all its lanes, done ones included, so that a resumed sweep keeps its way.
    """
    replicas = job.execution.replicas
    kind = f"{replicas}devices" if replicas > 1 else "one" if lanes == 1 else "many"
    return f"{pack.program.id}.{device_kind()}.{kind}"
