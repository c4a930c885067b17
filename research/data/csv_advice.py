"""Advice: an error about a csv file whose remedy is a flag, and the same error without the flag."""

import contextlib
from collections.abc import Iterator

from research.errors import UserError


class FlagAdvice(UserError):
    """A file that is refused as it is read, and that a flag would read otherwise.

    problem: what is wrong, and where. flags: the end of the line, which names the flags. instead:
        the end of the line where there are no such flags.
    """

    def __init__(self, problem: str, flags: str, instead: str) -> None:
        super().__init__(f"{problem}; {flags}")
        self.problem = problem
        self.instead = instead


@contextlib.contextmanager
def without_flags() -> Iterator[None]:
    """Errors within advise how to change the file.

    New data is read with the options of the run's own data, so launch.evaluate has no flags for
    them.
    """
    try:
        yield
    except FlagAdvice as error:
        raise UserError(f"{error.problem}; {error.instead}") from None
