"""Durable files: files and folders that are whole or not there, at any moment and for any reader;
damaged ones are set aside."""

import contextlib
import os
import shutil
import tempfile
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from research.errors import UserError

if TYPE_CHECKING:
    # Programs that only read records start in half of the time without it.
    import numpy as np

# How the name of a folder ends that is being removed; of a process that was killed it stays.
GONE = ".gone"


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all, also when the machine stops. Raises UserError if it
    cannot."""
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            # Before the rename: after a crash the name must not stand for an empty file.
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def write_once(path: Path, content: str) -> None:
    """Writes a file unless it is there: of several processes, the first one's content stays. Raises
    UserError if it cannot be written."""
    partial = _beside(path)
    write_atomically(partial, content)
    try:
        # A link, unlike a rename, never replaces what another process wrote first.
        os.link(partial, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(folder: Path, replace: bool = False) -> Iterator[Path]:
    """A folder to fill, which gets its name once it is filled.

    Args:
        folder: the name. A folder that is there stays, as that of a process that was faster.
        replace: whether the new folder takes the place of one that is there.

    Raises:
        OSError: it cannot be written.
    """
    partial = _beside(folder)
    try:
        partial.mkdir(parents=True)
        yield partial
        if replace:
            remove_folder(folder)
        try:
            # A rename does not replace a folder that has files.
            os.rename(partial, folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        # After a rename there is nothing left to remove; after an error nothing may stay.
        shutil.rmtree(partial, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Removes a folder so that no process sees half of it; one that is gone already is no error."""
    gone = folder.with_name(f"{_beside(folder).name}{GONE}")
    # Renamed first, which is atomic.
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def set_aside(path: Path, folder: Path, name: str = "") -> tuple[Path | None, str]:
    """Moves a damaged file or folder out of the way: (where it is now, or None where nothing can be
    written and it stays; the same in words).

    Raises FileNotFoundError if another process was faster.

    Args:
        path: what is moved.
        folder: where damaged ones lie.
        name: what it is called there, before its ending; "": as before.
    """
    # Never the name of another: what was set aside before may be all that is left of a run.
    aside = folder / f"{name or path.stem}.{uuid.uuid4().hex[:8]}{'' if name else path.suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.rename(path, aside)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or error
        return None, f"left where it is: nothing can be moved to {folder} ({reason})"
    return aside, f"moved to {aside}"


def check_format(stored: object, current: int) -> None:
    """Raises ValueError if a file's format is not the current one."""
    if stored != current:
        raise ValueError(f"its format is {stored}, this code reads {current}")


def array_checksum(array: "np.ndarray") -> int:
    """The CRC-32 of an array's bytes."""
    return zlib.crc32(array.data if array.flags.c_contiguous else array.tobytes())


def file_clock(folder: Path) -> float:
    """Seconds since 1970 by the clock that dates the folder's files, which may be a server's and
    differ from here.

    Where nothing can be written it is this machine's.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()


def _beside(path: Path) -> Path:
    """A hidden name for each writer. Threads and hosts may share a process id; and a rename is
    atomic within one file system only."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}")
