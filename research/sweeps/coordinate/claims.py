"""Claims: processes that share a records directory split a sweep's runs, over NFS too, without
locks or a common clock.

    claims/workers/   the membership: one file per worker, with its heartbeat
    claims/runs/      one file a claimed run: a hard link of its worker's file, under the run's id

The protocol rests on two operations that a file system does atomically. A worker claims a run by
linking its own file to the run's id. A worker is marked dead by renaming its file, and only the
worker that renamed it (its successor) removes its claims. So nobody removes the claim of a live
worker, and a worker that was only suspended can claim nothing afterwards, because the name of its
file is gone, and finds that it holds nothing. A heartbeat is one small write for thousands of
claims.

A worker is dead if its counter has stood still for TIMEOUT seconds of the observer's own clock, or
at once if it ran on this machine and its process is gone. A record is written before its claim is
released, and looked for after a claim is made: so no finished run is trained again.
"""

import contextlib
import dataclasses
import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from research.errors import UserError
from research.sweeps.coordinate import membership, pack_progress, worker
from research.sweeps.coordinate.membership import LeaseLost, Membership
from research.sweeps.coordinate.worker import Worker

# Seconds between two beats, and of silence after which others take a worker's runs.
BEAT = 10.0
# Six beats: a few slow or lost writes do not cost a live worker its runs.
TIMEOUT = 60.0


