"""Case: an odd input, the command line that meets it, and what must come of it."""

import dataclasses
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support.command_lines import run_all


@dataclasses.dataclass(frozen=True)
class Case:
    """An input that some reader somewhere took wrongly.

    name: unique, a few words. write: creates the input in an empty folder, where the command then
        runs. command: a launcher and its flags. code: the exit code, 0 where the input is read, 2
        where it is refused, and 1 where launch.doctor sees a problem. says: texts that the output
        contains, standard error included; whatever the code, it has no traceback. reads: checks, in
        that folder and after the run, what was read.
    """

    name: str
    write: Callable[[Path], object]
    command: str
    code: int = 0
    says: tuple[str, ...] = ()
    reads: Callable[[Path], None] | None = None


def train_once(folder: Path, command: str) -> None:
    """Trains in `folder`, or copies what the same command made of the same files in another."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    content = tuple((str(path.relative_to(folder)), path.read_bytes()) for path in files)
    trained = Path(_folders().name, f"{hash((command, content)):x}")
    if trained.exists():
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        return
    (result,) = run_all([command.split()], folder)
    assert result.code == 0, result.err
    shutil.copytree(folder, trained)


@functools.cache
def _folders() -> "tempfile.TemporaryDirectory[str]":
    """Where trained folders are kept for as long as this process lives."""
    return tempfile.TemporaryDirectory()
