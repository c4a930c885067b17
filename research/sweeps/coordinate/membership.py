"""The roll: the workers that share a records directory, who of them is dead, and who inherits.

    TOKEN        a worker's file: who it is, and a counter that it raises every few seconds
    TOKEN.HEIR   a worker that was declared dead: its heir has its claims to remove, then this file

To declare a worker dead is to rename its file. Of several that try, one succeeds: the heir. A
worker that was only asleep finds its file gone. To beat is to overwrite the counter in place, which
needs no new block on a full disk.
"""

import contextlib
import dataclasses
import errno
import functools
import json
import os
from collections.abc import Callable
from typing import NoReturn

from research.sweeps.coordinate.worker import Worker


class LeaseLost(Exception):
    """Others declared this worker dead and may have its runs: it writes nothing more for them."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(
            f"{worker} was silent for too long and others may have taken over its runs"
        )


@dataclasses.dataclass(frozen=True)
class Observation:
    """The last look at another worker: its counter, how long that has stood still (s), and when it
    was."""

    beat: str
    silent: float
    at: float


@dataclasses.dataclass
class Membership:
    """The workers' files as one worker sees them. now, gone: see Claims. lapse: seconds of silence
    that mean death."""

    folder: str
    worker: Worker
    now: Callable[[], float]
    gone: Callable[[Worker], bool]
    lapse: float

    def __post_init__(self) -> None:
        self.own = f"{self.folder}/{self.worker.token}"
        self._beats = 0
        self._lost = False
        self._known: set[str] = set()  # tokens that had a file at the last listing
        self._looks: dict[str, Observation] = {}
        self._moved: set[str] = set()  # tokens whose counter has been seen to move

    def enlist(self) -> None:
        """Makes the worker's file."""
        os.makedirs(self.folder, exist_ok=True)
        create(self.own, _head(self.worker) + _counter(0))

    def beat(self) -> None:
        """Shows that the worker is alive. Raises Lost if it was declared dead."""
        self._beats += 1
        try:
            file = os.open(self.own, os.O_WRONLY)
        except FileNotFoundError:
            self.lose()
        # Closed each time: NFS shows others what was written once it is closed.
        try:
            os.pwrite(file, _counter(self._beats).encode(), len(_head(self.worker).encode()))
        finally:
            os.close(file)

    def enlisted(self) -> bool:
        """Whether nobody has declared this worker dead."""
        self._lost = self._lost or read(self.folder, self.worker.token) is None
        return not self._lost

    def lose(self) -> NoReturn:
        """Notes that this worker was declared dead, and raises Lost."""
        self._lost = True
        raise LeaseLost(self.worker) from None

    def restore(self, worker: Worker, claims: Callable[[], bool]) -> None:
        """Gives a worker that claims runs, but whose file somebody deleted, one again: so it lapses
        as others do."""
        if worker.token in self._known:
            return
        self._known = {name.partition(".")[0] for name in os.listdir(self.folder)}
        # Asked again: had it left or been buried before the listing, its claims would be gone now.
        if worker.token not in self._known and claims():
            with contextlib.suppress(FileExistsError):
                create(f"{self.folder}/{worker.token}", _head(worker) + _counter(0))

    def declare(self) -> set[str]:
        """Declares dead who is. Returns the tokens of the dead whose heir this worker is."""
        workers = {name for name in os.listdir(self.folder) if "." not in name}
        self._known = workers
        self._looks = {token: look for token, look in self._looks.items() if token in workers}
        for token in workers - {self.worker.token}:
            if self._is_dead(token):
                self._inherit(token, token)
        graves = [name.partition(".") for name in os.listdir(self.folder) if "." in name]
        return {token for token, _, heir in graves if self._is_heir(token, heir)}

    def inodes(self) -> set[int]:
        """The inodes of all workers' files, of the dead's too."""
        with os.scandir(self.folder) as entries:
            return {entry.inode() for entry in entries}

    def all_live(self) -> bool:
        """Whether every other worker is surely alive: its counter has been seen to move, or its
        process is here."""
        with contextlib.suppress(FileNotFoundError):
            names = {name for name in os.listdir(self.folder) if "." not in name}
            return all(self._is_here(token) for token in names - self._moved - {self.worker.token})
        return True

    def _is_here(self, token: str) -> bool:
        """Whether a worker's process runs where this one does, or has just left."""
        text = read(self.folder, token)
        worker, _ = parse(text or "")
        return text is None or (
            worker is not None and worker.place == self.worker.place != "" and not self.gone(worker)
        )

    def bury(self, token: str) -> None:
        """Removes what is left of a dead worker, once its claims are."""
        remove(self._grave(token))

    def _is_dead(self, token: str) -> bool:
        """Whether a worker's process is gone, or its counter has stood still for long enough.

        The time between two looks counts for half of that at most: an observer that was itself
        asleep, or cut off from the directory together with everybody else, must look once more.
        """
        text = read(self.folder, token)
        if text is None:
            return False
        worker, beat = parse(text)
        if worker is not None and self.gone(worker):
            return True
        now, last = self.now(), self._looks.get(token)
        silent = 0.0
        if last is not None and last.beat != beat:
            self._moved.add(token)
        if last is not None and last.beat == beat:
            silent = last.silent + min(now - last.at, self.lapse / 2)
        self._looks[token] = Observation(beat, silent, now)
        return silent >= self.lapse

    def _is_heir(self, token: str, heir: str) -> bool:
        """Whether a dead worker's claims are this worker's to remove: also if the heir is itself no
        more."""
        if heir == self.worker.token:
            return True
        return read(self.folder, heir) is None and self._inherit(token, f"{token}.{heir}")

    def _inherit(self, token: str, name: str) -> bool:
        """Makes this worker the heir of a dead one, whose file has that name now. False if another
        was faster."""
        try:
            os.rename(f"{self.folder}/{name}", self._grave(token))
        except FileNotFoundError:
            return False
        return True

    def _grave(self, token: str) -> str:
        return f"{self.folder}/{token}.{self.worker.token}"


@functools.lru_cache(maxsize=4096)
def _head(worker: Worker) -> str:
    return json.dumps(dataclasses.asdict(worker)) + "\n"


def _counter(beats: int) -> str:
    """Of one width, so that it can be overwritten in place."""
    return f"{beats:020d}\n"


def parse(text: str) -> tuple[Worker | None, str]:
    """(who, counter) of a worker's file; no one if it is damaged."""
    head, _, beat = text.partition("\n")
    return _worker(head), beat


@functools.lru_cache(maxsize=4096)
def _worker(head: str) -> Worker | None:
    try:
        return Worker(**json.loads(head))
    except (ValueError, TypeError):
        return None


def create(path: str, text: str) -> None:
    """Makes a file that must not be there, durably: links of it will be claims."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    except OSError:
        remove(path)
        raise
    finally:
        os.close(file)


def read(folder: str, name: str) -> str | None:
    """A small file's text, or None. Found through its opened folder: NFS then asks the server what
    is in it now."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            file = os.open(name, os.O_RDONLY, dir_fd=place)
        finally:
            os.close(place)
        try:
            return os.read(file, 4096).decode(errors="replace")
        finally:
            os.close(file)
    except OSError as error:
        if error.errno in (
            errno.ENOENT,
            errno.ESTALE,
        ):  # NFS: removed between its opening and its reading
            return None
        raise


def remove(path: str) -> None:
    """Removes a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
