"""Progress: what each worker trains now and how far it is, in small files beside the records.

Nothing depends on them but what a person is shown: a file that cannot be written is left out, one
that is damaged is passed over, and one whose worker is gone says nothing.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from research.durable_files import write_atomically
from research.errors import UserError
from research.sweeps.coordinate.worker import Worker

FOLDER = "progress"
# Seconds between two writings of one file: it may lie on a file system that many share.
EVERY = 5.0
# And after which a file is removed whose worker is no more.
OLD = 86400.0


@dataclasses.dataclass(frozen=True)
class PackProgress:
    """A pack under way: its runs, and how many of them still train after `epoch` of `epochs`.

    token, worker: whose it is. began: when it had `first` epochs here; updated: when this was
    written; both in seconds since 1970.
    """

    token: str
    worker: str
    runs: tuple[str, ...]
    epochs: int
    epoch: float
    first: float
    live: int
    began: float
    updated: float

    @property
    def rate(self) -> float:
        """Lane-epochs a second since it began here."""
        # Not 0 seconds: the first report has the time at which it began.
        return (self.epoch - self.first) * len(self.runs) / max(self.updated - self.began, 1e-9)


@contextlib.contextmanager
def showing(
    root: Path,
    worker: Worker,
    runs: Sequence[str],
    epochs: int,
    clock: Callable[[], float] = time.time,
) -> Iterator[Callable[[float, int], None]]:
    """Shows a pack while it trains.

    Args:
        root: the records folder.
        worker: who trains it.
        runs: the ids of its runs.
        epochs: epochs of the longest run.
        clock: the time in seconds.

    Yields:
        A function to call with the epochs that are done and the number of runs that still train.
    """
    path = _path(root, worker.token, runs)
    shown = PackProgress(
        worker.token, str(worker), tuple(runs), epochs, 0, 0, len(runs), clock(), clock()
    )
    due = 0.0

    def to(epoch: float, live: int) -> None:
        nonlocal shown, due
        now = clock()
        # The time counts from here on, since the pack compiled before.
        if not due:
            shown = dataclasses.replace(shown, first=epoch, began=now)
        shown = dataclasses.replace(shown, epoch=epoch, live=live, updated=now)
        if now >= due:
            _write(path, shown)
            due = now + EVERY

    _write(path, shown)
    try:
        yield to
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _write(path: Path, shown: PackProgress) -> None:
    # A full disk does not end a training for the sake of what is shown.
    with contextlib.suppress(UserError):
        write_atomically(path, json.dumps(dataclasses.asdict(shown)))


def read(root: Path) -> list[PackProgress]:
    """What the files say, the workers' in turn; whether these still live is for the reader to find
    out."""
    packs = []
    for path in sorted((root / FOLDER).glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_text())
            packs.append(PackProgress(**{**content, "runs": tuple(content["runs"])}))
    return packs


def written(root: Path, pack: PackProgress) -> float:
    """When a pack's file was written, by the clock of the file system; 0 if it is gone."""
    try:
        return _path(root, pack.token, pack.runs).stat().st_mtime
    except OSError:
        return 0.0


def _path(root: Path, token: str, runs: Sequence[str]) -> Path:
    return root / FOLDER / f"{token}.{runs[0]}.json"


def forget(root: Path, token: str) -> None:
    """Removes what a dead worker has left."""
    for path in (root / FOLDER).glob(f"{token}.*.json"):
        with contextlib.suppress(OSError):
            path.unlink()


def tidy(root: Path, now: float) -> None:
    """Removes what workers that were killed have left, once it is old."""
    for path in (root / FOLDER).glob("*.json"):
        worker = root / "claims" / "workers" / path.name.partition(".")[0]
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > OLD and not worker.exists():
                path.unlink()
