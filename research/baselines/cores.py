"""Cores: how many threads a fit, or a prediction, may use."""

import contextlib
import os
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

# Below so many numbers threads cost more than they save.
WORTH_THREADS = 200_000
_ALL_CORES = threading.Lock()


def cores() -> int:
    """The cores that this process may use: those that it is bound to, those that its container
    grants, and of a Slurm task those that it asked for. `LOKY_MAX_CPU_COUNT` lowers their number,
    as it does for scikit-learn."""
    import joblib

    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    share: int = joblib.cpu_count()
    return min(share, int(asked)) if asked.isdigit() else share


def threads(size: int) -> int:
    """How many threads a fit to so many numbers may use: one per core, or a single one for few
    numbers, where threads would wait for each other."""
    return cores() if size >= WORTH_THREADS else 1


@contextlib.contextmanager
def thread_share(size: int) -> Iterator[int]:
    """Bounds the threads of what is computed inside, and says how many there may be.

    Two packs may be under way at once. What uses all cores takes turns.

    Args:
        size: how many numbers are fitted to, or predicted from.
    """
    count = threads(size)
    with (
        _ALL_CORES if count > 1 else contextlib.nullcontext(),
        # Linear algebra, neighbours and histograms take their threads from the libraries below.
        threadpool_limits(count),
    ):
        yield count
