"""Slurm: a sweep whose jobs are cancelled, requeued and killed at random, against the same sweep
here, bit for bit."""

import contextlib
import csv
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
from absl import flags

from benchmarks.kill import Victim, prepare, results
from benchmarks.process import command, environment
from launch.cli.start import CACHE_DIR
from research.errors import UserError
from research.sweeps.slurm import cluster
from research.sweeps.slurm.cluster import Refused
from research.sweeps.slurm.folder import Folder, place_of
from research.training.devices.strategy import ExecutionStrategy

EVENTS = flags.DEFINE_integer("events", 20, "slurm: how many events", lower_bound=1)
EVENT_SEED = flags.DEFINE_integer("event_seed", 0, "slurm: of the events and their moments")

NAME = "disturbed"
# 60 runs in packs of four: three programs of five packs each.
SWEEP = Victim(
    "on Slurm",
    {
        "dataset": "digits",
        "epochs": "100",
        "batch_size": "64",
        "train_size": "320",
        "regularization": "dropout=0.3,ema=0.9",
    },
    "arch.hidden=16|24|32",
    ExecutionStrategy(4, 8),
    seeds=20,
)
KINDS = ("scancel", "scontrol requeue", "kill -9 slurmstepd")
# Seconds from one event to the next, at most; and without any chance of one, after which it is
# given up.
APART = 3.0
PATIENCE = 300.0


def measure() -> None:
    """Disturbs sweeps until there were enough events; counts what differs from a sweep trained
    here."""
    cluster.check()
    draw = random.Random(EVENT_SEED.value)
    counts: Counter[str] = Counter()
    # Under the cache directory, which the nodes must see in any case.
    Path(CACHE_DIR.value).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=Path(CACHE_DIR.value).absolute()) as folder:
        here = Path(folder) / "here"
        table = _finished(_start(here))
        expected = results(here)
        while sum(counts[kind] for kind in KINDS) < EVENTS.value:
            records = Path(folder) / f"slurm {counts['sweeps']}"
            process = _start(
                records,
                "--executor=slurm",
                "--slurm.cpus=1",
                "--slurm.max_parallel=2",
                f"--name={NAME}",
            )
            _disturb(process, records, counts, draw)
            same_table = _finished(process) == table
            recorded = results(records)
            counts["sweeps"] += 1
            counts["differ"] += sum(
                recorded.get(run_id) != result for run_id, result in expected.items()
            )
            counts["differ"] += len(set(recorded) - set(expected)) + (not same_table)
    columns = (*KINDS, "sweeps", "differ")
    print(f"| {' | '.join(columns)} |\n| {' | '.join('---:' for _ in columns)} |")
    print(f"| {' | '.join(str(counts[column]) for column in columns)} |", flush=True)
    if counts["differ"]:
        raise UserError(f"{counts['differ']} records or tables differ")


def _start(records: Path, *more: str) -> subprocess.Popen[str]:
    """The sweep, with the strategy that is fixed for it."""
    prepare(SWEEP, records)
    settings = [f"--{name}={value}" for name, value in SWEEP.settings.items()]
    axes = [f"--grid={SWEEP.grid}", f"--seeds={SWEEP.seeds}"]
    line = command(
        "sweep",
        *settings,
        *axes,
        "--checkpoint_every=100",
        f"--records={records}",
        "--format=csv",
        *more,
    )
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )


def _finished(process: subprocess.Popen[str]) -> list[list[str]]:
    """The table of a sweep, after its end, without the seconds that it took."""
    out, error = process.communicate()
    if process.returncode:
        raise UserError(f"the sweep failed: {error.strip().splitlines()[-1]}")
    return [row[:-1] for row in csv.reader(out.splitlines())]


def _disturb(
    process: subprocess.Popen[str], records: Path, counts: Counter[str], draw: random.Random
) -> None:
    """Lets things happen to the sweep's tasks while they train, until it ends or there was
    enough."""
    folder = Folder(place_of(records, f"sweeps/{NAME}"))
    last = time.monotonic()
    while process.poll() is None and sum(counts[kind] for kind in KINDS) < EVENTS.value:
        time.sleep(draw.uniform(0.2, APART))
        # The job may be over before it can be disturbed.
        with contextlib.suppress(Refused):
            training = [task.id for task in _running(folder) if folder.under_way(task.id)]
            if training:
                counts[_event(draw.choice(training), draw)] += 1
                last = time.monotonic()
        if time.monotonic() - last > PATIENCE:
            process.send_signal(signal.SIGINT)
            raise UserError(f"no task of the sweep trained for {PATIENCE:.0f} s; see {folder.logs}")


def _running(folder: Folder) -> list[cluster.SlurmTask]:
    return [
        task for task in cluster.tasks(job.id for job in folder.jobs()) if task.state == "RUNNING"
    ]


def _event(task: str, draw: random.Random) -> str:
    """Does something to a task, and says what."""
    daemons = list(_daemons(task))
    kind = draw.choice(KINDS if daemons else KINDS[:2])
    if kind == "scancel":
        cluster.cancel([task])
    elif kind == "scontrol requeue":
        cluster.requeue(task)
    else:
        for daemon in daemons:
            os.kill(daemon, signal.SIGKILL)
    return kind


def _daemons(task: str) -> Iterator[int]:
    """Slurm's own processes beside a task, where it runs on this machine."""
    jobs = {known["JobId"] for known in cluster.described(task) if "JobId" in known}
    for process in psutil.process_iter(["cmdline"]):
        title = " ".join(process.info["cmdline"] or [])
        if any(title.startswith(f"slurmstepd: [{job}.") for job in jobs):
            yield process.pid
