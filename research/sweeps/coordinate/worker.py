"""A worker: one process that trains runs, as the other processes that share its records directory
know it."""

import dataclasses
import os
import platform
import uuid
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Worker:
    """A process. token: its own for ever. place, start: where and when its pid was given (empty:
    not known)."""

    token: str
    host: str
    pid: int
    place: str = ""
    start: str = ""

    @property
    def share(self) -> float:
        """A number of its own in [0, 1), so that workers begin in different places of what is to be
        done."""
        # The digits of a random UUID are uniform, so the workers spread evenly.
        return int(self.token[:8], 16) / 2**32

    def __str__(self) -> str:
        return f"{self.host} (pid {self.pid})"


def this_process() -> Worker:
    """This process under a new token."""
    pid = os.getpid()
    return Worker(uuid.uuid4().hex, platform.node(), pid, _place(), _state_and_start(pid)[1])


def gone(worker: Worker) -> bool:
    """True if the worker's process has surely ended: it ran here, and its pid is nobody's, a
    zombie's or another's."""
    if not worker.place or worker.place != _place():
        return False
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is there, and another user's
    # The kernel gives pids again; the start time tells two processes of one pid apart.
    state, start = _state_and_start(worker.pid)
    return bool(start) and (start != worker.start or state in "ZX")


def _place() -> str:
    """What a pid is unique in: a boot of a machine and a pid namespace. Containers may share a
    host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _state_and_start(pid: int) -> tuple[str, str]:
    """(state letter, start in clock ticks since boot) of a process, both empty if they cannot be
    read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", ""
    # The second field is the program's name in brackets, which may hold blanks and brackets itself.
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]
