"""The Slurm executor: has a sweep trained by tasks on a cluster, and waits for their records.

It can end at any moment and begin again: what the sweep wants, and which jobs train it, is in the
sweep's folder, and the tasks find there what to do.
"""

import contextlib
import dataclasses
import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from research import config as config_lib
from research.errors import Stopped, UserError
from research.sweeps.coordinate import pack_progress
from research.sweeps.coordinate.failures import Failures
from research.sweeps.execute.ensure_records import Work
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.plan.run_plan import Pack, PlannedRun, packs
from research.sweeps.records import source_version
from research.sweeps.records.provenance import commit_of
from research.sweeps.records.store import Store
from research.sweeps.slurm import cluster, failure, submission
from research.sweeps.slurm.cluster import Refused, SlurmTask
from research.sweeps.slurm.folder import Folder, Submitted, Wanted, place_of
from research.sweeps.slurm.resources import Resources
from research.training.checkpoint.checkpoints import Checkpoints, steps
from research.training.devices import strategy_choice

# Tasks of a sweep at most: each takes what is left, so more would only wait in the queue longer.
MOST_TASKS = 256
# Seconds between looks for records, between questions to Slurm, and of a wait in which a stop is
# noticed.
LOOK, ASK, NOTICE = 2.0, 5.0, 0.2
# Seconds that the last tasks may take to end once all records are there.
LAST = 30.0


@dataclasses.dataclass(frozen=True)
class Slurm:
    """An executor, as `ensure_records` takes them.

    name: of the sweep's folder. command: the command line of a task, from the snapshot that it runs
        that folder, and what runs keep.
    plugins: files of the user's that belong to the code. cancel: how the user cancels what goes on
        without this process; without: by Slurm's own command.
    """

    name: str
    resources: Resources
    command: Callable[[Path, Folder, Execution], Sequence[str]]
    plugins: Sequence[Path] = ()
    cancel: str = ""

    def __call__(self, work: Work, observer: Observer) -> None:
        """Ensures that every missing run has its record. Raises Stopped when asked to stop; the
        jobs go on."""
        sweep = _Sweep(self, work, observer)
        sweep.begin()
        while sweep.left:
            sweep.wait()
        sweep.end()

    def folder(self, store: Store) -> Folder:
        """The folder of the sweep."""
        return Folder(place_of(store.root, self.name))


def cancel(folder: Folder) -> list[str]:
    """Cancels what is queued or runs of a sweep, and tells who waits for it; returns the jobs.

    Raises Refused where Slurm does not answer.
    """
    # Before the jobs end: a process that waits for them must not submit them again.
    folder.cancel()
    try:
        live = sorted(
            {task.job for task in cluster.tasks(job.id for job in folder.jobs())}, key=int
        )
        cluster.cancel(live)
    except Refused:
        folder.begin()
        raise
    return live


def pieces(missing: Sequence[PlannedRun], store: Store, resources: Resources) -> list[int]:
    """The number of tasks that each program's runs can keep busy.

    Args:
        missing: the runs without a record.
        store: has the programs' stored strategies.
        resources: what a task asks for.

    Returns:
        One number per program: its runs divided by the lanes that a task trains together.
    """
    return [math.ceil(len(pack.runs) / _lanes(pack, store, resources)) for pack in packs(missing)]


def _lanes(pack: Pack, store: Store, resources: Resources) -> int:
    """Lanes of the program that a task trains together: by its stored way, else by the one that is
    likely."""
    for path in sorted((store.root / "ways").glob(f"{pack.program.id}.*.many.json")):
        stored = store.read_json("ways", path.stem)
        if stored is not None:
            return int(stored["way"]["width"] * stored["way"]["devices"])
    if resources.gpus_per_node:
        return min(len(pack.runs), strategy_choice.MAX_LANES)
    return next(strategy_choice.candidates(pack.program, pack.runs[0].config, len(pack.runs))).width


