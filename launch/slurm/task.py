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
# The signals that announce the end of a job's time or of its node. Sites differ in which they send,
# so all of them mean the same here.
SIGNALS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)
# Seconds between looks at the clock, the parent and the child: short beside the notice that Slurm
# gives (30 s by default), and too rare to cost CPU time.
LOOK = 0.2
# prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


class WorkerSupervisor:
    """This task of the array; where several nodes train together, its process on one of them."""

    def __init__(self, folder: Folder, worker: list[str]) -> None:
        self._folder = folder
        self._worker = worker
        self._id = task_id(os.environ)
        self._process = os.environ.get("SLURM_PROCID", "0")
        # Kept, because an orphan is given another parent: a change is the only sign of its death.
        self._parent = os.getppid()
        self._reason = ""
        self._child: subprocess.Popen[bytes] | None = None
        for number in SIGNALS:
            signal.signal(number, lambda received, frame: self._stop(signal.Signals(received).name))
        # After the handlers: squeue may take seconds, and a signal meanwhile must not be lost.
        self._ends = self._clock()

    def run(self) -> int:
        """Works until nothing is left to do here, or until it is to end; returns the exit code."""
        while not self._reason:
            code = self._work()
            # Only a worker that finished gives up its runs; those of a dead one are counted below.
            if code == 0 and self._process == "0":
                self._folder.drop(self._id)
            if self._reason or code == EXIT_STOPPED:
                break
            # 0: nothing is left. 1 and 2: an error that the log explains and no run caused, so
            # another worker would only repeat it.
            if 0 <= code <= 2:
                return code
            claimed_runs = self._folder.under_way(self._id)
            # subprocess returns -N for a process that signal N ended.
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            say(f"the worker died of {how} while {len(claimed_runs)} runs were under way")
            # It died before it trained anything. Nothing can be counted against a run, so a loop of
            # restarts would never end.
            if not claimed_runs:
                return EXIT_DIED
            self._strike(claimed_runs, how)
        self._back_to_the_queue()
        return EXIT_STOPPED

    def _work(self) -> int:
        """Runs a worker to its end and returns its exit code; forwards the request to stop."""
        # What a previous worker of this task left must not be counted against this one.
        if self._process == "0":
            self._folder.drop(self._id)
        # -P keeps the working directory off sys.path: the snapshot's code must be imported, not a
        # newer checkout that the job happens to start in.
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "launch.slurm.work", *self._worker], preexec_fn=bind
        )
        while self._child.poll() is None:
            # Where slurmstepd is killed no signal arrives, and Slurm may start the task elsewhere.
            if not self._reason and os.getppid() != self._parent:
                self._stop("the end of Slurm's own process beside it")
            if not self._reason and self._ends is not None and time.monotonic() > self._ends:
                self._stop("its time limit, which is near")
            time.sleep(LOOK)
        return self._child.returncode

    def _stop(self, reason: str) -> None:
        """Asks the worker to save and end; once is enough."""
        # One SIGTERM is enough; where the worker does not train, another would interrupt its exit.
        if self._reason:
            return
        self._reason = reason
        say(f"stopping because of {reason}")
        if self._child is not None:
            self._child.terminate()

    def _strike(self, claimed_runs: list[str], how: str) -> None:
        """Counts the worker's death against the runs that it was training."""
        # Where several processes train a run together all die at once; it is one failure.
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
        # A task that somebody cancelled is COMPLETING by now, not RUNNING: requeueing it would undo
        # the cancellation.
        try:
            states = [task.get("JobState", "") for task in cluster.described(self._id)]
            if states == ["RUNNING"]:
                cluster.requeue(self._id)
            say(f"Slurm had this task as {' '.join(states) or 'unknown'}")
        except Refused as error:
            say(f"cannot go back into the queue: {error}")

    def _clock(self) -> float | None:
        """When to stop on its own (monotonic seconds); None where the time limit is unknown.

        Some sites send no signal ahead of the time limit.
        """
        try:
            left = cluster.seconds_left(self._id)
        except Refused as error:
            say(f"its time limit is not known: {error}")
            return None
        if left is None:
            return None
        # Half of a short limit: with AHEAD alone such a task would stop before it trained.
        return time.monotonic() + max(left - AHEAD, left / 2)


def task_id(environment: "os._Environ[str]") -> str:
    """The task as Slurm's commands take it: ARRAY_INDEX, or the job id outside an array."""
    # Not SLURM_JOB_ID: for one task of the array it equals the array's id, and a requeue by that id
    # would hit every task.
    array = environment.get("SLURM_ARRAY_JOB_ID")
    index = environment.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{index}" if array and index else environment["SLURM_JOB_ID"]


def bind() -> None:
    """Runs in the child before the worker starts: ties its life to this process."""
    # Without this a killed supervisor would leave a worker that nobody stops or counts.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # By default these would kill it before it could save; the supervisor sends it SIGTERM instead.
    for number in set(SIGNALS) - {signal.SIGTERM, signal.SIGINT}:
        signal.signal(number, signal.SIG_IGN)
    # Slurm signals the whole process group: without a group of its own the worker would get SIGTERM
    # twice, from Slurm and from its supervisor.
    os.setpgrp()


def say(message: str) -> None:
    """Prints a line with the time, at once: the log is read while the task runs."""
    print(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {message}", flush=True)


def main(arguments: list[str]) -> int:
    """Keeps a worker alive until the sweep is done or the task must stop; returns its exit code."""
    place, token, *worker = arguments
    folder = Folder(Path(place))
    # A node may mount another directory at the same path; only the token tells them apart.
    if not folder.sees(token):
        say(
            f"this node does not see the folder {folder.path} of the sweep; put it in a directory"
            " that all nodes share"
        )
        return failure.EXIT_UNSEEN
    supervisor = WorkerSupervisor(folder, worker)
    say(f"task {task_id(os.environ)} on {os.uname().nodename}")
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
