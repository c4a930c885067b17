"""Case: an odd input, the command line that meets it, and what must come of it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Case:
    """An input that some reader somewhere took wrongly.

    name: unique, a few words. write: creates the input in an empty folder, where the command then
        runs. command: a launcher and its flags. code: the exit code, 0 where the input is read and
        2 where it is refused. says: texts that the output contains, standard error included;
        whatever the code, it has no traceback. reads: checks, in that folder and after the run,
        what was read.
    """

    name: str
    write: Callable[[Path], object]
    command: str
    code: int = 0
    says: tuple[str, ...] = ()
    reads: Callable[[Path], None] | None = None
