"""Membership: which workers share a records directory, which of them are dead, and who takes over
the claims of a dead one.

    TOKEN             a worker's file: its identity, and a counter that it raises every few seconds
    TOKEN.SUCCESSOR   the tombstone of a dead worker: its successor removes its claims, then this
                      file

A worker is marked dead by renaming its file. Of several workers that try, one succeeds and becomes
the successor. A worker that was only suspended finds its file gone. A heartbeat overwrites the
counter in place, so it needs no new block on a full disk.
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
    """The last observation of another worker.

    Attributes:
        beat: its counter.
        silent: seconds for which the counter has stood still.
        at: when it was read.
    """

    beat: str
    silent: float
    at: float


@dataclasses.dataclass
class Membership:
    """The workers' files as one worker sees them.

    Attributes:
        folder: where the files are.
        worker: this worker.
        now: seconds of any steady clock.
        gone: whether a worker's process has surely ended.
        timeout: seconds of silence after which a worker counts as dead.
    """

    folder: str
    worker: Worker
    now: Callable[[], float]
    gone: Callable[[Worker], bool]
    timeout: float

    def __post_init__(self) -> None:
        self.path = f"{self.folder}/{self.worker.token}"
        self._beats = 0
        self._lost = False
        # Tokens that had a file at the last listing.
        self._known: set[str] = set()
        self._observations: dict[str, Observation] = {}
        # Tokens whose counter has been seen to move.
        self._moved: set[str] = set()

    def register(self) -> None:
        """Makes the worker's file."""
        os.makedirs(self.folder, exist_ok=True)
        create(self.path, _head(self.worker) + _counter(0))

    def beat(self) -> None:
        """Shows that the worker is alive. Raises LeaseLost if it was marked dead."""
        self._beats += 1
        try:
            file = os.open(self.path, os.O_WRONLY)
        except FileNotFoundError:
            self.raise_lost()
        # Closed each time: NFS shows others what was written once it is closed.
        try:
            os.pwrite(file, _counter(self._beats).encode(), len(_head(self.worker).encode()))
        finally:
            os.close(file)

    def is_registered(self) -> bool:
        """Whether nobody has marked this worker dead."""
        # Lost for good: `restore` may create the file again after others have taken the runs.
        self._lost = self._lost or read(self.folder, self.worker.token) is None
        return not self._lost

    def raise_lost(self) -> NoReturn:
        """Notes that this worker was marked dead, and raises LeaseLost."""
        self._lost = True
        raise LeaseLost(self.worker) from None

    def restore(self, worker: Worker, claims: Callable[[], bool]) -> None:
        """Gives a worker that claims runs, but whose file somebody deleted, a new file, so that it
        can time out as others do."""
        if worker.token in self._known:
            return
        self._known = {name.partition(".")[0] for name in os.listdir(self.folder)}
        # Asked again: had it left, or its tombstone gone, before the listing, its claims would be
        # gone now.
        if worker.token not in self._known and claims():
            with contextlib.suppress(FileExistsError):
                create(f"{self.folder}/{worker.token}", _head(worker) + _counter(0))

    def mark_dead(self) -> set[str]:
        """Marks every worker whose heartbeat has timed out as dead. Returns the tokens of the dead
        workers whose successor this worker is."""
        workers = {name for name in os.listdir(self.folder) if "." not in name}
        self._known = workers
        # Tokens are never used twice, so what is known of workers that left can go.
        self._observations = {
            token: observation
            for token, observation in self._observations.items()
            if token in workers
        }
        for token in workers - {self.worker.token}:
            if self._is_dead(token):
                self._become_successor(token, token)
        # Listed again: the renames have just made tombstones, and dead successors have left others.
        tombstones = [name.partition(".") for name in os.listdir(self.folder) if "." in name]
        return {token for token, _, successor in tombstones if self._is_successor(token, successor)}

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

    def remove_tombstone(self, token: str) -> None:
        """Removes the tombstone of a dead worker, after its claims."""
        remove(self._tombstone(token))

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
        now, last = self.now(), self._observations.get(token)
        # The first look tells nothing of the silence before it: the file's time is another clock's.
        silent = 0.0
        if last is not None and last.beat != beat:
            self._moved.add(token)
        if last is not None and last.beat == beat:
            silent = last.silent + min(now - last.at, self.timeout / 2)
        self._observations[token] = Observation(beat, silent, now)
        return silent >= self.timeout

    def _is_successor(self, token: str, successor: str) -> bool:
        """Whether this worker is to remove a dead worker's claims; it takes over from a successor
        that is itself dead."""
        if successor == self.worker.token:
            return True
        # A successor without a file is dead itself or has left; the same rename decides who
        # follows.
        return read(self.folder, successor) is None and self._become_successor(
            token, f"{token}.{successor}"
        )

    def _become_successor(self, token: str, name: str) -> bool:
        """Makes this worker the successor of a dead one, whose file has that name now.

        Renaming is atomic, so of several workers exactly one succeeds; the others get False.
        """
        try:
            os.rename(f"{self.folder}/{name}", self._tombstone(token))
        except FileNotFoundError:
            return False
        return True

    def _tombstone(self, token: str) -> str:
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
        # After a crash an empty file would be a claim whose holder cannot be read.
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
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            file = os.open(name, os.O_RDONLY, dir_fd=directory)
        finally:
            os.close(directory)
        try:
            return os.read(file, 4096).decode(errors="replace")
        finally:
            os.close(file)
    except OSError as error:
        # On NFS the file may be removed between opening and reading it.
        if error.errno in (
            errno.ENOENT,
            errno.ESTALE,
        ):
            return None
        raise


def remove(path: str) -> None:
    """Removes a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
