"""Files of a shared directory: written whole or not at all, read by others at any moment; damaged
ones go aside."""

import contextlib
import os
import tempfile
import time
import uuid
from pathlib import Path

from research.errors import UserError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all, also when the machine stops. Raises UserError if it
    cannot."""
    # A name of its own for each writer: threads and hosts may share a process id.
    # Beside the file, because a rename is atomic within one file system only.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            # Before the rename: after a crash the name must not stand for an empty file.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def clock(folder: Path) -> float:
    """Seconds since 1970 by the clock that dates the folder's files, which may be a server's and
    differ from here.

    Where nothing can be written it is this machine's.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()


def set_aside(path: Path, aside: Path) -> tuple[bool, str]:
    """Moves a damaged file or folder out of the way: (whether it is gone from its place, where it
    is in words).

    Where nothing can be written it stays. Raises FileNotFoundError if another process was faster.
    """
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, aside)
    except FileNotFoundError:
        raise
    except OSError as error:
        return (
            False,
            f"left where it is: nothing can be moved to {aside.parent} ({error.strerror or error})",
        )
    return True, f"moved to {aside}"
