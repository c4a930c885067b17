"""Files of a shared directory: written whole or not at all, read by other processes at any moment."""

import contextlib
import os
import uuid
from pathlib import Path

from research.errors import UserError


def write_atomically(path: Path, text: str) -> None:
    """Writes a file whole or not at all, also when the machine stops. Raises UserError if it cannot."""
    # A name of its own for each writer: threads and hosts may share a process id.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
