"""Flags of a sweep's executor: this process, or Slurm with what each task asks of it."""

import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from launch.cli import execution_flags
from launch.cli.start import CACHE_DIR, PLUGIN, RECORDS, define_name
from research import identity
from research.errors import UserError
from research.sweeps.execute.ensure_records import Executor, train_locally
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.records import source_version
from research.sweeps.slurm import cluster, submission
from research.sweeps.slurm.executor import Slurm
from research.sweeps.slurm.folder import Folder
from research.sweeps.slurm.resources import Resources, parse_extra

EXECUTOR = flags.DEFINE_enum(
    "executor", "local", ["local", "slurm"], "train runs here, or as Slurm jobs"
)
PARTITION = define_name("slurm.partition", None, "Slurm: the partition of the jobs")
GPUS = flags.DEFINE_integer("slurm.gpus_per_node", None, "Slurm: GPUs per task", lower_bound=1)
CPUS = flags.DEFINE_integer("slurm.cpus", None, "Slurm: cores per task", lower_bound=1)
MEM = define_name("slurm.mem", None, "Slurm: memory per task, such as 16G")
TIME = define_name(
    "slurm.time",
    None,
    "Slurm: the time limit per job, such as 4:00:00; unfinished jobs are requeued",
)
MOST = flags.DEFINE_integer(
    "slurm.max_parallel", None, "Slurm: maximum number of tasks at once", lower_bound=1
)
ACCOUNT = define_name("slurm.account", None, "Slurm: the account to charge")
CONSTRAINT = define_name("slurm.constraint", None, "Slurm: features that the nodes must have")
SETUP = define_name(
    "slurm.setup", None, "Slurm: a shell command before each task, such as 'module load cuda'"
)
EXTRA = define_name("slurm.extra", None, "Slurm: other options of sbatch: 'qos=high,nice=100'")
NODES = flags.DEFINE_integer("nodes", 1, "Slurm: nodes that train each run together", lower_bound=1)

# Flags that are passed on to the tasks. Paths are made absolute, since a task may start elsewhere.
PASSED = (
    "checkpoint_every",
    "checkpoint_keep",
    "devices",
    "device_data_limit",
    "data_workers",
)
PATHS = ("checkpoints", "data_dir")
DEVICE_COUNT = r"--xla_force_host_platform_device_count=\S+"


def executor(name: str, cancel: str = "") -> Executor:
    """Who trains, as the flags say. Raises UserError on a flag of Slurm's without it, and on jobs
    that it would refuse.

    name: of the sweep among those on the cluster. cancel: the command that cancels its jobs, if
        there is one.
    """
    of_slurm = [flag for flag in flags.FLAGS if flag.startswith("slurm.") or flag == "nodes"]
    given = [flag for flag in of_slurm if flags.FLAGS[flag].present]
    if EXECUTOR.value == "local":
        if given:
            raise UserError(f"--{given[0]} requires --executor=slurm; add that, or leave it out")
        return train_locally
    if flags.FLAGS["profile"].present:
        raise UserError(
            "--profile applies only to training in this process; leave it or --executor=slurm out"
        )
    resources = Resources(
        partition=PARTITION.value,
        gpus_per_node=GPUS.value,
        cpus=CPUS.value,
        mem=MEM.value,
        time=TIME.value,
        max_parallel=MOST.value,
        account=ACCOUNT.value,
        constraint=CONSTRAINT.value,
        setup=SETUP.value,
        extra=parse_extra(EXTRA.value) if EXTRA.value else (),
        nodes=NODES.value,
    )
    cluster.check()
    submission.check(resources)
    return Slurm(name, resources, _command, [Path(plugin) for plugin in PLUGIN.value], cancel)


def executor_of_sweep(name: str | None, runs: Sequence[RequestedRun]) -> Executor:
    """Who trains a sweep, as `executor` says; without a name it is known by its runs."""
    if name is None:
        return executor(f"unnamed/{identity.digest([run.id for run in runs])}")
    return executor(f"sweeps/{name}", cancelling(name))


def cancelling(name: str) -> str:
    """The command that cancels the jobs of the sweep of that name."""
    records = [f"--records={RECORDS.value}"] if flags.FLAGS["records"].present else []
    return shlex.join(["python", "-m", "launch.sweep", f"--name={name}", "--cancel", *records])


def on_slurm() -> bool:
    """Whether runs are trained elsewhere, so that the devices here say nothing."""
    return EXECUTOR.value == "slurm"


def terminal() -> Terminal:
    """The view of runs that train where the flags say."""
    return (
        execution_flags.terminal(stopping="leaving; Slurm's jobs go on")
        if on_slurm()
        else execution_flags.terminal()
    )


def _command(snapshot: Path, folder: Folder, execution: Execution) -> Sequence[str]:
    """The command line of a task that runs a snapshot of the code."""
    worker = [f"--folder={folder.path}", f"--records={_absolute(RECORDS.value)}"]
    worker += [f"--cache_dir={_absolute(CACHE_DIR.value)}"]
    worker += [f"--plugin={plugin}" for plugin in source_version.plugins(snapshot)]
    given = {
        name: str(flags.FLAGS[name].value)
        for name in (*PATHS, *PASSED)
        if flags.FLAGS[name].present
    }
    worker += [
        f"--{name}={_absolute(value) if name in PATHS else value}" for name, value in given.items()
    ]
    # Not by their flags: what an ensemble or a column needs is kept unasked.
    worker += [
        f"--{name}" for name in ("keep_params", "keep_predictions") if getattr(execution, name)
    ]
    if NODES.value > 1:
        # On several nodes Slurm's own variables say who coordinates; a run takes all their devices.
        worker += ["--coordinator=auto", *([] if "devices" in given else ["--devices=all"])]
    environment = [
        f"PYTHONPATH={os.pathsep.join([str(snapshot), *_inherited()])}",
        f"XLA_FLAGS={_xla_flags()}",
    ]
    # -P keeps the working directory off sys.path, so that the snapshot's code is what runs.
    task = [sys.executable, "-P", "-m", "launch.slurm.task", str(folder.path), folder.token()]
    # Through env, since what a task inherits from here depends on how the site configures sbatch.
    return ["env", *environment, *task, *worker]


def _inherited() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _xla_flags() -> str:
    """This process's XLA flags, with the number of host devices set to the task's cores."""
    # The number of host devices here is this machine's; without --slurm.cpus each task counts its
    # own cores.
    inherited = re.sub(DEVICE_COUNT, "", os.environ.get("XLA_FLAGS", "")).split()
    host_devices = [f"--xla_force_host_platform_device_count={CPUS.value}"] if CPUS.value else []
    return " ".join([*inherited, *host_devices])


def _absolute(path: str) -> Path:
    return Path(path).absolute()
