"""A task of a sweep on a cluster: python -m launch.slurm.task FOLDER TOKEN --flags of the worker

It takes the signals, and starts again what dies. It is small and without JAX, so that it outlives
what its child, the worker (launch/slurm/work.py), dies of: then it counts that against the runs
that were under way. Asked to end, it lets the worker save what is under way, and puts itself back
into the queue.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from research.signals import EXIT_STOPPED
from research.sweeps.coordinate.failures import Failures
from research.sweeps.slurm import cluster, failure
from research.sweeps.slurm.cluster import Refused
from research.sweeps.slurm.folder import Folder
from research.sweeps.slurm.submission import AHEAD

EXIT_DIED = 70  # sysexits.h: an internal error
# With what sites announce the end of a job's time, or of its node.
SIGNALS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)
# Seconds between looks at the clock, the parent and the child.
LOOK = 0.2
# Of prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


class WorkerSupervisor:
    """This task of the array; where several nodes train together, its process on one of them."""

    def __init__(self, folder: Folder, worker: list[str]) -> None:
        self._folder, self._worker = folder, worker
        self._id = task_id(os.environ)
        self._process = os.environ.get("SLURM_PROCID", "0")
        self._parent = os.getppid()
        self._reason = ""
        self._child: subprocess.Popen[bytes] | None = None
        for number in SIGNALS:
            signal.signal(number, lambda received, frame: self._stop(signal.Signals(received).name))
        self._ends = self._clock()

    def run(self) -> int:
        """Works until nothing is left to do here, or until it is to end; returns the exit code."""
        while not self._reason:
            code = self._work()
            if code == 0 and self._process == "0":
                self._folder.drop(self._id)
            if self._reason or code == EXIT_STOPPED:
                break
            if (
                0 <= code <= 2
            ):  # nothing is left; or what is wrong is said in the log, and is no run's fault
                return code
            claimed_runs = self._folder.under_way(self._id)
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            say(f"the worker died of {how} while {len(claimed_runs)} runs were under way")
            if not claimed_runs:
                return EXIT_DIED
            self._strike(claimed_runs, how)
        self._back_to_the_queue()
        return EXIT_STOPPED

    def _work(self) -> int:
        """Runs a worker to its end and returns its exit code; passes on to it that it is to end."""
        if self._process == "0":
            self._folder.drop(self._id)
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "launch.slurm.work", *self._worker], preexec_fn=bind
        )
        while self._child.poll() is None:
            if not self._reason and os.getppid() != self._parent:
                self._stop("the end of Slurm's own process beside it")
            if not self._reason and self._ends is not None and time.monotonic() > self._ends:
                self._stop("its time limit, which is near")
            time.sleep(LOOK)
        return self._child.returncode

    def _stop(self, reason: str) -> None:
        """Asks the worker to save and end; once is enough."""
        if self._reason:
            return
        self._reason = reason
        say(f"stopping because of {reason}")
        if self._child is not None:
            self._child.terminate()

    def _strike(self, claimed_runs: list[str], how: str) -> None:
        """Counts the worker's death against the runs that were under way in it; the first of
        several processes does."""
        if self._process != "0":
            return
        log = self._folder.log(self._id)
        error = (
            f"the process that trained it died of {how}; its log {log} ends"
            f" with:\n{failure.tail(log)}"
        )
        Failures(self._folder.records).add(claimed_runs, error)

    def _back_to_the_queue(self) -> None:
        """Requeues this task, unless Slurm is ending it already: cancelled by somebody, or requeued
        by itself."""
        if self._process != "0":
            return
        try:
            states = [task.get("JobState", "") for task in cluster.described(self._id)]
            if states == ["RUNNING"]:
                cluster.requeue(self._id)
            say(f"Slurm had this task as {' '.join(states) or 'unknown'}")
        except Refused as error:
            say(f"cannot go back into the queue: {error}")

    def _clock(self) -> float | None:
        """When to end by itself, for sites that send no signal, or another one, ahead of the time
        limit."""
        try:
            left = cluster.seconds_left(self._id)
        except Refused as error:
            say(f"its time limit is not known: {error}")
            return None
        return None if left is None else time.monotonic() + max(left - AHEAD, left / 2)


def task_id(environment: "os._Environ[str]") -> str:
    """The task as Slurm's commands take it: its own job id would be the whole array's, for one of
    the tasks."""
    array, place = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{place}" if array and place else environment["SLURM_JOB_ID"]


def bind() -> None:
    """In the child before it begins: it dies with its parent, and leaves the signals of sites to
    it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in set(SIGNALS) - {signal.SIGTERM, signal.SIGINT}:
        signal.signal(number, signal.SIG_IGN)
    os.setpgrp()  # else Slurm's SIGTERM would reach it twice


def say(message: str) -> None:
    print(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {message}", flush=True)


def main(arguments: list[str]) -> int:
    place, token, *worker = arguments
    folder = Folder(Path(place))
    if not folder.sees(token):
        say(
            f"this node sees no {folder.path}, or another one; it must be in a directory that all"
            " nodes share"
        )
        return failure.EXIT_UNSEEN
    supervisor = WorkerSupervisor(folder, worker)
    say(f"task {task_id(os.environ)} on {os.uname().nodename}")
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