@dataclasses.dataclass
class Claims:
    """One worker's claims in a records directory.

    now: seconds of any steady clock. gone: True if a worker's process has surely ended. done: True
        if a run has its record. A lost worker stays lost: to go on, make new Claims for a new
        worker.
    """

    root: Path
    worker: Worker
    now: Callable[[], float]
    gone: Callable[[Worker], bool]
    done: Callable[[str], bool]
    beat_every: float = BEAT
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        self._runs = str(self.root / "claims" / "runs")
        self._membership = Membership(
            str(self.root / "claims" / "workers"), self.worker, self.now, self.gone, self.timeout
        )
        self._mine: set[str] = set()
        self._took_over_at = -float("inf")
        # Locks out this process's own threads; claims lock out other processes.
        self._taking_over = threading.Lock()

    def register(self) -> None:
        """Makes the worker known; before anything else. Raises UserError if the directory cannot be
        written."""
        with self._errors():
            os.makedirs(self._runs, exist_ok=True)
            self._membership.register()

    def leave(self) -> None:
        """Releases everything. What cannot be removed times out."""
        with contextlib.suppress(UserError), self._errors():
            # The claims first: without its worker's file, a claim would have to be restored to time
            # out.
            self.release(list(self._mine))
            membership.remove(self._membership.path)

    def beat(self) -> None:
        """Shows that the worker is alive. Raises LeaseLost if it was marked dead."""
        with self._errors():
            self._membership.beat()

    def take(self, run_ids: Sequence[str], limit: int) -> list[str]:
        """Claims runs in their order and returns them, at most `limit`: those that are neither done
        nor others'.

        What this worker holds already counts as taken. If that is less than `limit`, it looks for
        dead workers (at most once per beat) and takes over their runs. Raises LeaseLost if this
        worker was marked dead.
        """
        with self._errors():
            taken = self._claim(run_ids, limit)
            # Looking for the dead reads every worker's file, so it waits until there is too little
            # to do.
            if len(taken) < min(limit, len(run_ids)) and self.take_over():
                taken = self._claim(run_ids, limit)
            # On NFS a link may succeed a moment after the worker was declared dead.
            if not self._membership.is_registered():
                self._membership.raise_lost()
        return taken

    def may_write(self, run_id: str) -> bool:
        """Whether this worker may write for the run; asked before each record and checkpoint."""
        with self._errors():
            # In this order: what the claim says last is what counts.
            return self._membership.is_registered() and self._holder(run_id) == self.worker

    def confirm(self, run_ids: Iterable[str]) -> None:
        """Raises LeaseLost unless this worker may write for each of the runs."""
        if not all(self.may_write(run_id) for run_id in run_ids):
            raise LeaseLost(self.worker)

    def release(self, run_ids: Iterable[str]) -> None:
        """Gives runs up, once their record is written or on a clean stop. Those not held are passed
        over."""
        mine = [run_id for run_id in run_ids if run_id in self._mine]
        self._mine.difference_update(mine)
        with self._errors():
            # A worker that was marked dead leaves its claims alone: its successor removes them, and
            # a claim of that name may be another worker's by now.
            if mine and self._membership.is_registered():
                for run_id in mine:
                    membership.remove(f"{self._runs}/{run_id}")

    def claimed(self) -> set[str]:
        """The runs that are anybody's now, this worker's too, by one listing: what not to try
        first.

        Many workers that all walk the same list would else meet every claim of all the others.
        """
        with self._errors():
            return set(os.listdir(self._runs))

    def all_live(self) -> bool:
        """Whether every other worker has been seen at work since this one first looked; who has not
        may be dead."""
        return self._membership.all_live()

    def others(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Who holds the runs that others hold: `{run_id: "host (pid 1)"}`, for a message while
        waiting."""
        with self._errors():
            holders = [(run_id, self._holder(run_id)) for run_id in run_ids]
        return {
            run_id: str(holder) for run_id, holder in holders if holder not in (None, self.worker)
        }

    def _claim(self, run_ids: Sequence[str], limit: int) -> list[str]:
        """One walk over the runs, which ends when `limit` are claimed."""
        taken: list[str] = []
        for run_id in run_ids:
            if len(taken) >= limit:
                break
            try:
                # A link is atomic over NFS too, and shares the inode of the worker's file, so that
                # one heartbeat renews all claims.
                os.link(self._membership.path, f"{self._runs}/{run_id}")
            except FileExistsError:
                if not self._is_mine(run_id):
                    continue
            except FileNotFoundError:
                self._membership.raise_lost()
            except OSError as error:
                # ext4 allows 65,000 links per file; more work once some are released.
                if error.errno == errno.EMLINK:
                    break
                raise
            self._mine.add(run_id)
            if self.done(run_id):  # perhaps since the caller looked
                self.release([run_id])
            else:
                taken.append(run_id)
        return taken

    def _is_mine(self, run_id: str) -> bool:
        """Whether a claim that was there already is this worker's own.

        It is, too, where NFS reports a failure because a link was made and only the answer was lost
        (open(2), O_EXCL).
        """
        holder = self._holder(run_id)
        if holder is not None and holder != self.worker:
            self._membership.restore(holder, lambda: self._holder(run_id) == holder)
        return holder == self.worker

    def take_over(self) -> bool:
        """Looks for the dead, at most once a beat, and removes the claims of those whose successor
        this worker is.

        Whether there were any.
        """
        with self._errors(), self._taking_over:
            # A look costs the file server one read per worker.
            if self.now() - self._took_over_at < self.beat_every:
                return False
            self._took_over_at = self.now()
            # The claims go before the tombstone: if this process dies in between, the next one
            # finds the tombstone and finishes.
            dead = self._membership.mark_dead()
            for run_id in os.listdir(self._runs) if dead else ():
                holder = self._holder(run_id)
                if holder is not None and holder.token in dead:
                    membership.remove(f"{self._runs}/{run_id}")
            for token in dead:
                pack_progress.forget(self.root, token)
                self._membership.remove_tombstone(token)
            self._note_orphans()
            return bool(dead)

    def _note_orphans(self) -> None:
        """Ensures that claims whose worker's file somebody deleted time out too. A claim is a
        link of that file."""
        known = self._membership.inodes()
        with os.scandir(self._runs) as claims:
            orphans = [claim.name for claim in claims if claim.inode() not in known]
        for run_id in orphans:
            self._is_mine(run_id)

    def _holder(self, run_id: str) -> Worker | None:
        """Who holds a run. Raises UserError if its claim is damaged."""
        text = membership.read(self._runs, run_id)
        if text is None:
            return None
        holder, _ = membership.parse(text)
        if holder is None:
            raise UserError(f"{self._runs}/{run_id} is not a claim; delete it")
        return holder

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.strerror or error
            raise UserError(
                f"cannot claim runs in {self.root}: {what}; it must be writable, on a file system"
                " with hard links"
            ) from None


@contextlib.contextmanager
def working(
    root: Path, done: Callable[[str], bool], beat_every: float = BEAT, timeout: float = TIMEOUT
) -> Iterator[Claims]:
    """This process's claims, with a thread that beats; they are released at the end.

    Args:
        root: the records directory.
        done: whether a run has its record.
        beat_every: seconds between two beats.
        timeout: seconds of silence after which another worker counts as dead.

    Raises:
        UserError: the directory cannot be written, or has no hard links.
    """
    claims = Claims(
        root, worker.this_process(), time.monotonic, worker.gone, done, beat_every, timeout
    )
    claims.register()
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(beat_every):
            # LeaseLost: whoever trains finds out. An error: the next beat may succeed; if none
            # does, the claims time out.
            with contextlib.suppress(LeaseLost, UserError):
                claims.beat()

    # A daemon: a thread that waits for a lost file server must not keep the process alive.
    thread = threading.Thread(target=beat, name="claims", daemon=True)
    thread.start()
    try:
        yield claims
    finally:
        stop.set()
        # Joined first: a beat after `leave` would find the file gone and take the worker for dead.
        thread.join()
        claims.leave()
