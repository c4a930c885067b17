"""How far a sweep is, as lines for a terminal."""

from collections.abc import Iterator

from research.sweeps.coordinate.sweep_status import STATES, Status
from research.words import plural

# Failures that are shown each; the others are counted.
MOST = 5


def lines(title: str, status: Status) -> Iterator[str]:
    """A row an arm, then what is trained now, the time left and what failed."""
    states = [
        state
        for state in STATES
        if status.total[state] or state in ("finished", "running", "queued")
    ]
    rows = {**status.arms, "all": status.total} if len(status.arms) > 1 else dict(status.arms)
    width = max(len(label) for label in (title, *rows))
    yield f"{title:<{width}}  " + "  ".join(f"{state:>8}" for state in states)
    for label, counts in rows.items():
        yield f"{label:<{width}}  " + "  ".join(f"{counts[state] or '·':>8}" for state in states)
    yield ""
    yield from now(status)
    for run in status.failures[:MOST]:
        line = run.line
        yield (
            f"{line.status}: run {run.run_id} ({run.arm}): {line.error or 'no error was kept'}"
            + f" (log: {line.log})" * bool(line.log)
        )
    if len(status.failures) > MOST:
        yield (
            f"and {len(status.failures) - MOST} more failures; launch.table --rows=runs lists them"
        )


def now(status: Status) -> Iterator[str]:
    """What is trained now, and how long it will take."""
    counts = status.total
    if status.over:
        yield "nothing is left to train"
        return
    live, lanes = status.live
    packs, workers = len(status.packs), len({pack.token for pack in status.packs})
    if workers:
        counted = f"{plural(workers, 'worker')}, {plural(packs, 'pack')}"
        yield f"{counted}, {live} of {lanes} lanes alive"
    elif counts["running"]:
        yield "claimed by workers that are compiling or have just begun"
    else:
        yield "nothing trains it now, or has just begun; start the same command again to continue"
    if status.rate:
        yield f"{status.rate:.2f} run-epochs/s, time left {duration(status.left)}"


def duration(seconds: float | None) -> str:
    """`40 s`, `12 min`, `3.5 h`, or unknown."""
    if seconds is None:
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
