"""The folder of a sweep on a cluster, beside the records: messages between its tasks and its
submitter.

wanted.json     the runs that the sweep wants now, and the version of the code that trains them
token           what a node must read here, or it sees another directory of that name
jobs/ID.json    an array that was submitted
held/TASK.json  the runs that are under way in a task
code/           snapshots of the code that they run
logs/           what they say
cancelled       there once --cancel was given, until the sweep is asked for again
"""

import contextlib
import dataclasses
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from research.durable_files import write_atomically


@dataclasses.dataclass(frozen=True)
class Wanted:
    """runs: the settings of each, by id. code: the version that trains them."""

    code: str
    runs: Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Submitted:
    """An array: the snapshot that its tasks run, its version, and the job whose first step it waits
    for, or "".

    asks: what each of its tasks asks of Slurm.
    """

    id: str
    tasks: int
    snapshot: str
    version: str
    after: str = ""
    asks: str = ""


class Folder:
    """Without JAX: a task's supervisor reads and writes it too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = path.parents[2]  # slurm/KIND/NAME in it
        self.logs = path / "logs"
        self.code = path / "code"
        self._wanted_at: tuple[int, int] = (0, 0)
        self._wanted = Wanted("", {})

    def want(self, wanted: Wanted) -> None:
        """Says what the sweep wants from now on."""
        write_atomically(self.path / "wanted.json", json.dumps(dataclasses.asdict(wanted)))

    def wanted(self) -> Wanted:
        """What the sweep wants now; the same object until it changes."""
        status = (self.path / "wanted.json").stat()
        # The inode too: two writings may have the same time, and each makes a new file.
        version = status.st_mtime_ns, status.st_ino
        if version != self._wanted_at:
            self._wanted = Wanted(**json.loads((self.path / "wanted.json").read_text()))
            self._wanted_at = version
        return self._wanted

    def begin(self) -> None:
        """Says that the sweep is asked for, whatever was cancelled."""
        (self.path / "cancelled").unlink(missing_ok=True)

    def cancel(self) -> None:
        """Says that the sweep is not to be submitted again until it is asked for."""
        if self.path.is_dir():
            write_atomically(self.path / "cancelled", "")

    def cancelled(self) -> bool:
        """Whether it was cancelled since it was asked for."""
        try:
            # NFS may cache that a file does not exist.
            return "cancelled" in os.listdir(self.path)
        except FileNotFoundError:
            return False

    def token(self) -> str:
        """The directory's token, made the first time."""
        with contextlib.suppress(FileNotFoundError):
            return (self.path / "token").read_text()
        write_atomically(self.path / "token", uuid.uuid4().hex)
        return (self.path / "token").read_text()

    def sees(self, token: str) -> bool:
        """Whether this is the directory that the token is of."""
        try:
            return (self.path / "token").read_text() == token
        except OSError:
            return False

    def add(self, job: Submitted) -> None:
        """Notes an array that was submitted."""
        write_atomically(self.path / "jobs" / f"{job.id}.json", json.dumps(dataclasses.asdict(job)))

    def jobs(self) -> list[Submitted]:
        """The arrays that were submitted and not forgotten, in order."""
        submitted = [Submitted(**value) for value in _read_all(self.path / "jobs")]
        return sorted(submitted, key=lambda job: int(job.id))

    def forget(self, job: str) -> None:
        """Forgets an array all of whose tasks are over."""
        (self.path / "jobs" / f"{job}.json").unlink(missing_ok=True)

    def hold(self, task: str, run_ids: Iterable[str]) -> None:
        """Notes which runs are under way in a task."""
        write_atomically(self.path / "held" / f"{task}.json", json.dumps(sorted(run_ids)))

    def under_way(self, task: str) -> list[str]:
        """The runs that are, or were at its end, under way in a task."""
        try:
            runs: list[str] = json.loads((self.path / "held" / f"{task}.json").read_text())
        except (FileNotFoundError, ValueError):
            return []
        return runs

    def log(self, task: str, process: str = "0") -> Path:
        """Where a task's output goes, of several processes each one's, by submitit's naming."""
        return self.logs / f"{task}_{process}_log.out"

    def drop(self, task: str) -> None:
        """Forgets what was under way in a task."""
        (self.path / "held" / f"{task}.json").unlink(missing_ok=True)


def place_of(records: Path, name: str) -> Path:
    """The folder of a sweep: where every node finds it, whatever directory it works in."""
    return records.absolute() / "slurm" / name


def _read_all(folder: Path) -> Iterator[Any]:
    for path in folder.glob("[!.]*.json"):
        # Another process may forget a job between the listing and the reading.
        with contextlib.suppress(FileNotFoundError, ValueError):
            yield json.loads(path.read_text())
