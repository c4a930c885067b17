"""What to say when the tasks of a sweep have ended and trained nothing."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from research.sweeps.slurm import cluster
from research.sweeps.slurm.folder import Folder

# What a task exits with that does not see the sweep's folder (sysexits.h: a system file is
# missing).
EXIT_UNSEEN = 72
# Lines of a log that tell what happened.
TAIL = 40


def explained(folder: Folder, jobs: Sequence[str], missing: int) -> str:
    """Why the jobs of a sweep ended before its runs were done, as far as Slurm and the logs show.

    Args:
        folder: the sweep's folder.
        jobs: the ids of the jobs.
        missing: how many runs have no record.
    """
    known = [task for job in jobs for task in cluster.described(job)]
    states = Counter(
        f"{task.get('JobState', '?')} {task.get('ExitCode', '')}".strip() for task in known
    )
    ends = (
        ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        or "no longer known to Slurm"
    )
    runs = f"{missing} run{'s' * (missing > 1)} of {folder.path.name}"
    logs = [path for job in jobs for path in folder.logs.glob(f"{job}_*.out")]
    cancelled = any(task.get("JobState", "").startswith("CANCELLED") for task in known)
    unseen = any(task.get("ExitCode", "").startswith(f"{EXIT_UNSEEN}:") for task in known)
    if unseen or (not logs and not cancelled):
        return (
            f"the nodes do not see {folder.path} ({ends}): {runs} wait; name a directory that all"
            " nodes share with --records"
        )
    if not logs:
        return (
            f"{runs} have no record, and the jobs ended ({ends}) before they began; logs would be"
            f" in {folder.logs}"
        )
    last = max(logs, key=lambda path: path.stat().st_mtime)
    return (
        f"{runs} have no record, and the jobs ended ({ends}) without a new one; {last} ends with:"
        f" {_last_line(last)}"
    )


def tail(path: Path) -> str:
    """The last lines of a log."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-TAIL:])
    except OSError as error:
        return f"(cannot be read: {error.strerror})"


def _last_line(path: Path) -> str:
    lines = [line.strip() for line in tail(path).splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"
