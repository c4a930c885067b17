"""Status: how far a sweep is, read only from the files beside its records, without planning or
JAX."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from research.durable_files import file_clock
from research.sweeps.coordinate import membership, pack_progress, worker
from research.sweeps.coordinate.claims import TIMEOUT
from research.sweeps.coordinate.pack_progress import PackProgress
from research.sweeps.records import index
from research.sweeps.records.index import RecordSummary
from research.sweeps.records.store import Store

STATES = ("finished", "running", "queued", "diverged", "failed", "damaged", "newer")


@dataclasses.dataclass(frozen=True)
class SweepMember:
    """A run of a sweep: the row of the table that it belongs to, and its epochs."""

    run_id: str
    arm: str
    epochs: int


@dataclasses.dataclass(frozen=True)
class FailedRun:
    """A run without metrics: what its record's line says of the failure. arm: its row."""

    run_id: str
    arm: str
    line: RecordSummary


@dataclasses.dataclass(frozen=True)
class Status:
    """How far a sweep is.

    total, arms: how many runs, of all and of each arm, are in which of STATES. packs: what is
    trained now. rate: lane-epochs a second of these packs. left: seconds until all is done if that
    rate stays, or None where it is not known. failures: the runs that failed or whose record
        cannot be read, in the order of the sweep.
    """

    total: Counter[str]
    arms: Mapping[str, Counter[str]]
    packs: tuple[PackProgress, ...]
    rate: float
    left: float | None
    failures: tuple[FailedRun, ...]

    @property
    def over(self) -> bool:
        """Whether nothing is running or queued."""
        return not self.total["running"] and not self.total["queued"]

    @property
    def live(self) -> tuple[int, int]:
        """(lanes that still train, lanes) of the packs under way."""
        return sum(pack.live for pack in self.packs), sum(len(pack.runs) for pack in self.packs)


def status(
    members: Sequence[SweepMember], store: Store, now: Callable[[Path], float] = file_clock
) -> Status:
    """How far these runs are now.

    Args:
        members: the runs.
        store: the records.
        now: the time of a folder's files.
    """
    ids = {member.run_id for member in members}
    lines = index.lines(store, ids)
    # Compared with the times of files, so by the clock that dates them: hosts' clocks differ.
    moment = now(store.root)
    packs = tuple(pack for pack in alive(store.root, moment) if ids & set(pack.runs))
    return summary(members, lines, packs, claimed(store.root, moment))


def summary(
    members: Sequence[SweepMember],
    lines: Mapping[str, RecordSummary],
    packs: Sequence[PackProgress],
    claimed: set[str],
) -> Status:
    """The status of runs.

    Args:
        members: the runs, with the rows that they belong to.
        lines: the summaries of those that have records, by run id.
        packs: what is trained now.
        claimed: the runs that living workers hold.
    """
    states = {member.run_id: _state(member.run_id, lines, claimed) for member in members}
    arms: dict[str, Counter[str]] = {}
    for member in dict.fromkeys(members):  # a run may belong to several arms
        arms.setdefault(member.arm, Counter())[states[member.run_id]] += 1
    epochs = {member.run_id: member.epochs for member in members}
    rate = sum(pack.rate for pack in packs)
    rows = {member.run_id: member.arm for member in reversed(members)}
    failures = tuple(
        FailedRun(run_id, rows[run_id], lines[run_id])
        for run_id in dict.fromkeys(member.run_id for member in members)
        if run_id in lines and lines[run_id].status in ("failed", "damaged", "newer")
    )
    return Status(
        Counter(states.values()),
        arms,
        tuple(packs),
        rate,
        _left(states, epochs, packs, rate),
        failures,
    )


def _state(run_id: str, lines: Mapping[str, RecordSummary], claimed: set[str]) -> str:
    """A failed run that is tried again is running."""
    line = lines.get(run_id)
    if line is not None and line.status in ("finished", "diverged"):
        return line.status
    if run_id in claimed:
        return "running"
    return "queued" if line is None else line.status


def _left(
    states: Mapping[str, str], epochs: Mapping[str, int], packs: Sequence[PackProgress], rate: float
) -> float | None:
    """Seconds until nothing is running or queued."""
    waiting = [run_id for run_id, state in states.items() if state in ("running", "queued")]
    if not waiting:
        return 0.0
    under_way = {run_id: pack.epoch for pack in packs for run_id in pack.runs}
    remaining = sum(max(0, epochs[run_id] - under_way.get(run_id, 0)) for run_id in waiting)
    return remaining / rate if rate else None


# Who is at work
# ---------------------------------------------------------------------------------------


def alive(root: Path, now: float) -> list[PackProgress]:
    """The packs that workers train now, those of the dead left out.

    Processes that train each run together are not registered: their packs count while they are
    fresh.
    """
    living = _workers(root, now)
    names = _names(root)
    return [
        pack
        for pack in pack_progress.read(root)
        if pack.token in living
        or (pack.token not in names and now - pack_progress.written(root, pack) < TIMEOUT)
    ]


def claimed(root: Path, now: float) -> set[str]:
    """The runs that living workers hold. A claim is a hard link of its worker's file, so no claim
    is opened."""
    nodes = set(_workers(root, now).values())
    try:
        with os.scandir(root / "claims" / "runs") as entries:
            return {entry.name for entry in entries if entry.inode() in nodes}
    except OSError:
        return set()


def _workers(root: Path, now: float) -> dict[str, int]:
    """The inode of each living worker's file, by token."""
    folder = root / "claims" / "workers"
    inodes: dict[str, int] = {}
    for token in _names(root):
        try:
            seen = os.stat(folder / token)
            text = membership.read(str(folder), token)
        except OSError:
            continue
        who, _ = membership.parse(text or "")
        if who is not None and not worker.gone(who) and now - seen.st_mtime < TIMEOUT:
            inodes[token] = seen.st_ino
    return inodes


def _names(root: Path) -> set[str]:
    """The registered tokens: of the living, and of those whose death nobody has noticed."""
    try:
        return {name for name in os.listdir(root / "claims" / "workers") if "." not in name}
    except OSError:
        return set()
