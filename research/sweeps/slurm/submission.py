"""Submission: arrays of tasks, by submitit."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.errors import UserError
from research.sweeps.slurm import cluster
from research.sweeps.slurm.cluster import Refused
from research.sweeps.slurm.resources import Resources

# Seconds before the time limit at which Slurm signals a task, so that it can save and requeue
# itself. A shorter limit is signalled at its half.
AHEAD = 120
# What sbatch says where there is no cluster.
UNREACHABLE = (
    "unable to contact slurm controller|dns_srv|fetch_config|could not establish a configuration"
    " source"
)


def check(resources: Resources) -> None:
    """Raises UserError with Slurm's own words where it would refuse such jobs; submits nothing."""
    words = [
        f"--{name}" if value is True else f"--{name}={value}"
        for name, value in options(resources).items()
    ]
    try:
        cluster.command("sbatch", "--test-only", *words, "--wrap=true")
    except Refused as error:
        raise _refused(str(error)) from None


def submit(
    command: Sequence[str], tasks: int, resources: Resources, logs: Path, name: str, after: str = ""
) -> list[tuple[str, int]]:
    """Submits tasks of one command, in arrays that the cluster takes.

    Args:
        command: the command line of each task.
        tasks: how many.
        resources: what each asks for.
        logs: where their output goes.
        name: the job's name.
        after: a job that must be over first, or "".

    Returns:
        The id and the number of tasks of each array.

    Raises:
        UserError: Slurm refuses; the message has its own words.
    """
    longest = cluster.longest_array()
    sizes = [min(longest, tasks - begin) for begin in range(0, tasks, longest)]
    return [(_array(command, size, resources, logs, name, after), size) for size in sizes]


def _array(
    command: Sequence[str], tasks: int, resources: Resources, logs: Path, name: str, after: str
) -> str:
    """Submits one array and returns its id."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError
    from submitit.slurm.slurm import SlurmExecutor

    # Several nodes need srun to start a process on each. One does without: the task is then the
    # batch script's own process, whose parent is Slurm's, and no step can be lost beside it.
    together = resources.nodes > 1
    executor = SlurmExecutor(logs)
    # Slurm does not pass this on since version 22.05.
    executor.update_parameters(
        job_name=name,
        # What the cluster gives, unless the options say otherwise.
        time=None,
        wckey=None,
        array_parallelism=tasks,
        stderr_to_stdout=True,
        use_srun=together,
        srun_args=([f"--cpus-per-task={resources.cpus}"] if resources.cpus else []),
        setup=setup(resources.setup) if resources.setup else None,
        additional_parameters=options(resources, after),
    )
    executor.parameters["map_count"] = tasks
    try:
        # submitit's own task would keep SIGTERM to itself and give up after some time-outs; this
        # one is ours.
        job = executor._submit_command(
            shlex.join(command) if together else f"exec {shlex.join(command)}"
        )
    except (FailedJobError, FailedSubmissionError) as error:
        raise _refused(cluster.own_words(str(error))) from None
    return str(job.job_id)


def setup(command: str) -> list[str]:
    """Lines of a batch script that run the user's command; where it fails the task ends and says
    so."""
    message = shlex.quote(f"the task ends: --slurm.setup={command} failed with exit code")
    return [
        command,
        f'code=$?; if [ "$code" -ne 0 ]; then echo {message} "$code"; exit "$code"; fi',
    ]


def _refused(words: str) -> UserError:
    known = f"; partitions here: {', '.join(cluster.partitions())}" if "partition" in words else ""
    if re.search(UNREACHABLE, words, re.IGNORECASE):
        return UserError(f"no Slurm can be reached from here, so no job was submitted: {words}")
    return UserError(f"Slurm refuses such jobs: {words}{known}")


def options(resources: Resources, after: str = "") -> dict[str, Any]:
    """sbatch's options for one array."""
    # Slurm signals the steps that srun started, or with B: the batch script.
    to = "" if resources.nodes > 1 else "B:"
    return {
        **resources.options(),
        # Slurm may then put the task back itself, after a node failure or a preemption.
        "requeue": True,
        "signal": f"{to}USR2@{ahead(resources.time)}",
        # afterany, not afterok: if the first task dies, the others have to train in its place.
        **({"dependency": f"afterany:{after}"} if after else {}),
    }


def ahead(limit: str | None) -> int:
    """Seconds before a time limit, as sbatch takes it, at which Slurm signals a task."""
    seconds = None if limit is None else limit_seconds(limit)
    return AHEAD if seconds is None else int(min(AHEAD, seconds / 2))


def limit_seconds(limit: str) -> float | None:
    """sbatch's minutes, minutes:seconds, hours:minutes:seconds, days-hours and so on, in
    seconds."""
    days, _, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(field.isdigit() for field in [*parts, days or "0"]) or len(parts) > 3:
        return None
    numbers = [int(field) for field in parts]
    if days:
        hours, minutes, seconds = [*numbers, 0, 0][:3]
        return int(days) * cluster.DAY + hours * 3600 + minutes * 60 + seconds
    if len(numbers) == 1:
        return numbers[0] * 60
    return sum(
        number * unit for number, unit in zip(reversed(numbers), (1, 60, 3600), strict=False)
    )
