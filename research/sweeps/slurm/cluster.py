"""The cluster: what Slurm's own commands say and do. Without JAX, and without accounting, which not
every site has."""

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Iterable

from research.errors import UserError

# Seconds that a command of Slurm's may take; its own time-outs are shorter.
PATIENCE = 120
DAY = 86400
# The reason with which Slurm holds a requeued task whose node had not finished cleaning up.
HELD = "launch failed requeued held"


@dataclasses.dataclass(frozen=True)
class SlurmTask:
    """A task of an array that is not over: `12_3`. state, reason: as squeue writes them."""

    id: str
    state: str
    reason: str = ""

    @property
    def job(self) -> str:
        """The array's id."""
        return self.id.partition("_")[0]

    def __str__(self) -> str:
        """`running`, or `pending (Priority)`: what it is, and why it waits."""
        reason = (
            f" ({self.reason})"
            if self.state == "PENDING" and self.reason not in ("", "None")
            else ""
        )
        return f"{self.state.lower()}{reason}"


class Refused(UserError):
    """A command of Slurm's failed; its text is Slurm's own words."""


def check(use: str = "leave it out to train here") -> None:
    """Raises UserError where there is no Slurm. use: what to do there instead."""
    missing = [
        name for name in ("sbatch", "squeue", "scontrol", "scancel") if shutil.which(name) is None
    ]
    if missing:
        raise UserError(
            f"no {' and no '.join(missing)} on the path: --executor=slurm is for a machine from"
            f" which jobs are submitted to Slurm; {use}"
        )


def tasks(jobs: Iterable[str]) -> list[SlurmTask]:
    """Those tasks of the jobs that are not over. Raises Refused where Slurm does not answer."""
    wanted = set(jobs)
    if not wanted:
        return []
    lines = command("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r").splitlines()
    every = [SlurmTask(*line.strip().split("|", 2)) for line in lines if "|" in line]
    return [task for task in every if task.job in wanted]


def cancel(ids: Iterable[str]) -> None:
    """Cancels jobs or tasks; those that are over already are passed over."""
    names = list(ids)
    if names:
        command("scancel", "--quiet", *names)


def release(job: str) -> None:
    """Lets a job begin that waits for another."""
    command("scontrol", "update", f"JobId={job}", "Dependency=")


def unhold(task: str) -> None:
    """Lets a task begin that Slurm holds back, because it could not launch it where it had just
    been."""
    command("scontrol", "release", task)


def requeue(task: str) -> None:
    """Puts a running task back into the queue, which ends it."""
    command("scontrol", "requeue", task)


def described(job: str) -> list[dict[str, str]]:
    """What Slurm knows of each task of a job (JobState, Reason, ExitCode, …); nothing once it is
    forgotten."""
    try:
        lines = command("scontrol", "--oneliner", "show", "job", job).splitlines()
    except Refused:
        return []
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines if line.startswith("JobId=")]


def seconds_left(task: str) -> float | None:
    """Until a running task's time limit; None without one."""
    return parse_duration(command("squeue", "--noheader", f"--jobs={task}", "--format=%L").strip())


def parse_duration(text: str) -> float | None:
    """`1-02:03:04`, `02:03:04` or `03:04` in seconds; None for `UNLIMITED` and the like."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(field or 0) for field in match.groups())
    return days * DAY + hours * 3600 + minutes * 60 + seconds


def longest_array() -> int:
    """How many tasks an array may have here."""
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", command("scontrol", "show", "config"), re.M)
    # Slurm's default is 1001.
    return max(int(match[1]) - 1, 1) if match else 1000


def partitions() -> list[str]:
    """The partitions that exist."""
    try:
        return sorted(set(command("sinfo", "--noheader", "--format=%R").split()))
    except Refused:
        return []


def command(*words: str) -> str:
    """The output of one of Slurm's commands. Raises Refused with its words where it fails."""
    try:
        # In a session of its own, so that a Ctrl-C is not its end too.
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{words[0]}: {error}") from None
    if done.returncode:
        raise Refused(own_words(done.stderr) or f"{words[0]} ended with {done.returncode}")
    return done.stdout


def own_words(stderr: str) -> str:
    """What a command said, in one line, without its name in front of each."""
    lines = [re.sub(r"^\w+: (?:error: )?", "", line).strip() for line in stderr.splitlines()]
    return "; ".join(line for line in lines if line)