class _Sweep:
    """A sweep under way on the cluster. left: the runs without a record yet, by id."""

    def __init__(self, slurm: Slurm, work: Work, observer: Observer) -> None:
        self.left = {run.id: run for run in work.missing}
        self._slurm, self._work, self._observer = slurm, work, observer
        self._folder = slurm.folder(work.store)
        # As it is now: what is submitted later, in the place of what ended, is trained by the same
        # code.
        self._code = source_version.snapshot(
            self._folder.code, slurm.plugins, commit_of(source_version.ROOT)
        )
        self._version = source_version.version(self._code)
        self._asks = repr(dataclasses.replace(slurm.resources, max_parallel=None))
        self._jobs: list[str] = []  # of this process's last submission
        self._mark: object = None
        self._asked = -math.inf
        self._live: list[SlurmTask] = []
        # Epochs reported so far, by id of the runs that are left.
        self._epochs: dict[str, float] = {}
        self._looked = False

    def begin(self) -> None:
        """Says what is wanted; cancels queued tasks that are not needed for it, and submits those
        that are."""
        runs = {run.id: config_lib.non_default(run.config) for run in self._work.wanted}
        # Before any task is submitted: a task reads there what to train.
        self._folder.want(Wanted(self._version, runs))
        self._folder.begin()
        self._folder.token()
        live = self._ask()
        live = self._without_surplus(live)
        missing = self._needed() - len(live)
        if live:
            tasks = f"{len(live)} task{'s are' if len(live) > 1 else ' is'}"
            self._observer.warn(
                f"{tasks} queued or running already: jobs {_names(task.job for task in live)}"
            )
        if missing > 0:
            self._submit(missing, warm=not live)

    def wait(self) -> None:
        """Waits a while; takes note of new records, and submits again what ended before its
        time."""
        # Looking costs a file operation per run that is left, so large sweeps look less often.
        until = time.monotonic() + LOOK + len(self.left) / 2000
        while time.monotonic() < until:
            # The jobs need no process that waits for them, so they go on.
            if reason := self._observer.stopping():
                raise Stopped(f"{reason}, but {self._going_on()}")
            time.sleep(NOTICE)
        asked = time.monotonic() - self._asked >= ASK
        live = self._ask() if asked else []
        # After Slurm was asked: what ended before has its records by now.
        self._collect()
        if self.left and asked and not live:
            self._again()

    def end(self) -> None:
        """Cancels what waits for nothing, and removes what no task needs any more."""
        until = time.monotonic() + LAST
        live = self._ask()
        # A queued job then finds nothing to do.
        with contextlib.suppress(Refused):
            cluster.cancel(task.id for task in live if task.state == "PENDING")
        while live and time.monotonic() < until:
            time.sleep(NOTICE * 5)
            live = self._ask()
        used = {job.snapshot for job in self._folder.jobs()}
        for snapshot in self._folder.code.glob("*"):
            if snapshot.name not in used:
                shutil.rmtree(snapshot, ignore_errors=True)

    def _without_surplus(self, live: list[SlurmTask]) -> list[SlurmTask]:
        """Cancels queued tasks of other code or resources, and those beyond what is needed; returns
        the others."""
        jobs = self._folder.jobs()
        other = {job.id for job in jobs if job.version != self._version}
        asked = {job.id for job in jobs if job.asks not in ("", self._asks)} - other
        pending = [task for task in live if task.state == "PENDING"]
        stale = [task for task in pending if task.job in other | asked]
        more = [task for task in pending if task not in stale]
        surplus = max(
            sum(task.job not in other for task in live if task not in stale) - self._needed(), 0
        )
        if keeping := [task for task in live if task.job in asked and task not in stale]:
            self._observer.warn(
                f"{len(keeping)} running task{'s keep' if len(keeping) > 1 else ' keeps'}"
                " their earlier --slurm flags"
            )
        cancelled = stale + (more[-surplus:] if surplus else [])
        if cancelled:
            queued = f"{len(cancelled)} queued task{'s are' if len(cancelled) > 1 else ' is'}"
            self._observer.warn(f"{queued} no longer needed and cancelled")
            cluster.cancel(task.id for task in cancelled)
        return [task for task in live if task not in cancelled and task.job not in other]

    def _needed(self) -> int:
        """How many tasks have something to do."""
        if self._slurm.resources.nodes > 1:
            # Several processes train each run together and claim nothing.
            return 1
        parts = sum(pieces(list(self.left.values()), self._work.store, self._slurm.resources))
        return min(parts, self._slurm.resources.max_parallel or parts, MOST_TASKS)

    def _submit(self, tasks: int, warm: bool) -> None:
        """Submits tasks. warm: where several compile the same program, the others wait until the
        first has."""
        folder, resources = self._folder, self._slurm.resources
        folder.logs.mkdir(parents=True, exist_ok=True)
        command = self._slurm.command(self._code, folder, self._work.execution)
        shared = (
            warm
            and tasks > 1
            and max(pieces(list(self.left.values()), self._work.store, resources)) > 1
        )
        self._jobs, after = [], ""
        for count in (1, tasks - 1) if shared else (tasks,):
            name = self._slurm.name.rpartition("/")[2]
            for job, size in submission.submit(command, count, resources, folder.logs, name, after):
                # Noted at once: a process that takes over must not submit the same tasks again.
                folder.add(Submitted(job, size, self._code.name, self._version, after, self._asks))
                self._jobs.append(job)
                self._live += [SlurmTask(f"{job}_{index}", "PENDING") for index in range(size)]
            after = self._jobs[0]
        self._mark = self._progress()
        self._observer.warn(
            f"{tasks} task{'s' * (tasks > 1)} submitted to Slurm: jobs {_names(self._jobs)}"
        )

    def _again(self) -> None:
        """All tasks are over, and runs are left: submits again, unless the last time changed
        nothing."""
        for run_id in self.left:
            # Nodes have written since: what this client has cached may be too old to decide by.
            self._work.store.look_again(run_id)
        self._collect()
        if not self.left:
            return
        if self._folder.cancelled():
            raise Stopped("--cancel, which ended its jobs")
        # A submission that changed nothing would be repeated without end.
        if self._mark == self._progress():
            raise UserError(failure.explained(self._folder, self._jobs, len(self.left)))
        self._submit(self._needed(), warm=False)

    def _progress(self) -> object:
        """What is different whenever anything was done: the runs that are left, and their
        checkpoints and failures."""
        work = self._work
        root = Path(work.execution.checkpoints or work.store.root / "checkpoints")
        saved = [
            (folder.name, max(steps(folder), default=0)) for folder, _ in Checkpoints(root).packs()
        ]
        return sorted(self.left), sorted(saved), sorted(Failures(work.store.root).runs())

    def _ask(self) -> list[SlurmTask]:
        """The sweep's tasks that are not over. Where Slurm does not answer they are taken to be as
        they were."""
        self._asked = time.monotonic()
        jobs = self._folder.jobs()
        try:
            self._live = cluster.tasks(job.id for job in jobs)
            for task in self._live:
                if task.reason == cluster.HELD:
                    cluster.unhold(task.id)
        except Refused as error:
            self._observer.warn(f"Slurm does not answer: {error}")
            return self._live
        for job in jobs:
            if job.id not in {task.job for task in self._live}:
                self._folder.forget(job.id)
        states = Counter(task.state.lower() for task in self._live)
        counts = [f"{count} {state}" for state, count in sorted(states.items())]
        self._observer.state(", ".join(counts))
        return self._live

    def _collect(self) -> None:
        """Takes note of the records that are there now."""
        store, execution = self._work.store, self._work.execution
        strikes = Failures(store.root)
        for run_id in [run_id for run_id in self.left if store.path(run_id).exists()]:
            record = store.find([run_id])[0].get(run_id)
            if record is None:
                continue
            if execution.lacks(store, record) and not strikes.final(run_id):
                continue
            self._observer.record(record)
            epochs = self.left.pop(run_id).config.epochs
            self._observer.epochs(epochs - Fraction(self._epochs.pop(run_id, 0.0)))
        self._follow()

    def _follow(self) -> None:
        """Tells how far the runs under way are; what they had at the first look was done before."""
        advanced = Fraction(0)
        for pack in pack_progress.read(self._work.store.root):
            for run_id in self.left.keys() & set(pack.runs):
                # The bar never goes back where a run starts again.
                further = max(pack.epoch - self._epochs.get(run_id, 0.0), 0.0)
                self._epochs[run_id] = self._epochs.get(run_id, 0.0) + further
                advanced += Fraction(further)
        (self._observer.epochs if self._looked else self._observer.resumed)(advanced)
        self._looked = True

    def _going_on(self) -> str:
        jobs = sorted({task.job for task in self._ask()}, key=int)
        if not jobs:
            return "nothing is queued"
        cancel = self._slurm.cancel or " ".join(["scancel", *jobs])
        return f"jobs {_names(jobs)} go on in Slurm ({cancel} ends them)"


def _names(jobs: Iterable[str]) -> str:
    return ", ".join(sorted(set(jobs), key=int))
