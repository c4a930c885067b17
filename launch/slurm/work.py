"""The worker of a task: trains what it can claim of the sweep that a folder describes, and ends."""

import contextlib
import dataclasses
import functools
import math
import os
import time
from pathlib import Path

import jax

from launch.cli import start
from launch.cli.execution_flags import execution
from launch.cli.planner import planner
from launch.cli.records import store
from launch.slurm.task import say, task_id
from research import config as config_lib
from research.errors import UserError
from research.sweeps.execute.ensure_records import ensure_records, train_locally
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records import source_version
from research.sweeps.slurm import cluster
from research.sweeps.slurm.cluster import Refused
from research.sweeps.slurm.folder import Folder, Wanted

# Seconds between looks for jobs that wait for this task: each look lists a shared folder.
LOOK = 5.0
FOLDER = start.define_name("folder", None, "the folder of the sweep, in the records directory")


class Log(Terminal):
    """The log of a task. Notes which runs are under way, and releases the jobs that wait for this
    task."""

    def __init__(self, folder: Folder, task: str) -> None:
        # again=False: sites may send several signals, and the first already stops the worker.
        super().__init__(
            stopping="stopping at the next step, to save what is under way", again=False
        )
        self._folder = folder
        self._task = task
        self._looked = -math.inf
        self._released: set[str] = set()

    def holds(self, run_ids: frozenset[str]) -> None:
        """Notes which runs this task has under way."""
        # One file per task: processes that train a run together hold the same runs.
        if jax.process_index() == 0:
            self._folder.hold(self._task, run_ids)

    def stepped(self) -> None:
        """Releases the jobs that wait in the queue for the first step of this task."""
        # The step is compiled now, so they read it from the cache instead of compiling it again. A
        # job may be submitted after the first step, so this looks for them repeatedly.
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        for job in self._folder.jobs():
            if job.after == self._task.partition("_")[0] and job.id not in self._released:
                # If Slurm does not answer, they still begin once this task is over.
                with contextlib.suppress(Refused):
                    cluster.release(job.id)
                    self._released.add(job.id)


def main() -> None:
    """Trains the runs that the folder wants, until none is left."""
    folder = Folder(Path(FOLDER.value))
    records = store()
    plans = planner()
    how = dataclasses.replace(execution(), assisting=True)
    monitor, version = Log(folder, task_id(os.environ)), source_version.version()

    def still_wanted(run_id: str) -> bool:
        # The sweep may be asked for with other flags or other code while this task trains.
        wanted = folder.wanted()
        return wanted.code == version and run_id in wanted.runs

    trained = None
    while (wanted := folder.wanted()) is not trained and wanted.code == version:
        runs = planned(wanted, plans)
        # One pack at a time: there are as many tasks as packs, and a worker's death then counts
        # against few runs. Without waiting: the allocation would idle for the runs of other tasks.
        executor = functools.partial(
            train_locally, still_wanted=still_wanted, wait=False, abreast=1
        )
        ensure_records(runs, records, plans, monitor, execution=how, executor=executor)
        trained = wanted
    if wanted.code != version:
        say("the sweep now requires other code than this task runs")


def planned(wanted: Wanted, plans: Planner) -> list[PlannedRun]:
    """The runs of a sweep.

    Raises:
        UserError: if their ids differ from those on the machine that submitted the sweep.
    """
    # Ids are digests of settings, data and versions: equal ids are what makes records from many
    # nodes comparable.
    runs = [plans.run(config_lib.resolve(settings)[0]) for settings in wanted.runs.values()]
    for run_id, run in zip(wanted.runs, runs, strict=True):
        if run.id != run_id:
            raise UserError(
                f"run {run_id} is {run.id} on {os.uname().nodename}: the data"
                f" ({run.config.dataset.name}) or the versions of the code are not those of the"
                " machine that submitted it"
            )
    return runs


if __name__ == "__main__":
    start.run(main)
